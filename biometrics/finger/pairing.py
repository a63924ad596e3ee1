"""Pairing: grow, from one root, the set of minutiae that the two fingers have in common.

From each pair that was accepted, the edges to the nearest minutiae of both fingers are compared; where two are alike,
their far ends may be a pair. Candidates wait in a queue, the shortest edge first, because skin distorts short distances
least. A candidate whose minutiae are paired already is no new pair, but where they are paired *with each other* it is
one more edge that supports the pairing. Each edge is compared on its own, so the pairing follows an elastic distortion
that no single movement of the whole finger could describe. (After SourceAFIS; own code.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.edges import Edges, angle_between
from biometrics.finger.heap import Queue, drop_first, new_queue, put
from biometrics.finger.parameters import ANGLE_TOLERANCE, LENGTH_TOLERANCE, NEIGHBOURS
from biometrics.kernels.compiled import kernel

NONE = -1


class Pairing(NamedTuple):
    """Scratch of one comparison and, in its first `size[0]` rows, the tree of pairs in the order they were accepted.

    `tree` int32 (min(n, m), 4): probe's and reference's minutia, and those of the pair they were reached from (-1 for
    the root). `partner` int32 (n,): the reference's minutia of each of the probe's or -1; `taken` int32 (m,) the other
    way round. `support` int32 (n,): how many edges beside the tree confirm the pair of each of the probe's minutiae.
    """

    tree: NDArray[np.int32]
    size: NDArray[np.int64]
    partner: NDArray[np.int32]
    taken: NDArray[np.int32]
    support: NDArray[np.int32]


@kernel
def new_pairing(n: int, m: int) -> Pairing:
    """Room for pairings of a probe with `n` and a reference with `m` minutiae."""
    return Pairing(
        np.empty((min(n, m), 4), np.int32),
        np.zeros(1, np.int64),
        np.empty(n, np.int32),
        np.empty(m, np.int32),
        np.empty(n, np.int32),
    )


@kernel
def new_candidates(n: int, m: int) -> Queue:
    """A queue with room for every candidate that one `grow` can put in it."""
    keys, values, size = new_queue(min(n, m) * NEIGHBOURS * NEIGHBOURS + 1)
    return Queue(keys, values, size)


@kernel
def grow(
    probe: Edges, reference: Edges, root_probe: int, root_reference: int, pairing: Pairing, candidates: Queue
) -> None:
    """Fill `pairing` from the root; `candidates` is scratch."""
    pairing.size[0] = 0
    pairing.partner[:] = NONE
    pairing.taken[:] = NONE
    pairing.support[:] = 0
    candidates.size[0] = 0
    put(candidates, 0.0, root_probe, root_reference, NONE, NONE)
    while candidates.size[0] > 0:
        a, b = candidates.values[0, 0], candidates.values[0, 1]
        from_a, from_b = candidates.values[0, 2], candidates.values[0, 3]
        drop_first(candidates)
        if pairing.partner[a] == NONE and pairing.taken[b] == NONE:
            _accept(pairing, a, b, from_a, from_b)
            _offer_neighbours(probe, reference, a, b, pairing, candidates)
        elif pairing.partner[a] == b:
            pairing.support[a] += 1
            pairing.support[from_a] += 1


@kernel
def _accept(pairing: Pairing, a: int, b: int, from_a: int, from_b: int) -> None:
    row = pairing.tree[pairing.size[0]]
    row[0], row[1], row[2], row[3] = a, b, from_a, from_b
    pairing.size[0] += 1
    pairing.partner[a] = b
    pairing.taken[b] = a


@kernel
def _offer_neighbours(probe: Edges, reference: Edges, a: int, b: int, pairing: Pairing, candidates: Queue) -> None:
    for next_a in probe.neighbours[a]:
        for next_b in reference.neighbours[b]:
            if not alike(probe, a, next_a, reference, b, next_b):
                continue
            if pairing.partner[next_a] == NONE and pairing.taken[next_b] == NONE:
                key = probe.length[a, next_a] + reference.length[b, next_b]
                put(candidates, key, next_a, next_b, a, b)
            elif pairing.partner[next_a] == next_b:
                pairing.support[a] += 1
                pairing.support[next_a] += 1


@kernel
def alike(probe: Edges, a: int, next_a: int, reference: Edges, b: int, next_b: int) -> bool:
    """Whether the probe's edge a -> next_a may be the reference's edge b -> next_b."""
    return (
        abs(probe.length[a, next_a] - reference.length[b, next_b]) <= LENGTH_TOLERANCE
        and angle_between(probe.own_angle[a, next_a], reference.own_angle[b, next_b]) <= ANGLE_TOLERANCE
        and angle_between(probe.far_angle[a, next_a], reference.far_angle[b, next_b]) <= ANGLE_TOLERANCE
    )
