"""Curves with pointwise confidence bands, from one bootstrap over subjects.

With the same seed and as many replicates the subjects drawn are those of `summary.summarise`: a rate has one interval,
in a table and in a band.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.bootstrap import REPLICATES, Comparisons, intervals
from biometrics.scoring.rates import Curve
from biometrics.scoring.support import with_rule_of_3


@dataclass(frozen=True)
class Band:
    """A curve: `at` (P,), `value` (P,) and its 95 % bounds `low`, `high` (P,).

    Where no replicate differs they are equal to the value; where no error was seen `high` is the rule of 3's at least.
    """

    at: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def det_band(comparisons: Comparisons, fmr: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0) -> Band:
    """FNMR at each of the FMRs (P,)."""
    targets = [float(one) for one in np.asarray(fmr, np.float64)]
    return _band(
        comparisons,
        targets,
        [partial(Curve.fnmr_at_fmr, fmr=one) for one in targets],
        len(comparisons.mated),
        replicates,
        seed,
    )


def fmr_band(comparisons: Comparisons, thresholds: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0) -> Band:
    """FMR at each of the thresholds (P,)."""
    values = [float(one) for one in np.asarray(thresholds, np.float64)]
    return _band(
        comparisons,
        values,
        [partial(_fmr, threshold=one) for one in values],
        len(comparisons.non_mated),
        replicates,
        seed,
    )


def fnmr_band(comparisons: Comparisons, thresholds: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0) -> Band:
    """FNMR at each of the thresholds (P,)."""
    values = [float(one) for one in np.asarray(thresholds, np.float64)]
    return _band(
        comparisons, values, [partial(_fnmr, threshold=one) for one in values], len(comparisons.mated), replicates, seed
    )


def _band(
    comparisons: Comparisons,
    at: list[float],
    statistics: Sequence[Callable[[Curve], float]],
    trials: int,
    replicates: int,
    seed: int,
) -> Band:
    named = {str(number): statistic for number, statistic in enumerate(statistics)}
    curve = comparisons.curve()
    value = np.array([statistic(curve) for statistic in statistics])
    bounds = intervals(comparisons, named, replicates=replicates, seed=seed)
    edges = np.array(
        [
            with_rule_of_3(one, bounds[name], trials) or (one, one)
            for name, one in zip(named, value.tolist(), strict=True)
        ]
    )
    return Band(np.array(at), value, np.minimum(edges[:, 0], value), np.maximum(edges[:, 1], value))


def _fmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fmr(threshold))


def _fnmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fnmr(threshold))
