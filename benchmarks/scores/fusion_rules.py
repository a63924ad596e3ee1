"""Which way to fuse? Rules fitted to 258 simulated people and judged on 4,000 others of the same world.

The worlds (`fusion_simulation.py`) are those of a hundred whose rates of a plain sum, a linear and a quadratic logistic
regression come nearest to what is published of NIST BSSR1 set 1. The rules' settings were chosen on other six of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.scores.fusion_simulation import MATCHERS, World, locate, simulate
from biometrics.scoring.joint import JointFusion
from biometrics.scoring.logistic import Quadratic
from biometrics.scoring.rates import tar_at_fmr

Array = NDArray[np.float64]
Rule = Callable[[Array, Array], Callable[[Array], Array]]

# In the order of their resemblance; chosen on were 23, 44, 94, 71, 42 and 47.
WORLDS = (32, 25, 76, 27, 51, 60, 70, 61, 6, 97, 93, 2)
FITTED, JUDGED, PAIRS = 258, 4000, 300_000
SETS = MappingProxyType({"face_c+finger_ri": (0, 2), "+".join(MATCHERS): (0, 1, 2, 3)})
METRIC = "tar_at_fmr_1e-4"


def run(worlds: int, json_path: Path | None) -> list[Result]:
    """Judge every rule in the first so many worlds; print a table, and write JSON where asked to."""
    found: dict[str, list[float]] = {}
    for seed in track(WORLDS[:worlds], "Worlds"):
        for name, value in judge(World.of(seed)).items():
            found.setdefault(name, []).append(value)
    results = [_summary(name, np.array(values)) for name, values in found.items()]
    print_table(results, title="Fusion rules in simulated worlds")
    if json_path is not None:
        write_json(json_path, "fusion_rules", results)
    return results


def judge(world: World) -> dict[str, float]:
    """TAR of every set and rule, and of the single matchers, among new people of a world."""
    location = locate(world)
    mated, non_mated = simulate(world, location, FITTED, np.random.default_rng((world.seed, 1)))
    new, others = simulate(world, location, JUDGED, np.random.default_rng((world.seed, 2)), PAIRS)
    tars = {}
    for place, matcher in enumerate(MATCHERS):
        tars[f"{matcher}/alone"] = tar_at_fmr(new[:, place], others[:, place], 1e-4)
    for name, columns in SETS.items():
        for label, rule in RULES.items():
            fused = rule(mated[:, columns], non_mated[:, columns])
            tars[f"{name}/{label}"] = tar_at_fmr(fused(new[:, columns]), fused(others[:, columns]), 1e-4)
        joint = JointFusion.fit(mated[:, columns], non_mated[:, columns])
        parts, other_parts = joint.parts(new[:, columns]), joint.parts(others[:, columns])
        for part, label in PARTS.items():
            tars[f"{name}/{label}"] = tar_at_fmr(parts[part], other_parts[part], 1e-4)
        tars[f"{name}/joint"] = tar_at_fmr(joint.llr(new[:, columns]), joint.llr(others[:, columns]), 1e-4)
    return tars


def sum_of_min_max(mated: Array, non_mated: Array) -> Callable[[Array], Array]:
    """The sum of scores that were scaled to 0..1 by the lowest and highest that were fitted on."""
    both = np.concatenate([mated, non_mated])
    low, high = both.min(axis=0), both.max(axis=0)
    return lambda scores: np.asarray(((scores - low) / (high - low)).sum(axis=1), np.float64)


def _logistic(degree: int) -> Rule:
    def fitted(mated: Array, non_mated: Array) -> Callable[[Array], Array]:
        both = np.concatenate([mated, non_mated])
        mean, deviation = both.mean(axis=0), both.std(axis=0)
        model = Quadratic.fit((mated - mean) / deviation, (non_mated - mean) / deviation, ridge=1e-3, degree=degree)
        return lambda scores: model.llr((scores - mean) / deviation)

    return fitted


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "sum of min-max": sum_of_min_max,
        "logistic": _logistic(1),
        "logistic, quadratic": _logistic(2),
    }
)
PARTS = MappingProxyType(
    {
        "sum": "sum of calibrated ratios",
        "normal": "quadratic of normal scores",
        "ratios": "quadratic of calibrated ratios",
        "mixtures": "ratio of mixtures",
    }
)


def _summary(name: str, values: Array) -> Result:
    low, high = (float(edge) for edge in np.percentile(values, (2.5, 97.5)))
    return Result(name, METRIC, float(values.mean()), low, high, FRACTION, len(values))
