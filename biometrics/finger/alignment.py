"""The movement that lays one finger on the other, from the minutiae that were paired."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel


class Movement(NamedTuple):
    """Turn by `angle` (radians; `cosine`, `sine` its) about (`from_x`, `from_y`), which goes to (`to_x`, `to_y`)."""

    angle: float
    cosine: float
    sine: float
    from_x: float
    from_y: float
    to_x: float
    to_y: float


@kernel
def align(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    to_x: NDArray[np.float32],
    to_y: NDArray[np.float32],
    tree: NDArray[np.int32],
) -> Movement:
    """The rigid movement with the least squared error from (x, y) to (to_x, to_y) over the pairs of `tree`.

    Without scale, in closed form (S. Umeyama, "Least-squares estimation of transformation parameters", PAMI 1991).
    """
    count = len(tree)
    centre_x, centre_y, goal_x, goal_y = 0.0, 0.0, 0.0, 0.0
    for row in tree:
        centre_x += x[row[0]] / count
        centre_y += y[row[0]] / count
        goal_x += to_x[row[1]] / count
        goal_y += to_y[row[1]] / count
    dot, cross = 0.0, 0.0
    for row in tree:
        dx, dy = x[row[0]] - centre_x, y[row[0]] - centre_y
        gx, gy = to_x[row[1]] - goal_x, to_y[row[1]] - goal_y
        dot += dx * gx + dy * gy
        cross += dx * gy - dy * gx
    angle = math.atan2(cross, dot)
    return Movement(angle, math.cos(angle), math.sin(angle), centre_x, centre_y, goal_x, goal_y)


@kernel
def moved(movement: Movement, x: float, y: float) -> tuple[float, float]:
    """Where the movement takes a point."""
    dx, dy = x - movement.from_x, y - movement.from_y
    return (
        movement.to_x + movement.cosine * dx - movement.sine * dy,
        movement.to_y + movement.sine * dx + movement.cosine * dy,
    )


@kernel
def moved_back(movement: Movement, x: float, y: float) -> tuple[float, float]:
    """Where a point of the other finger came from: the inverse of `moved`."""
    dx, dy = x - movement.to_x, y - movement.to_y
    return (
        movement.from_x + movement.cosine * dx + movement.sine * dy,
        movement.from_y - movement.sine * dx + movement.cosine * dy,
    )
