"""Edges: what two minutiae of one finger say about each other, whatever way the finger lies.

The edge from minutia i to minutia j is described by its length and by the directions of both minutiae measured from the
line between them. The three numbers stay the same when the finger is moved or turned, and each can be compared with a
tolerance. (The description is that of R. Vazan's SourceAFIS, https://sourceafis.machinezoo.com/algorithm.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import NEIGHBOURS
from biometrics.kernels.compiled import kernel

TURN = 2.0 * math.pi


class Edges(NamedTuple):
    """All edges of n minutiae, [i, j] being the edge from i to j (the diagonal means nothing).

    `length` pixels, `own_angle` the direction of i and `far_angle` that of j, both from the line i -> j, radians in
    [0, 2 pi): float32 (n, n). `neighbours` int32 (n, k): the k nearest minutiae of each, nearest first.
    """

    length: NDArray[np.float32]
    own_angle: NDArray[np.float32]
    far_angle: NDArray[np.float32]
    neighbours: NDArray[np.int32]


@kernel
def wrapped(angle: float) -> float:
    """`angle`, radians, in [0, 2 pi)."""
    turned = angle % TURN
    return turned if turned < TURN else 0.0


@kernel
def angle_between(first: float, second: float) -> float:
    """The smaller angle, 0..pi, between two angles in [0, 2 pi)."""
    difference = abs(first - second)
    return min(difference, TURN - difference)


@kernel
def describe(
    x: NDArray[np.float32], y: NDArray[np.float32], direction: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """The fields of `Edges` for minutiae at `x`, `y` (pixels) with `direction` (radians), each float32 (n,)."""
    n = len(x)
    length = np.zeros((n, n), np.float32)
    own_angle = np.zeros((n, n), np.float32)
    far_angle = np.zeros((n, n), np.float32)
    for i in range(n):
        for j in range(n):
            if i != j:
                dx, dy = x[j] - x[i], y[j] - y[i]
                line = math.atan2(dy, dx)
                length[i, j] = math.sqrt(dx * dx + dy * dy)
                own_angle[i, j] = wrapped(direction[i] - line)
                far_angle[i, j] = wrapped(direction[j] - line)
    return length, own_angle, far_angle, _nearest(length)


@kernel
def _nearest(length: NDArray[np.float32]) -> NDArray[np.int32]:
    n = len(length)
    count = max(min(NEIGHBOURS, n - 1), 0)
    nearest = np.empty((n, count), np.int32)
    for i in range(n):
        filled = 0
        for j in range(n):
            if j == i or (filled == count and length[i, j] >= length[i, nearest[i, filled - 1]]):
                continue
            place = min(filled, count - 1)
            while place > 0 and length[i, nearest[i, place - 1]] > length[i, j]:
                nearest[i, place] = nearest[i, place - 1]
                place -= 1
            nearest[i, place] = j
            filled = min(filled + 1, count)
    return nearest
