"""The error rates that accuracy benchmarks report, in the names and order of the project's JSON form."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.common.report import FRACTION, Result, ScoreRow
from biometrics.scoring.bootstrap import REPLICATES, Comparisons
from biometrics.scoring.summary import TAR_METRICS, summarise, supported_metrics

__all__ = ["TAR_METRICS", "comparisons_of", "mean_results", "rate_results", "supported_metrics"]


def comparisons_of(rows: Iterable[ScoreRow], subject_of: Callable[[str], str]) -> Comparisons:
    """Score rows with their subjects; `subject_of` turns a sample's name into its person (or finger)."""
    return Comparisons.of((subject_of(row.reference), subject_of(row.probe), row.mated, row.score) for row in rows)


def rate_results(
    name: str, comparisons: Comparisons, *, metrics: Sequence[str] | None = None, replicates: int = REPLICATES
) -> list[Result]:
    """The rates of `biometrics.scoring.summary` as results of one set; `n` counts mated comparisons."""
    rates = summarise(comparisons, metrics=metrics, replicates=replicates)
    return [Result(name, rate.metric, rate.value, rate.low, rate.high, FRACTION, rate.n) for rate in rates]


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
