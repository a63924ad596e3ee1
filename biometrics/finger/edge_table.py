"""A table of one finger's edges in which the edges like a given one are found at once.

Length and both angles are cut into cells twice as wide as the tolerance. An edge is entered in every cell that it could
be looked for in, tolerance included (about 2 x 2 x 2 cells), so that a look-up reads one cell.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.edges import TURN, Edges
from biometrics.finger.parameters import (
    ROOT_ANGLE_TOLERANCE,
    ROOT_EDGE_MAX_LENGTH,
    ROOT_EDGE_MIN_LENGTH,
    ROOT_LENGTH_TOLERANCE,
)
from biometrics.kernels.compiled import kernel

LENGTH_CELL = 2.0 * ROOT_LENGTH_TOLERANCE
LENGTH_CELLS = int((ROOT_EDGE_MAX_LENGTH + ROOT_LENGTH_TOLERANCE) / LENGTH_CELL) + 1
ANGLE_CELLS = int(TURN / (2.0 * ROOT_ANGLE_TOLERANCE))
ANGLE_CELL = TURN / ANGLE_CELLS


class EdgeTable(NamedTuple):
    """Cell c holds `edges[starts[c]:starts[c + 1]]`, each edge i -> j of n minutiae as i * n + j; both int32."""

    starts: NDArray[np.int32]
    edges: NDArray[np.int32]


@kernel
def cell_of(length: float, own_angle: float, far_angle: float) -> int:
    """The cell that an edge of this description is looked up in."""
    own = int(own_angle / ANGLE_CELL) % ANGLE_CELLS
    far = int(far_angle / ANGLE_CELL) % ANGLE_CELLS
    return (int(length / LENGTH_CELL) * ANGLE_CELLS + own) * ANGLE_CELLS + far


@kernel
def tabulate(edges: Edges) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The fields of `EdgeTable` for one finger: count the entries of each cell, then put them there."""
    n = len(edges.length)
    starts = np.zeros(LENGTH_CELLS * ANGLE_CELLS * ANGLE_CELLS + 1, np.int32)
    cells = np.empty(32, np.int64)
    for i in range(n):
        for j in range(n):
            for k in range(_cells_around(edges, i, j, cells)):
                starts[cells[k] + 1] += 1
    for cell in range(1, len(starts)):
        starts[cell] += starts[cell - 1]
    entries = np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for i in range(n):
        for j in range(n):
            for k in range(_cells_around(edges, i, j, cells)):
                entries[free[cells[k]]] = i * n + j
                free[cells[k]] += 1
    return starts, entries


@kernel
def _cells_around(edges: Edges, i: int, j: int, cells: NDArray[np.int64]) -> int:
    """Write the cells in which an edge like i -> j may be looked up to `cells`; returns how many there are."""
    length = edges.length[i, j]
    shortest, longest = length - ROOT_LENGTH_TOLERANCE, length + ROOT_LENGTH_TOLERANCE
    if i == j or longest < ROOT_EDGE_MIN_LENGTH or shortest > ROOT_EDGE_MAX_LENGTH:
        return 0
    count = 0
    for row in range(max(int(shortest / LENGTH_CELL), 0), min(int(longest / LENGTH_CELL), LENGTH_CELLS - 1) + 1):
        for own in range(_low_cell(edges.own_angle[i, j]), _high_cell(edges.own_angle[i, j]) + 1):
            for far in range(_low_cell(edges.far_angle[i, j]), _high_cell(edges.far_angle[i, j]) + 1):
                cells[count] = (row * ANGLE_CELLS + own % ANGLE_CELLS) * ANGLE_CELLS + far % ANGLE_CELLS
                count += 1
    return count


@kernel
def _low_cell(angle: float) -> int:
    return math.floor((angle - ROOT_ANGLE_TOLERANCE) / ANGLE_CELL)


@kernel
def _high_cell(angle: float) -> int:
    return math.floor((angle + ROOT_ANGLE_TOLERANCE) / ANGLE_CELL)
