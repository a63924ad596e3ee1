"""The error rates that accuracy benchmarks report, in the names and order of the project's JSON form."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from benchmarks.report import FRACTION, Result, ScoreRow
from biometrics.scoring.bootstrap import REPLICATES, Comparisons, intervals
from biometrics.scoring.rates import Curve

FNMR_METRICS = {"fmr100": 1e-2, "fmr1000": 1e-3, "zerofmr": 0.0}
TAR_METRICS = {"tar_at_fmr_1e-3": 1e-3, "tar_at_fmr_1e-4": 1e-4, "tar_at_fmr_1e-5": 1e-5}


def comparisons_of(rows: Iterable[ScoreRow], subject_of: Callable[[str], str]) -> Comparisons:
    """Score rows with their subjects; `subject_of` turns a sample's name into its person (or finger)."""
    return Comparisons.of((subject_of(row.reference), subject_of(row.probe), row.mated, row.score) for row in rows)


def rate_results(
    name: str, comparisons: Comparisons, *, metrics: Sequence[str] | None = None, replicates: int = REPLICATES
) -> list[Result]:
    """EER, FNMR and TAR at fixed FMRs with 95 % intervals from a bootstrap over subjects; `n` counts mated comparisons.

    Without `metrics` a rate at an FMR that not even one non-mated comparison stands for is left out.
    """
    wanted = supported_metrics(len(comparisons.non_mated)) if metrics is None else list(metrics)
    statistics = {metric: _statistic(metric) for metric in wanted}
    curve = comparisons.curve()
    bounds = intervals(comparisons, statistics, replicates=replicates)
    results = []
    for metric, statistic in statistics.items():
        low, high = bounds[metric] or (None, None)
        results.append(Result(name, metric, statistic(curve), low, high, FRACTION, len(comparisons.mated)))
    return results


def supported_metrics(non_mated: int) -> list[str]:
    """The rates that so many non-mated comparisons can speak about."""
    targets = FNMR_METRICS | TAR_METRICS
    return ["eer", *(metric for metric, fmr in targets.items() if fmr == 0 or fmr * non_mated >= 1)]


def mean_results(results: Sequence[Result], metrics: Sequence[str], *, name: str = "mean") -> list[Result]:
    """Unweighted means over sets; the intervals add as those of independent errors do (root of the sum of squares)."""
    means = []
    for metric in metrics:
        rows = [row for row in results if row.metric == metric]
        if rows:
            means.append(_mean(rows, name))
    return means


def _mean(rows: Sequence[Result], name: str) -> Result:
    value = float(np.mean([row.value for row in rows]))
    low = high = None
    if all(row.low is not None and row.high is not None for row in rows):
        below = np.sqrt(sum((row.value - (row.low or 0.0)) ** 2 for row in rows)) / len(rows)
        above = np.sqrt(sum(((row.high or 0.0) - row.value) ** 2 for row in rows)) / len(rows)
        low, high = float(value - below), float(value + above)
    return Result(name, rows[0].metric, value, low, high, rows[0].unit, sum(row.n for row in rows))


def _statistic(metric: str) -> Callable[[Curve], float]:
    if metric == "eer":
        return Curve.eer
    if metric in FNMR_METRICS:
        return partial(Curve.fnmr_at_fmr, fmr=FNMR_METRICS[metric])
    return partial(_tar, fmr=TAR_METRICS[metric])


def _tar(curve: Curve, *, fmr: float) -> float:
    return 1.0 - curve.fnmr_at_fmr(fmr)
