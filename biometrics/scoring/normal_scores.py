"""Scores on the scale on which the non-mated ones are standard normal: what models of several matchers start from.

The map of a matcher runs through the quantiles of its non-mated scores (so it is rank-based: any rising change of the
raw scores cancels), and goes on as a straight line beyond the last 30 of them. Scores outside the range of all that was
fitted count as its ends. What is fitted must be free of absurd scores (`ranges.py`): the line runs up to the highest.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.parameters import NORMAL_SCORE_SLOPE_FROM, NORMAL_SCORE_STEP, RULE_OF_30

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NormalScores:
    """Knots of one matcher: `score` (K,) rising, `normal` (K,) rising; straight lines between them."""

    score: Array
    normal: Array

    @classmethod
    def fit(cls, mated: Array, non_mated: Array) -> "NormalScores":
        """From finite scores (M,) and (N,). Raises ValueError where they cannot make a scale: few, or all the same."""
        count = len(non_mated)
        if count <= RULE_OF_30 or len(mated) == 0:
            raise ValueError(f"{len(mated)} mated and {count} non-mated scores are too few to fuse")
        ascending = np.sort(non_mated)
        last = NormalDist().inv_cdf(1 - RULE_OF_30 / count)
        wanted = np.append(np.arange(-last, last, NORMAL_SCORE_STEP), last)
        share = np.array([NormalDist().cdf(value) for value in wanted.tolist()])
        quantile = ascending[np.minimum((share * count).astype(np.int64), count - 1)]
        # Tied quantiles (few distinct scores) are one knot at the middle of their ranks.
        score, place = np.unique(quantile, return_inverse=True)
        normal = np.bincount(place, wanted) / np.bincount(place)
        if len(score) < 2:
            raise ValueError("nearly all non-mated scores are the same: they make no scale")
        return cls(*_prolonged(score, normal, min(mated.min(), ascending[0]), max(mated.max(), ascending[-1])))

    def __call__(self, scores: Array) -> Array:
        """Normal scores of any shape; NaN stays NaN."""
        return np.interp(scores, self.score, self.normal)


def _prolonged(score: Array, normal: Array, lowest: float, highest: float) -> tuple[Array, Array]:
    """The knots with one more at each end of the range, on the line through the last stretch of the quantiles."""
    foot = min(int(np.searchsorted(normal, NORMAL_SCORE_SLOPE_FROM)), len(normal) - 2)
    above = (normal[-1] - normal[foot]) / (score[-1] - score[foot])
    if highest > score[-1]:
        normal = np.append(normal, normal[-1] + above * (highest - score[-1]))
        score = np.append(score, highest)
    if lowest < score[0]:
        below = (normal[1] - normal[0]) / (score[1] - score[0])
        normal = np.append(normal[0] - below * (score[0] - lowest), normal)
        score = np.append(lowest, score)
    return score, normal
