"""The error rates that are reported of a test: names and order of the project's JSON form, intervals over subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from biometrics.scoring.bootstrap import REPLICATES, Comparisons, intervals
from biometrics.scoring.rates import Curve
from biometrics.scoring.support import with_rule_of_3

FNMR_METRICS = {"fmr100": 1e-2, "fmr1000": 1e-3, "zerofmr": 0.0}
TAR_METRICS = {"tar_at_fmr_1e-3": 1e-3, "tar_at_fmr_1e-4": 1e-4, "tar_at_fmr_1e-5": 1e-5}


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate as a fraction, with its 95 % interval or None, and the number `n` of mated comparisons it rests on.

    Where no error was seen the interval is at least the rule of 3's, 0 to 3 / n.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int


def summarise(
    comparisons: Comparisons, *, metrics: Sequence[str] | None = None, replicates: int = REPLICATES, seed: int = 0
) -> list[Rate]:
    """EER, FNMR and TAR at fixed FMRs, with intervals from a bootstrap over subjects.

    Without `metrics` a rate at an FMR that not even one non-mated comparison stands for is left out. Raises KeyError
    for a metric that is none.
    """
    wanted = supported_metrics(len(comparisons.non_mated)) if metrics is None else list(metrics)
    statistics = {metric: statistic(metric) for metric in wanted}
    curve = comparisons.curve()
    bounds = intervals(comparisons, statistics, replicates=replicates, seed=seed)
    rates = []
    for metric, rate in statistics.items():
        value = rate(curve)
        trials = len(comparisons.mated)
        if metric == "eer":
            trials = min(trials, len(comparisons.non_mated))
        low, high = with_rule_of_3(value, bounds[metric], trials) or (None, None)
        rates.append(Rate(metric, value, low, high, len(comparisons.mated)))
    return rates


def supported_metrics(non_mated: int) -> list[str]:
    """The rates that so many non-mated comparisons can speak about."""
    targets = FNMR_METRICS | TAR_METRICS
    return ["eer", *(metric for metric, fmr in targets.items() if fmr == 0 or fmr * non_mated >= 1)]


def statistic(metric: str) -> Callable[[Curve], float]:
    """The rate of that name as a function of a curve. Raises KeyError for a metric that is none."""
    if metric == "eer":
        return Curve.eer
    if metric in FNMR_METRICS:
        return partial(Curve.fnmr_at_fmr, fmr=FNMR_METRICS[metric])
    return partial(_tar, fmr=TAR_METRICS[metric])


def _tar(curve: Curve, *, fmr: float) -> float:
    return 1.0 - curve.fnmr_at_fmr(fmr)
