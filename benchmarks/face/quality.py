"""Whether a face's quality predicts error: FNMR against the share of comparisons that is turned away.

The listed mated pairs, with statistics of the other half of the people; the threshold stays where the FMR of all pairs
of different people is 1e-3 (and 1e-4). Those comparisons go first whose worse picture has the lowest quality (Grother
and Tabassi, PAMI 29, 2007). `cut_10` is the share of the FNMR that goes with the worst tenth; its interval is a
bootstrap over people.

`NAME/subjects/quality_A..B`: comparisons whose worse picture has a quality from A to B. `fmr_at_stated_X` is the true
FMR of "accept when the shipped calibration states an FMR of at most X"; it should be X whatever the quality.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json
from benchmarks.face.accuracy import cross_comparisons, names_of, read_pairs, score_rows
from benchmarks.face.gallery import Gallery, Templates, cached, subject_of
from benchmarks.face.statistics import held_out
from biometrics.face import FaceEngine
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.discard import error_versus_discard

SHARES = (0.0, 0.05, 0.1, 0.2)
RATES = {"1e-3": 1e-3, "1e-4": 1e-4}
REPLICATES = 1000
BANDS = (0.1, 0.25, 0.5, 0.75)
"""Shares of the pictures below the edges of the bands of quality."""
STATED = {"1e-2": 1e-2, **RATES}
BLOCK = 512


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
    results += stated(name, made, gallery, Calibration.load(engine.engine))
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


def stated(name: str, made: Templates, gallery: Gallery, calibration: Calibration) -> list[Result]:
    """The true FMR where `calibration` states one, for pairs of different people (of one half) by their quality."""
    names = sorted(made.of)
    quality = np.array([gallery.embedded[one].quality for one in names])
    people = np.unique([subject_of(one) for one in names], return_inverse=True)[1]
    half = np.array([0 if made.half is None else made.half[one] for one in names])
    vectors = np.stack([made.of[one].vector for one in names])
    edges = np.quantile(quality, BANDS)
    accepted, compared = np.zeros((len(STATED), len(BANDS) + 1)), np.zeros(len(BANDS) + 1)
    for start in range(0, len(names), BLOCK):
        rows = slice(start, start + BLOCK)
        others = (people[rows, None] < people[None, :]) & (half[rows, None] == half[None, :])
        worse = np.minimum(quality[rows, None], quality[None, :])[others]
        band = np.searchsorted(edges, worse, side="right")
        fmr = calibration.fmr_of((vectors[rows] @ vectors.T)[others])
        compared += np.bincount(band, minlength=len(compared))
        for place, most in enumerate(STATED.values()):
            accepted[place] += np.bincount(band[fmr <= most], minlength=len(compared))
    bounds = [int(quality.min()), *(round(edge) for edge in edges), int(quality.max())]
    results = []
    for band in np.flatnonzero(compared):
        where, count = f"{name}/quality_{bounds[band]}..{bounds[band + 1]}", int(compared[band])
        for label, some in zip(STATED, accepted, strict=True):
            share = float(some[band]) / count
            results.append(Result(where, f"fmr_at_stated_{label}", share, None, None, FRACTION, count))
    return results


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
