"""FMRs below what was measured, by extreme-value theory; to be labelled as extrapolated wherever they are shown.

Peaks over a threshold: what non-mated scores exceed a high threshold by has, in the limit, a generalised Pareto
distribution (Pickands 1975). Its two parameters are fitted by probability-weighted moments (Hosking and Wallis,
Technometrics 29, 1987). ISO/IEC 5152 tells how such models are used for biometric performance.

The calibrations use the exponential special case (`tails.py`), which is steadier and errs to the safe side where the
tail is lighter; here the shape is left free, and the interval shows how little that pins down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.parameters import EXTRAPOLATION_LIMIT, PARETO_EXCEEDANCES, RULE_OF_30


@dataclass(frozen=True)
class ParetoTail:
    """FMR(t) = rate (1 + shape (t - start) / scale)^(-1 / shape) for t >= start; `lowest` is as far as it may be used.

    Below `start` and down to the rate that 30 comparisons stand for, use the counted rates.
    """

    start: float
    rate: float
    scale: float
    shape: float
    lowest: float

    @classmethod
    def fit(cls, non_mated: ArrayLike) -> "ParetoTail":
        """To the highest scores (failures, -inf, count as comparisons). Raises ValueError where too few differ."""
        scores = np.asarray(non_mated, np.float64).ravel()
        count = min(PARETO_EXCEEDANCES, len(scores) // 10)
        if count < RULE_OF_30:
            raise ValueError(f"{len(scores)} non-mated scores say nothing about their tail")
        highest = np.sort(np.partition(scores, len(scores) - count - 1)[len(scores) - count - 1 :])
        start, excess = float(highest[0]), highest[1:] - highest[0]
        if not np.isfinite(start) or len(np.unique(excess)) < 3:
            raise ValueError("the highest non-mated scores are nearly all the same: no tail can be fitted")
        first, second = _weighted_moments(excess)
        shape = 2 - first / (first - 2 * second)
        # The mean exists for a shape below 1; moments' estimates near it are no estimates.
        shape = float(np.clip(shape, -1.0, 0.9))
        scale = float(first * (1 - shape))
        return cls(start, count / len(scores), scale, shape, EXTRAPOLATION_LIMIT * RULE_OF_30 / len(scores))

    def fmr(self, threshold: ArrayLike) -> NDArray[np.float64]:
        """FMR at thresholds at or above `start` (any shape); not below `lowest`."""
        over = np.maximum((np.asarray(threshold, np.float64) - self.start) / self.scale, 0.0)
        if abs(self.shape) < 1e-6:
            return np.maximum(self.rate * np.exp(-over), self.lowest)
        inside = np.maximum(1 + self.shape * over, 0.0)
        with np.errstate(divide="ignore"):
            return np.maximum(self.rate * inside ** (-1 / self.shape), self.lowest)

    def threshold(self, fmr: float) -> float:
        """The threshold of an FMR. Raises ValueError outside `lowest` .. `rate`: that is not the tail's to say."""
        if not self.lowest <= fmr <= self.rate:
            raise ValueError(f"an FMR of {fmr} is not within the fitted tail, {self.lowest:.1e} to {self.rate:.1e}")
        depth = np.log(self.rate / fmr)
        if abs(self.shape) < 1e-6:
            return float(self.start + self.scale * depth)
        return float(self.start + self.scale * np.expm1(self.shape * depth) / self.shape)


def _weighted_moments(excess: NDArray[np.float64]) -> tuple[float, float]:
    """E[x] and E[x (1 - F(x))] of ascending excesses."""
    count = len(excess)
    above = (count - np.arange(1, count + 1) + 0.35) / count
    return float(excess.mean()), float(np.mean(above * excess))
