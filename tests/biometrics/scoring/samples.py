"""Comparison scores with a known truth: mated N(d, 1), non-mated N(0, 1), so LLR(s) = d s - d^2 / 2."""

import math

import numpy as np

from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.fit import ScoreSet

SEPARATION = 3.0


def gaussian_comparisons(
    mated: int, non_mated: int, *, subjects: int = 60, separation: float = SEPARATION, seed: int = 0
) -> Comparisons:
    """Random comparisons of `subjects` persons."""
    random = np.random.default_rng(seed)
    first = random.integers(subjects, size=non_mated)
    second = (first + random.integers(1, subjects, size=non_mated)) % subjects
    return Comparisons(
        random.normal(separation, 1, mated).astype(np.float32),
        random.normal(0, 1, non_mated).astype(np.float32),
        random.integers(subjects, size=mated).astype(np.int32),
        np.stack([first, second], axis=1).astype(np.int32),
    )


def gaussian_set(mated: int = 5000, non_mated: int = 200_000, *, seed: int = 0, name: str = "gauss") -> ScoreSet:
    """The same as a set to fit."""
    return ScoreSet(name, gaussian_comparisons(mated, non_mated, seed=seed), 1.0)


def true_llr(score: float, separation: float = SEPARATION) -> float:
    return separation * score - separation**2 / 2


def normal_tail(score: float) -> float:
    """P(N(0, 1) >= score)."""
    return 0.5 * math.erfc(score / math.sqrt(2))
