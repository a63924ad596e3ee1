"""Score matrices of several matchers over the same subjects, and the halves of the subjects."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import say
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.cohort import Cohort

FAILED = -1.0


@dataclass(frozen=True)
class Matrices:
    """`scores` (K, S, S) float64: matcher, probe's subject, reference's subject; NaN for a failure to acquire."""

    matchers: tuple[str, ...]
    subjects: tuple[str, ...]
    scores: NDArray[np.float64]

    @property
    def name(self) -> str:
        """The matchers joined by +."""
        return "+".join(self.matchers)

    def one(self, matcher: str) -> "Matrices":
        """The matrix of one matcher."""
        place = self.matchers.index(matcher)
        return Matrices((matcher,), self.subjects, self.scores[place : place + 1])

    def part(self, keep: NDArray[np.bool_]) -> "Matrices":
        """Only the subjects with `keep` (S,) set, as probes and as references."""
        names = tuple(name for name, kept in zip(self.subjects, keep.tolist(), strict=True) if kept)
        return Matrices(self.matchers, names, self.scores[:, keep][:, :, keep])

    def less_people(self, known: NDArray[np.bool_]) -> "Matrices":
        """Every matcher's scores less what is peculiar to people, with those of `known` (S,) for the cohort.

        What is corrected is each comparison of two known or of two other people; the rest is NaN. Of the others only
        comparisons with the known ones are looked at besides. Raises ValueError where the known ones are too few.
        """
        found = np.full(self.scores.shape, np.nan)
        inside, outside = np.ix_(known, known), np.ix_(~known, ~known)
        for own, scores in zip(found, self.scores, strict=True):
            cohort = Cohort.fit(scores[inside])
            own[inside] = cohort.inner
            own[outside] = cohort.outer(scores[outside], scores[~known][:, known], scores[known][:, ~known])
        return Matrices(self.matchers, self.subjects, found)

    def mated(self) -> NDArray[np.float64]:
        """Scores (S, K) of the diagonal."""
        return np.diagonal(self.scores, axis1=1, axis2=2).T.copy()

    def non_mated(self) -> NDArray[np.float64]:
        """Scores (S (S - 1), K) of all other pairs, row by row."""
        return np.ascontiguousarray(self.scores[:, ~np.eye(len(self.subjects), dtype=bool)].T)


def read_matrices(folder: Path, matchers: Sequence[str] | None = None) -> Matrices:
    """Every `<matcher>.csv` of a folder, or those named, in alphabetical order.

    The first row and the first column name the subjects; rows are probes, columns references; -1 is a failure to
    acquire. A matcher that has other negative scores beside it may mean the -1 as a score: that is said on the error
    stream, and the -1 counts as a failure all the same. The files may list the same subjects in different orders.
    Raises ValueError with the file where one is no such matrix, names other subjects than the first, or is missing.
    """
    there = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    wanted = sorted(there if matchers is None else set(matchers))
    missing = [name for name in wanted if name not in there]
    if missing or not wanted:
        raise ValueError(
            f"{folder}: no matrix {', '.join(missing) or '*'}.csv; there are: {', '.join(there) or 'none'}"
        )
    subjects, first = _read(there[wanted[0]])
    planes = [first]
    for name in wanted[1:]:
        others, scores = _read(there[name])
        if set(others) != set(subjects):
            raise ValueError(f"{there[name]}: the subjects are not those of {there[wanted[0]].name}")
        place = {subject: number for number, subject in enumerate(others)}
        order = np.array([place[subject] for subject in subjects])
        planes.append(scores[order][:, order])
    return Matrices(tuple(wanted), subjects, np.stack(planes))


def fit_half(subjects: Sequence[str], split: int) -> NDArray[np.bool_]:
    """Which subjects (S,) are fitted on in a split: the half with the lower hashes of split and name.

    A subject's side depends on no order of the file, and anybody can compute it again.
    """
    hashes = [blake2b(f"{split}/{name}".encode(), digest_size=8).digest() for name in subjects]
    chosen = sorted(range(len(hashes)), key=hashes.__getitem__)[: len(hashes) // 2]
    half = np.zeros(len(hashes), np.bool_)
    half[chosen] = True
    return half


def comparisons(mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> Comparisons:
    """Scores (S,) and (S (S - 1),) of a matrix with their subjects; what is not finite is a failure."""
    count = len(mated)
    pairs = np.argwhere(~np.eye(count, dtype=bool)).astype(np.int32)
    return Comparisons(_failing(mated), _failing(non_mated), np.arange(count, dtype=np.int32), pairs)


def _failing(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.where(np.isfinite(scores), scores, -np.inf).astype(np.float32)


def _read(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:
        raise ValueError(f"{path}: not a matrix with a row and a column of subject names")
    references = [name.strip() for name in rows[0][1:]]
    probes = [row[0].strip() for row in rows[1:]]
    if len(set(references)) != len(references) or sorted(references) != sorted(probes):
        raise ValueError(f"{path}: rows and columns must name the same subjects, each once")
    if any(len(row) != len(references) + 1 for row in rows):
        raise ValueError(f"{path}: not square")
    try:
        scores = np.array([row[1:] for row in rows[1:]], np.float64)
    except ValueError as error:
        raise ValueError(f"{path}: a score is no number") from error
    _warn_of_negative(path, scores)
    place = {subject: number for number, subject in enumerate(probes)}
    scores = scores[[place[subject] for subject in references]]
    return tuple(references), np.where(np.isfinite(scores) & (scores != FAILED), scores, np.nan)


def _warn_of_negative(path: Path, scores: NDArray[np.float64]) -> None:
    failed = int(np.sum(scores == FAILED))
    negative = int(np.sum((scores < 0) & (scores != FAILED)))
    if failed and negative:
        say(
            f"{path.name}: {failed:,} scores are -1 and count as failures to acquire, but {negative:,} others are"
            " negative too, as honest scores of this matcher may be. If its -1 are scores, add a number to all of them"
            " first, so that none is negative."
        )
