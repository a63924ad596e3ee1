"""Roots: the pairs of minutiae, one of each finger, from which a pairing is worth growing.

Every edge of the reference is looked up among the probe's; each probe edge like it is a vote that the minutiae at the
edges' beginnings are one and the same, and those at their ends. The pairs with the most votes are the roots. (Where
SourceAFIS tries the first seventy pairs that it meets, a few of these are enough, whatever order the minutiae are in.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.edge_table import EdgeTable, cell_of
from biometrics.finger.edges import Edges, angle_between
from biometrics.finger.parameters import (
    MIN_ROOT_VOTES,
    ROOT_ANGLE_TOLERANCE,
    ROOT_EDGE_MAX_LENGTH,
    ROOT_EDGE_MIN_LENGTH,
    ROOT_LENGTH_TOLERANCE,
    ROOTS,
)
from biometrics.kernels.compiled import kernel


@kernel
def vote(probe: Edges, table: EdgeTable, reference: Edges) -> NDArray[np.int32]:
    """Votes int32 (probe's minutiae, reference's minutiae): how many edges agree that the two are the same minutia."""
    n, m = len(probe.length), len(reference.length)
    votes = np.zeros((n, m), np.int32)
    for i in range(m):
        for j in range(i):  # the edge j -> i says the same once more
            length = reference.length[i, j]
            if length < ROOT_EDGE_MIN_LENGTH or length > ROOT_EDGE_MAX_LENGTH:
                continue
            own, far = reference.own_angle[i, j], reference.far_angle[i, j]
            cell = cell_of(length, own, far)
            for entry in range(table.starts[cell], table.starts[cell + 1]):
                a, b = table.edges[entry] // n, table.edges[entry] % n
                if (
                    abs(probe.length[a, b] - length) <= ROOT_LENGTH_TOLERANCE
                    and angle_between(probe.own_angle[a, b], own) <= ROOT_ANGLE_TOLERANCE
                    and angle_between(probe.far_angle[a, b], far) <= ROOT_ANGLE_TOLERANCE
                ):
                    votes[a, i] += 1
                    votes[b, j] += 1
    return votes


@kernel
def elect(votes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The roots, int32 (r, 2) of probe's and reference's minutia, r <= ROOTS, most votes first."""
    n, m = votes.shape
    chosen = np.empty((ROOTS, 2), np.int32)
    count = 0
    for a in range(n):
        for i in range(m):
            has = votes[a, i]
            if has < MIN_ROOT_VOTES or (count == ROOTS and has <= votes[chosen[-1, 0], chosen[-1, 1]]):
                continue
            place = min(count, ROOTS - 1)
            while place > 0 and votes[chosen[place - 1, 0], chosen[place - 1, 1]] < has:
                chosen[place] = chosen[place - 1]
                place -= 1
            chosen[place, 0], chosen[place, 1] = a, i
            count = min(count + 1, ROOTS)
    return chosen[:count]
