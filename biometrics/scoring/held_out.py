"""A calibration judged on people (and sets) that it was not fitted on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.bootstrap import Comparisons, intervals
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.measures import cllr, cllr_min, expected_calibration_error
from biometrics.scoring.rates import Curve
from biometrics.scoring.support import trials_needed, with_rule_of_3
from biometrics.scoring.tails import least_for_tail

TARGETS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}
FOLDS = 5
REPLICATES = 300


@dataclass(frozen=True)
class HeldOut:
    """One set's comparisons as calibrations that had not seen them judged them: ratios, and stated FMRs as -ln FMR."""

    name: str
    mated_llr: NDArray[np.float64]
    non_mated_llr: NDArray[np.float64]
    depth: Comparisons


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of a set; a cost in bits, or a fraction; `n` comparisons stand behind it.

    A rate without an error has the rule of 3 for its upper bound.
    """

    set: str
    metric: str
    value: float
    low: float | None
    high: float | None
    in_bits: bool
    n: int


def by_subjects(
    engine: str,
    sets: Sequence[ScoreSet],
    *,
    label_noise: float,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> list[HeldOut]:
    """Five folds of subjects in every set, by hash: fitted on four of all sets, judged on the fifth of each.

    `progress` wraps the folds. Raises ValueError where four folds are too little to fit, or one to judge, with what it
    takes.
    """
    folds = [one.folds(FOLDS) for one in sets]
    for one, fold in zip(sets, folds, strict=True):
        _require_enough(one, fold, label_noise)
    parts: list[list[HeldOut]] = [[] for _ in sets]
    for number in progress(range(FOLDS)):
        train = [restricted(one, fold != number) for one, fold in zip(sets, folds, strict=True)]
        calibration = fit(engine, train, label_noise=label_noise)
        for place, (one, fold) in enumerate(zip(sets, folds, strict=True)):
            parts[place].append(judge(calibration, restricted(one, fold == number)))
    return [_joined(part) for part in parts]


def by_sets(engine: str, sets: Sequence[ScoreSet], *, label_noise: float) -> Iterator[HeldOut]:
    """Each set in turn is judged by a calibration on the others (another sensor, other people)."""
    for one in sets:
        others = [other for other in sets if other is not one]
        yield judge(fit(engine, others, label_noise=label_noise), one)


def judge(calibration: Calibration, one: ScoreSet) -> HeldOut:
    """What `calibration` says of the assessed comparisons of one set."""
    comparisons = one.comparisons
    mated, non_mated = np.isfinite(comparisons.mated), np.isfinite(comparisons.non_mated)
    depth = Comparisons(
        _depth(calibration, comparisons.mated[mated]),
        _depth(calibration, comparisons.non_mated[non_mated]),
        comparisons.mated_subject[mated],
        comparisons.non_mated_subjects[non_mated],
    )
    return HeldOut(
        one.name,
        calibration.llr_of(comparisons.mated[mated]),
        calibration.llr_of(comparisons.non_mated[non_mated]),
        depth,
    )


def findings(judged: Sequence[HeldOut], suffix: str) -> list[Finding]:
    """Cost, miscalibration, and the true FMR and FNMR where the calibration states a target FMR."""
    found = []
    for one in judged:
        name = f"{one.name}/{suffix}"
        count = len(one.mated_llr)
        ratios = (one.mated_llr, one.non_mated_llr)
        for metric, value in (
            ("cllr", cllr(*ratios)),
            ("cllr_min", cllr_min(*ratios)),
            ("ece", expected_calibration_error(*ratios)),
        ):
            found.append(Finding(name, metric, value, None, None, metric != "ece", count))
        found += _rates(name, one.depth)
    return found


def unsupported(judged: Sequence[Finding]) -> list[str]:
    """For every set whose comparisons are too few for a stated FMR, what is missing and how many would be due it."""
    metrics: dict[str, set[str]] = {}
    for one in judged:
        metrics.setdefault(one.set, set()).add(one.metric)
    missing: dict[str, list[str]] = {}
    for name, found in metrics.items():
        labels = [label for label in TARGETS if f"fmr_at_stated_{label}" not in found]
        if labels:
            missing.setdefault(", ".join(labels), []).append(name)
    return [
        f"{', '.join(names)}: no comparison of people who were left out is due an FMR of {labels}. To support it takes"
        f" {', '.join(f'{trials_needed(TARGETS[label]):,}' for label in labels.split(', '))} non-mated ones (rule of"
        " 30)."
        for labels, names in missing.items()
    ]


def restricted(one: ScoreSet, keep: NDArray[np.bool_]) -> ScoreSet:
    """The comparisons among the subjects with `keep` (S,) set; pairs of a kept and another subject are dropped."""
    comparisons = one.comparisons
    mated = keep[comparisons.mated_subject]
    non_mated = keep[comparisons.non_mated_subjects].all(axis=1)
    kept = Comparisons(
        comparisons.mated[mated],
        comparisons.non_mated[non_mated],
        comparisons.mated_subject[mated],
        comparisons.non_mated_subjects[non_mated],
    )
    return replace(one, comparisons=kept)


def _require_enough(one: ScoreSet, fold: NDArray[np.int32], label_noise: float) -> None:
    """Every fold needs two people who are compared, and the others enough comparisons for the tail of their scores."""
    comparisons, people = one.comparisons, one.comparisons.subjects
    if people < 2 * FOLDS:
        raise ValueError(
            f"{one.name}: {people} subjects are too few. It takes {2 * FOLDS} at least, two in each of {FOLDS} folds"
            " that are left out in turn, and some hundreds for FMRs that can be relied on."
        )
    mated = fold[comparisons.mated_subject[np.isfinite(comparisons.mated)]]
    pairs = fold[comparisons.non_mated_subjects[np.isfinite(comparisons.non_mated)]]
    for number in range(FOLDS):
        judged = int(np.sum(mated == number)), int(np.sum((pairs == number).all(axis=1)))
        if 0 in judged:
            raise ValueError(
                f"{one.name}: a fold of {int(np.sum(fold == number))} of its {people} subjects has {judged[0]} mated"
                f" and {judged[1]} non-mated comparisons that were assessed; it takes one of each to judge. List more"
                " pairs, or more people."
            )
        others = int(np.sum((pairs != number).all(axis=1)))
        if others <= least_for_tail(others, label_noise):
            raise ValueError(
                f"{one.name}: the {people} subjects less a fold have {others} non-mated comparisons; it takes more than"
                f" {least_for_tail(others, label_noise)} to fit a tail. List more pairs, or more people."
            )


def _rates(name: str, depth: Comparisons) -> list[Finding]:
    """FMR and FNMR of "accept when the stated FMR is at most the target"; the FMR where one comparison is due."""
    statistics: dict[str, Callable[[Curve], float]] = {}
    for label, target in TARGETS.items():
        if target * len(depth.non_mated) >= 1:
            statistics[f"fmr_at_stated_{label}"] = partial(_fmr, threshold=-np.log(target))
        statistics[f"fnmr_at_stated_{label}"] = partial(_fnmr, threshold=-np.log(target))
    bounds = intervals(depth, statistics, replicates=REPLICATES)
    curve = depth.curve()
    results = []
    for metric, statistic in statistics.items():
        count = len(depth.non_mated if metric.startswith("fmr") else depth.mated)
        value = statistic(curve)
        low, high = with_rule_of_3(value, bounds[metric], count) or (None, None)
        results.append(Finding(name, metric, value, low, high, False, count))
    return results


def _depth(calibration: Calibration, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return (-np.log(calibration.fmr_of(scores))).astype(np.float32)


def _fmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fmr(threshold))


def _fnmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fnmr(threshold))


def _joined(parts: Sequence[HeldOut]) -> HeldOut:
    depths = [part.depth for part in parts]
    return HeldOut(
        parts[0].name,
        np.concatenate([part.mated_llr for part in parts]),
        np.concatenate([part.non_mated_llr for part in parts]),
        Comparisons(
            np.concatenate([depth.mated for depth in depths]),
            np.concatenate([depth.non_mated for depth in depths]),
            np.concatenate([depth.mated_subject for depth in depths]),
            np.concatenate([depth.non_mated_subjects for depth in depths]),
        ),
    )
