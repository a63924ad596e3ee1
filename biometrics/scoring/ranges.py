"""Which scores of a matcher can be its own at all: absurd ones count as failures of that matcher, in fits and after.

A fault of a matcher or of a file may leave any number where a score should be. Such a score says nothing of the two
samples, and none may speak for a match by being large. The range starts between low and high quantiles of what was
fitted and is drawn out score by score while the next lies near what is in it already, so that honest heavy tails stay.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.parameters import ABSURD_BEYOND, CORE_MATED, CORE_NON_MATED

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreRange:
    """Scores outside [`lowest`, `highest`] are absurd."""

    lowest: float
    highest: float

    @classmethod
    def fit(cls, mated: Array, non_mated: Array) -> "ScoreRange":
        """From scores (M,) and (N,), NaN for failures; everything is in range where one kind has no score."""
        sides = [side[np.isfinite(side)] for side in (mated, non_mated)]
        if any(len(side) == 0 for side in sides):
            return cls(-np.inf, np.inf)
        shares = CORE_MATED, CORE_NON_MATED
        low = min(_ranked(side, share) for side, share in zip(sides, shares, strict=True))
        high = max(_ranked(side, 1 - share) for side, share in zip(sides, shares, strict=True))
        if high <= low:
            return cls(-np.inf, np.inf)
        ascending = np.unique(np.concatenate(sides))
        return cls(-_fence(-ascending[::-1], -high, -low), _fence(ascending, low, high))

    def __call__(self, scores: Array) -> Array:
        """The scores (any shape), NaN where absurd."""
        return np.where((scores >= self.lowest) & (scores <= self.highest), scores, np.nan)


def _ranked(scores: Array, share: float) -> float:
    """A score that was seen, so that a few absurd ones draw no quantile towards them."""
    return float(np.quantile(scores, share, method="nearest"))


def _fence(ascending: Array, low: float, high: float) -> float:
    """The upper end: `ABSURD_BEYOND` times as far from `low` as the last score that is no farther from its forerunner.

    Scaled first, so that no difference of representable scores overflows.
    """
    above = ascending[ascending >= high]
    unit = max(abs(low), float(np.abs(above).max()))
    reach = above / unit - low / unit
    breaks = np.flatnonzero(reach[1:] > ABSURD_BEYOND * reach[:-1])
    last = reach[breaks[0]] if len(breaks) else reach[-1]
    with np.errstate(over="ignore"):
        return float((low / unit + ABSURD_BEYOND * last) * unit)
