"""Fusion of the scores of several matchers, fitted on one half of the subjects and judged on the other.

Reads one square matrix of scores a matcher (`fusion_matrices.py`). In every split the subjects are halved by a hash.
The half that is fitted on is the cohort that takes off each score what is peculiar to the two people (`cohort.py`);
for that the comparisons of judged with fitted people are looked at, all of which are non-mated. A `JointFusion` is
fitted to the comparisons among the one half and gives those among the other their log-likelihood ratios. Beside it
stand the same fusion without a cohort (`.../scores_only`), for which no comparison across the halves is looked at, and
each matcher alone, raw, on the same halves.

A rate is the mean over the splits, its bounds their 2.5 and 97.5 percentiles; `<metric>_sd` is the standard deviation
(n - 1). The halves overlap from split to split, so that the spread is that of the choice of halves, not of new people.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.scores.fusion_matrices import Matrices, comparisons, fit_half, read_matrices
from biometrics.scoring.joint import JointFusion
from biometrics.scoring.summary import statistic, supported_metrics
from biometrics.scoring.support import with_rule_of_3

# From mated (S, K) and non-mated (N, K) scores, NaN for a failure, to the score of any comparisons (P, K).
Fused = Callable[[NDArray[np.float64]], NDArray[np.float64]]
SCORES_ONLY = "scores_only"
Fit = Callable[[NDArray[np.float64], NDArray[np.float64]], Fused]


def run(scores: Path, splits: int, matchers: Sequence[str] | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to; see the module's text. Raises ValueError."""
    matrices = read_matrices(scores, matchers)
    if len(matrices.subjects) < 4:
        raise ValueError(f"{scores}: {len(matrices.subjects)} subjects are too few to be halved")
    judged = _singles(matrices, splits)
    if len(matrices.matchers) > 1:
        judged[matrices.name] = [one for _, one in _splits(matrices, splits, joint_llr, "Splits", cohort=True)]
        judged[f"{matrices.name}/{SCORES_ONLY}"] = [one for _, one in _splits(matrices, splits, joint_llr, SCORES_ONLY)]
    # The half that is judged is the larger one; a failure is a rejection, and a trial.
    trials = len(matrices.subjects) - len(matrices.subjects) // 2
    results = [result for name, rates in judged.items() for result in summary(name, rates, trials)]
    print_table(results, title="Fused scores of subjects who were not fitted on")
    if json_path is not None:
        write_json(json_path, "fusion", results)
    return results


def joint_llr(mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> Fused:
    """The project's fusion."""
    return JointFusion.fit(mated, non_mated).llr


def _raw(_: NDArray[np.float64], __: NDArray[np.float64]) -> Fused:
    return lambda scores: scores[:, 0]


def _singles(matrices: Matrices, splits: int) -> dict[str, list[dict[str, float]]]:
    return {
        matcher: [rates for _, rates in _splits(matrices.one(matcher), splits, _raw, matcher)]
        for matcher in matrices.matchers
    }


def _splits(
    matrices: Matrices, splits: int, fit: Fit, description: str, *, cohort: bool = False
) -> Iterator[tuple[int, dict[str, float]]]:
    for split in track(range(splits), description):
        half = fit_half(matrices.subjects, split)
        compared = matrices.less_people(half) if cohort else matrices
        known, new = compared.part(half), compared.part(~half)
        fused = fit(known.mated(), known.non_mated())
        yield split, rates_of(fused(new.mated()), fused(new.non_mated()))


def rates_of(mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> dict[str, float]:
    """The rates that so many comparisons of one half can speak about."""
    curve = comparisons(mated, non_mated).curve()
    return {metric: statistic(metric)(curve) for metric in supported_metrics(len(non_mated))}


def summary(name: str, splits: Sequence[Mapping[str, float]], trials: int) -> list[Result]:
    """Mean, percentiles and standard deviation of every metric over the splits.

    Where no split has an error the bound is the rule of 3's for the `trials` of one half.
    """
    results = []
    for metric in splits[0]:
        values = np.array([one[metric] for one in splits])
        low, high = (float(edge) for edge in np.percentile(values, (2.5, 97.5)))
        mean = float(values.mean())
        low, high = with_rule_of_3(mean, (low, high), trials) or (low, high)
        results.append(Result(name, metric, mean, low, high, FRACTION, len(values)))
        if len(values) > 1:
            # Equal values have one of about 1e-17.
            deviation = float(values.std(ddof=1).round(12))
            results.append(Result(name, f"{metric}_sd", deviation, None, None, FRACTION, len(values)))
    return results
