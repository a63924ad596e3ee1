"""The outline of a finger's minutiae: which part of the skin a template speaks about."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import OUTLINE_MARGIN
from biometrics.kernels.compiled import kernel


@kernel
def outline(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners, float32 (h, 2), of the convex hull of the points, one way round (A. M. Andrew's monotone chain)."""
    n = len(x)
    order = np.argsort(x.astype(np.float64) * 65536.0 + y)
    corners = np.empty((2 * n + 1, 2), np.float32)
    count = 0
    for half in range(2):
        first = count
        for step in range(n):
            p = order[step] if half == 0 else order[n - 1 - step]
            while count - first >= 2 and _turn(corners[count - 2], corners[count - 1], x[p], y[p]) <= 0.0:
                count -= 1
            corners[count, 0], corners[count, 1] = x[p], y[p]
            count += 1
        count = max(count - 1, 0)
    return corners[:count].copy()


@kernel
def inside(corners: NDArray[np.float32], x: float, y: float) -> bool:
    """Whether a point lies within an outline, or no more than OUTLINE_MARGIN outside one of its sides."""
    count = len(corners)
    if count < 3:
        return False
    for i in range(count):
        here, there = corners[i], corners[(i + 1) % count]
        side = math.sqrt((there[0] - here[0]) ** 2 + (there[1] - here[1]) ** 2)
        if _turn(here, there, x, y) < -OUTLINE_MARGIN * side:
            return False
    return True


@kernel
def is_within(corners: NDArray[np.float32], x: float, y: float) -> bool:
    """Whether a point lies within an outline; on it counts."""
    count = len(corners)
    for i in range(count):
        if _turn(corners[i], corners[i + 1 if i + 1 < count else 0], x, y) < 0.0:
            return False
    return count >= 3


@kernel
def distance_outside(corners: NDArray[np.float32], x: float, y: float) -> float:
    """How far, in pixels, a point lies outside an outline; 0 within it."""
    if is_within(corners, x, y):
        return 0.0
    count, least = len(corners), np.inf
    for i in range(count):
        here, there = corners[i], corners[i + 1 if i + 1 < count else 0]
        along_x, along_y = there[0] - here[0], there[1] - here[1]
        square = along_x * along_x + along_y * along_y
        share = 0.0
        if square > 0.0:
            share = min(1.0, max(0.0, ((x - here[0]) * along_x + (y - here[1]) * along_y) / square))
        least = min(least, (here[0] + share * along_x - x) ** 2 + (here[1] + share * along_y - y) ** 2)
    return math.sqrt(least)


@kernel
def _turn(first: NDArray[np.float32], second: NDArray[np.float32], x: float, y: float) -> float:
    turn: float = (second[0] - first[0]) * (y - first[1]) - (second[1] - first[1]) * (x - first[0])
    return turn
