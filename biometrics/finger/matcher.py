"""The matcher: prepare a template, find roots, grow a pairing from each, keep the best, score it.

Beside the pairing a second comparison looks only at the surroundings of each minutia (`relaxation`); its result is one
of the figures that the score weighs.

Roles: the probe's edges are tabulated and the reference's are looked up in that table, so that one probe is prepared
once for many references. The two roles see the same edges, tolerances and evidence; changing them changes a score only
where several candidates tie: by more than a point in one mated comparison in twenty-five.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.cylinders import cylinders_of
from biometrics.finger.edge_table import EdgeTable, tabulate
from biometrics.finger.edges import Edges, describe
from biometrics.finger.outline import outline
from biometrics.finger.pairing import grow, new_candidates, new_pairing
from biometrics.finger.parameters import GROWN_ROOTS, MIN_MINUTIAE
from biometrics.finger.relaxation import likeness
from biometrics.finger.roots import elect, vote
from biometrics.finger.score import EVIDENCE, SIZE, WEIGHTS, Finger, collect, grade, weigh
from biometrics.finger.template import FingerTemplate
from biometrics.kernels.compiled import kernel

_FIGURES = len(EVIDENCE)


@dataclass(frozen=True, eq=False)
class PreparedFinger:
    """A template with all that does not depend on what it is compared with. Immutable, shared among threads."""

    template: FingerTemplate
    finger: Finger = field(repr=False)

    @classmethod
    def of(cls, template: FingerTemplate) -> PreparedFinger:
        """Describe the edges and the cylinders of a template (about 0.4 ms)."""
        edges = Edges(*describe(template.x, template.y, template.direction))
        corners = outline(template.x, template.y)
        cylinders = cylinders_of(template.x, template.y, template.direction, corners)
        finger = Finger(template.x, template.y, template.direction, template.kind, corners, edges, cylinders)
        return cls(template, finger)

    @cached_property
    def table(self) -> EdgeTable:
        """The edges in a table, which only a probe needs; made on first use."""
        return EdgeTable(*tabulate(self.finger.edges))


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison score and what it rests on.

    `tree` int32 (p, 4): the pairs in the order they were accepted, the root first: probe's and reference's minutia, and
    those of the pair it was reached from (-1 for the root). `evidence`: the figures of `biometrics.finger.score`.
    """

    score: float
    tree: NDArray[np.int32]
    evidence: dict[str, float]


def compare(probe: PreparedFinger, reference: PreparedFinger, weights: NDArray[np.float64] = WEIGHTS) -> Comparison:
    """Compare two fingers; the score is 0 where nothing agrees or a template has fewer than six minutiae.

    Other `weights` than the shipped ones (see `biometrics.finger.score.WEIGHTS`) are for fitting them.
    """
    score, tree, evidence = _compare(probe.finger, probe.table, reference.finger, weights)
    return Comparison(score, tree, dict(zip(EVIDENCE, evidence.tolist(), strict=True)))


def score(probe: PreparedFinger, reference: PreparedFinger) -> float:
    """The score of `compare` alone."""
    return float(_compare(probe.finger, probe.table, reference.finger, WEIGHTS)[0])


@kernel
def _compare(
    probe: Finger, table: EdgeTable, reference: Finger, weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.int32], NDArray[np.float64]]:
    n, m = len(probe.x), len(reference.x)
    best, best_tree, best_evidence = 0.0, np.empty((0, 4), np.int32), np.zeros(_FIGURES, np.float64)
    if min(n, m) < MIN_MINUTIAE:
        return best, best_tree, best_evidence
    pairing, candidates, evidence = new_pairing(n, m), new_candidates(n, m), np.zeros(_FIGURES, np.float64)
    seen, grown = np.zeros((n, m), np.bool_), 0
    alike = likeness(probe.cylinders, reference.cylinders, 0, m, min(n, m), np.empty(n * m, np.int32))
    for root in elect(vote(probe.edges, table, reference.edges)):
        if seen[root[0], root[1]] or grown == GROWN_ROOTS:
            continue
        grown += 1
        grow(probe.edges, reference.edges, root[0], root[1], pairing, candidates)
        for row in pairing.tree[: pairing.size[0]]:
            seen[row[0], row[1]] = True
        collect(probe, reference, pairing, alike, evidence)
        total = weigh(evidence, weights)
        if len(best_tree) == 0 or total > best:
            best = total
            best_tree = pairing.tree[: pairing.size[0]].copy()
            best_evidence[:] = evidence
    if len(best_tree) == 0:
        return 0.0, best_tree, best_evidence
    return grade(best, best_evidence[SIZE], weights), best_tree, best_evidence
