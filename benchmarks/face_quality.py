"""Whether a face's quality predicts error: FNMR against the share of comparisons that is turned away.

The listed mated pairs, with statistics of the other half of the people; the threshold stays where the FMR of all pairs
of different people is 1e-3 (and 1e-4). Those comparisons go first whose worse picture has the lowest quality (Grother
and Tabassi, PAMI 29, 2007). `cut_10` is the share of the FNMR that goes with the worst tenth; its interval is a
bootstrap over people.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.face import cross_comparisons, names_of, read_pairs, score_rows
from benchmarks.face_gallery import Gallery, cached, subject_of
from benchmarks.face_statistics import held_out
from benchmarks.report import FRACTION, Result, ScoreRow, print_table, write_json
from biometrics.face import FaceEngine
from biometrics.scoring.discard import error_versus_discard

SHARES = (0.0, 0.05, 0.1, 0.2)
RATES = {"1e-3": 1e-3, "1e-4": 1e-4}
REPLICATES = 1000


def run(images: Path, pairs: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to. Raises typer.BadParameter for too few people."""
    listed = read_pairs(pairs)
    engine = FaceEngine.open()
    gallery = cached(engine, images, names_of(images, listed, True), cache)
    made = held_out(engine, gallery, [pair[:2] for pair in listed])
    if made is None:
        raise typer.BadParameter(f"too few people below {images} for statistics of their own")
    rows = score_rows(made, listed)
    curve = cross_comparisons(made, gallery, rows).curve()
    mated = [row for row in rows if row.mated]
    quality = np.array([min(_quality(gallery, row.reference), _quality(gallery, row.probe)) for row in mated])
    name = f"{images.resolve().name}/subjects"
    results = []
    for label, fmr in RATES.items():
        results += discards(name, label, mated, quality, curve.threshold_at_fmr(fmr))
    print_table(results, title=f"{engine.engine}: error against discard")
    if json_path:
        write_json(json_path, "face-quality", results)
    return results


def discards(
    name: str, label: str, mated: Sequence[ScoreRow], quality: NDArray[np.float64], threshold: float
) -> list[Result]:
    """FNMR with each of SHARES turned away, and what the worst tenth takes with it."""
    scores = np.array([row.score for row in mated])
    curve = error_versus_discard(scores, quality, threshold)
    results = []
    for share in SHARES:
        place = int(np.argmin(np.abs(curve.discarded - share)))
        metric = f"fnmr_at_{label}_discard_{round(100 * share)}"
        results.append(Result(name, metric, float(curve.fnmr[place]), None, None, FRACTION, len(mated)))
    low, high = _interval([subject_of(row.reference) for row in mated], scores, quality, threshold)
    cut = _cut(scores, quality, threshold)
    return [*results, Result(name, f"cut_10_at_{label}", cut, low, high, FRACTION, len(mated))]


def _cut(scores: NDArray[np.float64], quality: NDArray[np.float64], threshold: float) -> float:
    curve = error_versus_discard(scores, quality, threshold)
    left = float(curve.fnmr[int(np.argmin(np.abs(curve.discarded - 0.1)))])
    return 1 - left / float(curve.fnmr[0]) if curve.fnmr[0] > 0 else 0.0


def _interval(
    people: Sequence[str], scores: NDArray[np.float64], quality: NDArray[np.float64], threshold: float
) -> tuple[float, float]:
    random = np.random.default_rng(0)
    numbers = np.unique(people, return_inverse=True)[1]
    members = [np.flatnonzero(numbers == number) for number in range(numbers.max() + 1)]
    cuts = []
    for _ in range(REPLICATES):
        drawn = np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])
        cuts.append(_cut(scores[drawn], quality[drawn], threshold))
    low, high = np.percentile(cuts, (2.5, 97.5))
    return float(low), float(high)


def _quality(gallery: Gallery, name: str) -> float:
    """0 for a picture without a template."""
    return float(gallery.embedded[name].quality) if name in gallery.embedded else 0.0
