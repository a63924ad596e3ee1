"""Intervals of error rates by a bootstrap over subjects.

The comparisons of one person are not independent, so subjects are drawn with replacement, not comparisons (the subsets
bootstrap: Bolle, Ratha, Pankanti, "Error analysis of pattern recognition systems", CVIU 93, 2004). A subject drawn k
times carries weight k: a mated comparison weighs k, a non-mated one the product of its two subjects' weights.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.rates import Curve, scores_of

REPLICATES = 1000
LEVEL = 0.95
# Above this many non-mated comparisons a replicate weighs only the highest scores, and takes the sum of all weights
# from the table of how many comparisons each pair of subjects has.
WHOLE = 1 << 22
TAIL = 0.02
TAIL_EERS = 5.0


@dataclass(frozen=True)
class Comparisons:
    """Scores of one test with their subjects.

    `mated` (M,) and `non_mated` (N,) float32, -inf for a failure; `mated_subject` (M,) and `non_mated_subjects` (N, 2)
    integers from 0 (a person, or a finger where persons are unknown). Raises ValueError where they don't fit together.
    """

    mated: NDArray[np.float32]
    non_mated: NDArray[np.float32]
    mated_subject: NDArray[np.int32]
    non_mated_subjects: NDArray[np.int32]

    def __post_init__(self) -> None:
        scores_of(self.mated, "mated")
        scores_of(self.non_mated, "non-mated")
        shapes = (self.mated.shape, (*self.non_mated.shape, 2))
        if shapes != (self.mated_subject.shape, self.non_mated_subjects.shape):
            raise ValueError("every comparison needs its subjects: one if mated, two if not")

    @classmethod
    def of(cls, rows: Iterable[tuple[Hashable, Hashable, bool, float]]) -> "Comparisons":
        """From rows of (reference's subject, probe's subject, mated, score)."""
        numbers: dict[Hashable, int] = {}
        mated: list[tuple[int, float]] = []
        non_mated: list[tuple[int, int, float]] = []
        for reference, probe, is_mated, score in rows:
            first = numbers.setdefault(reference, len(numbers))
            second = numbers.setdefault(probe, len(numbers))
            if is_mated:
                mated.append((first, score))
            else:
                non_mated.append((first, second, score))
        return cls(
            np.array([score for _, score in mated], np.float32),
            np.array([score for *_, score in non_mated], np.float32),
            np.array([subject for subject, _ in mated], np.int32),
            np.array([subjects for *subjects, _ in non_mated], np.int32).reshape(-1, 2),
        )

    @property
    def subjects(self) -> int:
        """How many subjects there are."""
        return 1 + int(max(self.mated_subject.max(), self.non_mated_subjects.max()))

    def curve(self) -> Curve:
        """The error rates of all comparisons."""
        return Curve.of(self.mated, self.non_mated)


def intervals(
    comparisons: Comparisons,
    statistics: Mapping[str, Callable[[Curve], float]],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, tuple[float, float] | None]:
    """Percentile intervals of `statistics`, each a function of a Curve; None where no replicate differs from another.

    A statistic that never varies (no error was seen) has no bootstrap interval: [0, 0] would claim certainty.
    """
    random = np.random.default_rng(seed)
    sampler = _Sampler.of(comparisons)
    values: dict[str, list[float]] = {name: [] for name in statistics}
    for _ in range(replicates):
        curve = sampler.draw(random)
        for name, statistic in statistics.items():
            values[name].append(statistic(curve))
    edges = (50 * (1 - level), 50 * (1 + level))
    found: dict[str, tuple[float, float] | None] = {}
    for name, drawn in values.items():
        low, high = (float(edge) for edge in np.percentile(drawn, edges))
        found[name] = (low, high) if max(drawn) > min(drawn) else None
    return found


@dataclass(frozen=True)
class _Sampler:
    """Scores in order, with their subjects; draws weighted curves."""

    subjects: int
    mated: NDArray[np.float32]
    mated_subject: NDArray[np.int32]
    tail: NDArray[np.float32]
    tail_subjects: NDArray[np.int32]
    pair_counts: NDArray[np.float32] | None

    @classmethod
    def of(cls, comparisons: Comparisons) -> "_Sampler":
        subjects = comparisons.subjects
        order = np.argsort(comparisons.mated, kind="stable")
        scores, pairs, counts = comparisons.non_mated, comparisons.non_mated_subjects, None
        if len(scores) > max(WHOLE, subjects * subjects // 4):
            counts = _pair_counts(pairs, subjects)
            highest = _highest(comparisons)
            scores, pairs = scores[highest], pairs[highest]
        descending = np.argsort(scores, kind="stable")[::-1]
        return cls(
            subjects,
            comparisons.mated[order],
            comparisons.mated_subject[order],
            scores[descending],
            pairs[descending],
            counts,
        )

    def draw(self, random: np.random.Generator) -> Curve:
        """One replicate; drawn again in the rare case that it holds no mated or no non-mated comparison."""
        while True:
            weight = np.bincount(random.integers(self.subjects, size=self.subjects), minlength=self.subjects)
            mated = np.cumsum(weight[self.mated_subject], dtype=np.float64)
            non_mated = np.cumsum(_pair_weight(weight, self.tail_subjects), dtype=np.float64)
            total = non_mated[-1] if self.pair_counts is None else self._total(weight)
            if mated[-1] > 0 and total > 0:
                break
        return Curve(self.mated, self.tail[::-1], np.append(0.0, mated) / mated[-1], np.append(0.0, non_mated) / total)

    def _total(self, weight: NDArray[np.intp]) -> float:
        assert self.pair_counts is not None
        drawn = weight.astype(np.float32)
        within = np.diagonal(self.pair_counts)
        return float(drawn @ (self.pair_counts @ drawn) + within @ (drawn - drawn * drawn))


def _pair_weight(weight: NDArray[np.intp], subjects: NDArray[np.int32]) -> NDArray[np.intp]:
    """The product of the two weights; one of them for two fingers of one person, who was drawn once for both."""
    first, second = weight[subjects[:, 0]], weight[subjects[:, 1]]
    return np.where(subjects[:, 0] == subjects[:, 1], first, first * second)


def _highest(comparisons: Comparisons) -> NDArray[np.intp]:
    """Where the highest non-mated scores are: all above the one that stands at the tail's share, ties with it too."""
    curve = comparisons.curve()
    share = min(1.0, max(TAIL, TAIL_EERS * curve.eer()))
    cut = curve.non_mated[len(curve.non_mated) - int(share * len(curve.non_mated))]
    del curve
    return np.flatnonzero(comparisons.non_mated >= cut)


def _pair_counts(pairs: NDArray[np.int32], subjects: int) -> NDArray[np.float32]:
    """In pieces: the codes of 10^8 pairs at once would be most of the memory."""
    counts = np.zeros(subjects * subjects, np.int64)
    for start in range(0, len(pairs), WHOLE):
        piece = pairs[start : start + WHOLE]
        counts += np.bincount(piece[:, 0].astype(np.int64) * subjects + piece[:, 1], minlength=subjects * subjects)
    return counts.reshape(subjects, subjects).astype(np.float32)
