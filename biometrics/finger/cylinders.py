"""Minutia cylinder codes: what surrounds each minutia, as bits that are compared without any alignment.

Around each minutia stands a cylinder, turned with it: its base a disc of skin cut into 8 x 8 cells, its height the
direction that a neighbour has relative to the minutia, cut into six. A bit is 1 where the neighbours add up to enough.
A cell is valid where the capture can be taken to show the skin; invalid ones say nothing. (R. Cappelli, M. Ferrara,
D. Maltoni, "Minutia Cylinder-Code: a new representation and matching technique for fingerprint recognition", PAMI 32,
2010: its bit-based form with 8 cells a side.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.outline import distance_outside
from biometrics.finger.parameters import (
    CYLINDER_CELLS,
    CYLINDER_MARGIN,
    CYLINDER_RADIUS,
    CYLINDER_REACH,
    CYLINDER_SECTIONS,
    CYLINDER_SPREAD,
    CYLINDER_THRESHOLD,
    CYLINDER_TURN_SPREAD,
)
from biometrics.kernels.compiled import kernel

TURN = 2.0 * math.pi
_CELL = 2.0 * CYLINDER_RADIUS / CYLINDER_CELLS
_SECTION = TURN / CYLINDER_SECTIONS
_STEPS = 720
_INVERSE_STEP = _STEPS / TURN


class Cylinders(NamedTuple):
    """The cylinders of n minutiae: `codes` uint64 (6, n), a word for each section of directions; `valid` uint64 (n,).

    Bit 8 r + c of a word is the cell in row r, column c; bits of invalid cells are 0. `x`, `y`, `direction` float32
    (n,): the minutiae themselves; `cosine`, `sine` float32 (n,): of the direction.
    """

    codes: NDArray[np.uint64]
    valid: NDArray[np.uint64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    cosine: NDArray[np.float32]
    sine: NDArray[np.float32]


def cylinders_of(
    x: NDArray[np.float32], y: NDArray[np.float32], direction: NDArray[np.float32], corners: NDArray[np.float32]
) -> Cylinders:
    """The cylinders of minutiae at `x`, `y` (pixels) with `direction` (radians), each float32 (n,).

    `corners` float32 (h, 2) is their outline.
    """
    return cylinders_at(np.arange(len(x)), x, y, direction, corners)


def cylinders_at(
    chosen: NDArray[np.int64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    direction: NDArray[np.float32],
    corners: NDArray[np.float32],
) -> Cylinders:
    """As `cylinders_of`, but of the minutiae `chosen` (k,) only; all of them are neighbours."""
    if len(chosen):
        codes, valid = _build(chosen, x, y, direction, corners, _SHARES)
    else:  # as for an empty list at a service's start: nothing to load a kernel for
        codes, valid = np.empty((CYLINDER_SECTIONS, 0), np.uint64), np.empty(0, np.uint64)
    at_x, at_y, turn = x[chosen], y[chosen], direction[chosen]
    return Cylinders(codes, valid, at_x, at_y, np.cos(turn), np.sin(turn))


def _shares() -> NDArray[np.float32]:
    """How much a neighbour adds to each section by its relative direction in half degrees: float32 (720, 6)."""
    relative = np.arange(_STEPS) / _INVERSE_STEP
    centres = -math.pi + (np.arange(CYLINDER_SECTIONS) + 0.5) * _SECTION
    away = np.mod(relative[:, None] - centres + math.pi, TURN) - math.pi
    unit = CYLINDER_TURN_SPREAD * math.sqrt(2.0)
    upper, lower = (away + 0.5 * _SECTION) / unit, (away - 0.5 * _SECTION) / unit
    shares = [
        [0.5 * (math.erf(a) - math.erf(b)) for a, b in zip(*row, strict=True)] for row in zip(upper, lower, strict=True)
    ]
    return np.array(shares, np.float32)


_SHARES = _shares()


@kernel
def _build(
    chosen: NDArray[np.int64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    direction: NDArray[np.float32],
    corners: NDArray[np.float32],
    shares: NDArray[np.float32],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    codes = np.zeros((CYLINDER_SECTIONS, len(chosen)), np.uint64)
    valid = np.zeros(len(chosen), np.uint64)
    near, steps = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    sums = np.empty(CYLINDER_SECTIONS, np.float32)
    for at, i in enumerate(chosen):
        count = _neighbours(x, y, i, near)
        for k in range(count):
            steps[k] = int((direction[near[k]] - direction[i] + TURN) * _INVERSE_STEP) % _STEPS
        cosine, sine = math.cos(direction[i]), math.sin(direction[i])
        for row in range(CYLINDER_CELLS):
            for column in range(CYLINDER_CELLS):
                u, v = (column + 0.5) * _CELL - CYLINDER_RADIUS, (row + 0.5) * _CELL - CYLINDER_RADIUS
                if u * u + v * v > CYLINDER_RADIUS * CYLINDER_RADIUS:
                    continue
                at_x, at_y = x[i] + cosine * u - sine * v, y[i] + sine * u + cosine * v
                if distance_outside(corners, at_x, at_y) > CYLINDER_MARGIN:
                    continue
                bit = np.uint64(1) << np.uint64(row * CYLINDER_CELLS + column)
                valid[at] |= bit
                if _add_up(x, y, near[:count], steps, at_x, at_y, shares, sums):
                    for section in range(CYLINDER_SECTIONS):
                        if sums[section] >= CYLINDER_THRESHOLD:
                            codes[section, at] |= bit
    return codes, valid


@kernel
def _neighbours(x: NDArray[np.float32], y: NDArray[np.float32], i: int, near: NDArray[np.int64]) -> int:
    """Write the minutiae that any cell of minutia i can see to `near`; returns how many there are."""
    count = 0
    reach = CYLINDER_RADIUS + CYLINDER_REACH
    for j in range(len(x)):
        if j != i and (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 <= reach * reach:
            near[count] = j
            count += 1
    return count


@kernel
def _add_up(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    near: NDArray[np.int64],
    steps: NDArray[np.int64],
    at_x: float,
    at_y: float,
    shares: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> bool:
    """Write to `sums` (6,) what the neighbours `near`, of relative directions `steps`, add to one cell in each section;
    whether any of them reaches it."""
    sums[:] = 0.0
    reached = False
    for k, j in enumerate(near):
        square = (x[j] - at_x) ** 2 + (y[j] - at_y) ** 2
        if square > CYLINDER_REACH * CYLINDER_REACH:
            continue
        reached = True
        closeness = math.exp(-square / (2.0 * CYLINDER_SPREAD * CYLINDER_SPREAD))
        for section in range(CYLINDER_SECTIONS):
            sums[section] += closeness * shares[steps[k], section]
    return reached
