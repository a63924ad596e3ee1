"""Error versus discard: how the FNMR falls when the samples of lowest quality are turned away.

Grother and Tabassi, "Performance of biometric quality measures", IEEE PAMI 29, 2007 (ISO/IEC 29794-1). A quality
measure that knows what will fail lets the FNMR fall fast; one that knows nothing leaves it where it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class DiscardCurve:
    """`discarded` (P,) rising shares of comparisons turned away, `fnmr` (P,) of those left, `area` under it.

    `ideal` is the area if exactly the false non-matches went first; the ratio of two measures' areas over `ideal`
    compares them.
    """

    discarded: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    area: float
    ideal: float


def error_versus_discard(
    scores: ArrayLike, quality: ArrayLike, threshold: float, *, most: float = 0.2, points: int = 41
) -> DiscardCurve:
    """For mated `scores` (M,) with their `quality` (M,), the lower of the two samples', higher is better.

    The threshold stays. Comparisons of one quality go together: what is discarded is the nearest share that cuts none
    of them apart. Raises ValueError where the two don't fit together or `most` is not within 0..1.
    """
    compared, grade = np.asarray(scores, np.float64).ravel(), np.asarray(quality, np.float64).ravel()
    if compared.shape != grade.shape or len(compared) == 0 or np.any(np.isnan(grade)):
        raise ValueError("every mated score needs a quality")
    if not 0 < most < 1:
        raise ValueError(f"a share of {most} cannot be discarded")
    # A failure (-inf) is a false non-match at every threshold.
    wrong = (compared < threshold) | np.isneginf(compared)
    order = np.argsort(grade, kind="stable")
    ascending = grade[order]
    ends = np.append(0, np.flatnonzero(np.diff(ascending) > 0) + 1)
    wanted = np.linspace(0, most, points) * len(grade)
    cut = np.unique(ends[np.argmin(np.abs(ends[:, None] - wanted[None, :]), axis=0)])
    left_wrong = wrong.sum() - np.append(0, np.cumsum(wrong[order]))[cut]
    fnmr = left_wrong / (len(grade) - cut)
    share = cut / len(grade)
    return DiscardCurve(share, fnmr, _area(share, fnmr, most), _ideal(float(wrong.mean()), most))


def _area(share: NDArray[np.float64], fnmr: NDArray[np.float64], most: float) -> float:
    """Of the staircase from 0 to `most`."""
    edges = np.minimum(np.append(share, max(most, float(share[-1]))), most)
    return float(np.sum(np.diff(edges) * fnmr))


def _ideal(fnmr: float, most: float) -> float:
    """Integral of (fnmr - d) / (1 - d) for d from 0 to min(fnmr, most)."""
    end = min(fnmr, most)
    return float(end + (1 - fnmr) * np.log1p(-end)) if end < 1 else 1.0
