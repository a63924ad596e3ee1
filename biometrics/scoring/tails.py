"""FMR of several score sets as one curve that goes on, exponentially, where the non-mated comparisons end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.parameters import RULE_OF_30, SLOPE_WINDOW


def least_for_tail(count: int, label_noise: float) -> int:
    """Of so many scores the number that the tail's slope is taken from; there have to be more."""
    return max(RULE_OF_30, SLOPE_WINDOW * int(np.ceil(label_noise * count)))


@dataclass(frozen=True)
class SetTail:
    """One set's share of non-mated scores at or above a score: counted up to `start`, exponential from there.

    `ascending` (N,) float64 finite scores; `rate` is the share at `start`, `scale` the exponential's mean excess.
    """

    ascending: NDArray[np.float64]
    start: float
    rate: float
    scale: float

    @classmethod
    def of(cls, scores: ArrayLike, *, label_noise: float = 0.0) -> "SetTail":
        """Count down to the score that 30 comparisons reach, and take the slope from those above it (peaks over a
        threshold; the exponential is the Pareto tail with shape 0, and conservative where the tail is lighter).

        Where a share `label_noise` of the comparisons may be mislabelled, the highest ranks up to that share are not
        looked at, only counted: the slope is that of the ranks below, censored there. Raises ValueError when fewer
        than 31 scores, or as many as make up the window of the slope, are there, or when they are all the same.
        """
        ascending = np.sort(np.asarray(scores, np.float64).ravel())
        count = len(ascending)
        untrusted = int(np.ceil(label_noise * count))
        first = max(RULE_OF_30, untrusted)
        window = least_for_tail(count, label_noise)
        if count <= window:
            raise ValueError(f"{count} non-mated scores say nothing about their tail; more than {window} are needed")
        start, foot = ascending[count - first], ascending[count - window - 1]
        excess = np.minimum(ascending[count - window :], ascending[count - max(untrusted, 1)]) - foot
        scale = float(excess.sum()) / (window - untrusted)
        if not scale > 0:
            raise ValueError("the highest non-mated scores are all the same: no tail can be fitted")
        # Ties with the score at the start belong to the counted part.
        rate = (count - int(np.searchsorted(ascending, start, side="left"))) / count
        return cls(ascending, float(start), rate, scale)

    def share_above(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of non-mated scores >= `score` (any shape)."""
        counted = 1.0 - np.searchsorted(self.ascending, score, side="left") / len(self.ascending)
        beyond = self.rate * np.exp(-np.maximum(score - self.start, 0.0) / self.scale)
        return np.where(score > self.start, beyond, counted)


@dataclass(frozen=True)
class NonMated:
    """A weighted mixture of sets; `weights` add up to one."""

    sets: tuple[SetTail, ...]
    weights: NDArray[np.float64]
    label_noise: float

    @classmethod
    def of(cls, sets: Sequence[ArrayLike], weights: ArrayLike, *, label_noise: float = 0.0) -> "NonMated":
        """Sets of scores with positive weights, scaled to add up to one. Raises ValueError as `SetTail.of` does."""
        shares = np.asarray(weights, np.float64)
        tails = tuple(SetTail.of(scores, label_noise=label_noise) for scores in sets)
        return cls(tails, shares / shares.sum(), label_noise)

    @property
    def comparisons(self) -> int:
        """How many non-mated comparisons there are."""
        return sum(len(tail.ascending) for tail in self.sets)

    @property
    def measured_to(self) -> float:
        """The lowest FMR that counts as measured: 30 errors among the equivalent number of equally weighted scores."""
        counts = np.array([len(tail.ascending) for tail in self.sets])
        return max(RULE_OF_30 * float(np.sum(self.weights**2 / counts)), self.label_noise)

    def fmr(self, score: ArrayLike) -> NDArray[np.float64]:
        """FMR at a threshold of `score` (any shape)."""
        scores = np.asarray(score, np.float64)
        shares = [weight * tail.share_above(scores) for weight, tail in zip(self.weights, self.sets, strict=True)]
        return np.asarray(np.sum(shares, axis=0), np.float64)

    def thresholds(self, fmr: ArrayLike) -> NDArray[np.float64]:
        """The lowest score whose FMR is at most `fmr` (any shape, all > 0), by bisection.

        It is rounded up to the next score that a set counts: there the rate is exact, ties and all.
        """
        wanted = np.asarray(fmr, np.float64)
        depth = -np.log(wanted.min()) + np.log(len(self.sets)) + 1
        low = np.full(wanted.shape, min(tail.ascending[0] for tail in self.sets))
        high = np.full(wanted.shape, max(tail.start + tail.scale * depth for tail in self.sets))
        low = low - 1e-9 * (high - low)
        for _ in range(60):
            middle = (low + high) / 2
            enough = self.fmr(middle) <= wanted
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return self._next_counted(high)

    def _next_counted(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """The lowest score at or above `score` that a set counts; `score` itself where all sets are in their tails."""
        following = np.full(score.shape, np.inf)
        for tail in self.sets:
            place = np.searchsorted(tail.ascending, score, side="left")
            here = tail.ascending[np.minimum(place, len(tail.ascending) - 1)]
            following = np.where((score <= here) & (here <= tail.start), np.minimum(following, here), following)
        return np.where(np.isfinite(following), following, score)
