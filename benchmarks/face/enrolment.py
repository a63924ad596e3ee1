"""What several reference pictures of a person are worth in one template.

Of everybody with enough pictures in the folder some are drawn by a hash of the name, and each in turn is the probe and
the others its references: the same probes for one reference and for more. `one`: a single reference; `N/mean`: N, each
counting the same; `N/weighted`: by quality, as `FaceEngine.consolidate` does; `N/best`: the best score of N templates,
which costs N comparisons and gives impostors N chances. Non-mated: every probe with the references of everybody else of
the half, turn by turn. Statistics are those of the other half of the people.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.report import Result, print_table, write_json
from benchmarks.face.gallery import Templates, cached, pictures_below, subject_of
from benchmarks.face.statistics import held_out
from benchmarks.scores.rates import TAR_METRICS, rate_results, supported_metrics
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.scoring.bootstrap import Comparisons

REFERENCES = (2, 3)
Rows = NDArray[np.float32]


def run(images: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to. Raises SystemExit for too few people."""
    engine = FaceEngine.open()
    gallery = cached(engine, images, sorted(pictures_below(images)), cache)
    made = held_out(engine, gallery)
    if made is None:
        raise SystemExit(f"too few people below {images} for statistics of their own")
    drawn = _drawn(made, 1 + max(REFERENCES))
    results = _rates("one", made, drawn, lambda some: _single(some[:1]))
    for count in REFERENCES:
        kinds: dict[str, Callable[[Sequence[FaceTemplate]], Rows]] = {
            "mean": lambda some, n=count: _mean(some[:n]),  # type: ignore[misc]
            "weighted": lambda some, n=count: _single([engine.consolidate(some[:n])]),  # type: ignore[misc]
            "best": lambda some, n=count: _single(some[:n]),  # type: ignore[misc]
        }
        for kind, together in kinds.items():
            results += _rates(f"{count}/{kind}", made, drawn, together)
    print_table(results, title=f"{engine.engine}: several reference pictures, {len(drawn)} people")
    if json_path:
        write_json(json_path, "face-enrolment", results)
    return results


def _drawn(made: Templates, count: int) -> dict[str, list[str]]:
    """For everybody with `count` pictures so many of them, the probe first."""
    of: dict[str, list[str]] = {}
    for name in made.of:
        of.setdefault(subject_of(name), []).append(name)
    return {
        person: sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count]
        for person, names in sorted(of.items())
        if len(names) >= count
    }


def _single(some: Sequence[FaceTemplate]) -> Rows:
    return np.stack([template.vector for template in some])


def _mean(some: Sequence[FaceTemplate]) -> Rows:
    mean = np.mean(_single(some), axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)[None]


def _rates(
    name: str, made: Templates, drawn: dict[str, list[str]], together: Callable[[Sequence[FaceTemplate]], Rows]
) -> list[Result]:
    people = list(drawn)
    assert made.half is not None
    half = np.array([made.half[drawn[person][0]] for person in people])
    row, column = np.nonzero((half[:, None] == half[None, :]) & ~np.eye(len(people), dtype=bool))
    mated, non_mated = [], []
    turns = len(drawn[people[0]])
    for turn in range(turns):
        shown = [[made.of[n] for n in drawn[person][turn:] + drawn[person][:turn]] for person in people]
        probes = np.stack([some[0].vector for some in shown])
        scores = np.stack([(probes @ together(some[1:]).T).max(axis=1) for some in shown], axis=1)
        mated.append(scores.diagonal())
        non_mated.append(scores[row, column])
    found = Comparisons(
        np.concatenate(mated).astype(np.float32),
        np.concatenate(non_mated).astype(np.float32),
        np.tile(np.arange(len(people), dtype=np.int32), turns),
        np.tile(np.stack([row, column], axis=1).astype(np.int32), (turns, 1)),
    )
    tars = [metric for metric in supported_metrics(len(found.non_mated)) if metric in TAR_METRICS]
    return rate_results(name, found, metrics=["eer", *tars])
