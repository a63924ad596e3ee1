"""Score files as sets with subjects, and the parts of a set that hold certain subjects only."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.report import read_scores
from benchmarks.common.subjects import finger_of, person_of
from benchmarks.scores.rates import comparisons_of
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.fit import ScoreSet
from biometrics.scoring.folds import sketch, subject_key

BLOCK = 512


def read_set(path: Path, *, vectors: Path | None = None) -> ScoreSet:
    """The set of one score file, named after it; it counts as much as it has fingers (or, with faces, persons).

    `vectors` is an .npz with `names` (N,) and `vectors` (N, D) float32: the cosines of all pairs of different persons
    take the place of the file's non-mated scores. Where it has `half` (N,), only rows of the same half compare.
    """
    rows = read_scores(path)
    comparisons = comparisons_of(rows, person_of)
    samples = [name for row in rows for name in (row.reference, row.probe)]
    # In the order in which their comparisons number them.
    persons = list(dict.fromkeys(person_of(name) for name in samples))
    if vectors is not None:
        comparisons, persons = _with_cross(vectors, [(row.reference, row.score) for row in rows if row.mated])
    keys = tuple(subject_key(person) for person in persons)
    weight = float(len({finger_of(name) for name in samples}))
    return ScoreSet(path.stem.removeprefix("scores_"), comparisons, weight, keys)


def _with_cross(path: Path, mated: Sequence[tuple[str, float]]) -> tuple[Comparisons, list[str]]:
    with np.load(path) as file:
        names, vectors = [str(name) for name in file["names"]], np.asarray(file["vectors"], np.float32)
        half = np.asarray(file["half"]) if "half" in file else np.zeros(len(names), np.int8)
    persons = sorted({person_of(name) for name in names} | {person_of(name) for name, _ in mated})
    number = {person: index for index, person in enumerate(persons)}
    subject = np.array([number[person_of(name)] for name in names], np.int32)
    scores, pairs = cross_scores(vectors, subject, half)
    comparisons = Comparisons(
        np.array([score for _, score in mated], np.float32),
        scores,
        np.array([number[person_of(name)] for name, _ in mated], np.int32),
        pairs,
    )
    return comparisons, persons


def cross_scores(
    vectors: NDArray[np.float32], subject: NDArray[np.int32], half: NDArray[np.int8] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Cosines (P,) of all pairs of rows of two subjects and one half, and the two subjects (P, 2)."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    half = np.zeros(len(unit), np.int8) if half is None else half
    scores, pairs = [], []
    for start in range(0, len(unit), BLOCK):
        stop = min(start + BLOCK, len(unit))
        cosines = unit[start:stop] @ unit[start:].T
        others = subject[start:stop, None] != subject[None, start:]
        row, column = np.nonzero(others & (half[start:stop, None] == half[None, start:]))
        upper = column > row
        row, column = row[upper], column[upper]
        scores.append(cosines[row, column])
        pairs.append(np.stack([subject[start + row], subject[start + column]], axis=1))
    return np.concatenate(scores).astype(np.float32), np.concatenate(pairs)


def describe(sets: Iterable[ScoreSet]) -> list[dict[str, str | int | float | list[str]]]:
    """What a calibration's provenance says about its sets."""
    return [
        {
            "set": one.name,
            "subjects": len(np.unique(np.append(one.comparisons.non_mated_subjects, one.comparisons.mated_subject))),
            "people": sketch(one.keys),
            "sources": one.weight,
            "mated": len(one.comparisons.mated),
            "non_mated": len(one.comparisons.non_mated),
            "failures": int(
                np.sum(~np.isfinite(one.comparisons.mated)) + np.sum(~np.isfinite(one.comparisons.non_mated))
            ),
        }
        for one in sets
    ]
