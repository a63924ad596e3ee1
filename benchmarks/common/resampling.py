"""Intervals of shares whose cases come in groups: a bootstrap over fingers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.bootstrap import LEVEL, REPLICATES


def share_interval(values: NDArray[Any], groups: Sequence[str]) -> tuple[float, float] | None:
    """The 95 % interval of the mean of `values` (n,), groups drawn with replacement; None where nothing varies."""
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(number, values.astype(np.float64)), np.bincount(number)
    drawn = np.random.default_rng(0).integers(len(sums), size=(REPLICATES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return (float(low), float(high)) if means.max() > means.min() else None
