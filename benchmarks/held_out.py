"""A calibration judged on people (and sets) that it was not fitted on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.progress import track
from benchmarks.report import FRACTION, Result
from benchmarks.score_sets import restricted
from biometrics.scoring.bootstrap import Comparisons, intervals
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.folds import random_subject_folds
from biometrics.scoring.measures import cllr, cllr_min, expected_calibration_error
from biometrics.scoring.rates import Curve

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


def by_subjects(engine: str, sets: Sequence[ScoreSet], *, label_noise: float) -> list[HeldOut]:
    """Five folds of subjects in every set: fitted on four of all sets, judged on the fifth of each."""
    folds = [random_subject_folds(one.comparisons.subjects, FOLDS) for one in sets]
    parts: list[list[HeldOut]] = [[] for _ in sets]
    for number in track(range(FOLDS), "Held-out subjects"):
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


def held_out_results(judged: Sequence[HeldOut], suffix: str) -> list[Result]:
    """Cost, miscalibration, and the true FMR and FNMR where the calibration states a target FMR."""
    results = []
    for one in judged:
        name = f"{one.name}/{suffix}"
        count = len(one.mated_llr)
        ratios = (one.mated_llr, one.non_mated_llr)
        for metric, value, unit in (
            ("cllr", cllr(*ratios), "bit"),
            ("cllr_min", cllr_min(*ratios), "bit"),
            ("ece", expected_calibration_error(*ratios), FRACTION),
        ):
            results.append(Result(name, metric, value, None, None, unit, count))
        results += _rates(name, one.depth)
    return results


def _rates(name: str, depth: Comparisons) -> list[Result]:
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
        low, high = bounds[metric] or (None, None)
        count = len(depth.non_mated if metric.startswith("fmr") else depth.mated)
        results.append(Result(name, metric, statistic(curve), low, high, FRACTION, count))
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
