"""Explanation: what a comparison score rests on, in parts that add up to it and minutiae that a person can look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biometrics.finger import matcher
from biometrics.finger.alignment import Movement, align, moved, moved_back
from biometrics.finger.fitted import CHANCE_DECADE, CHANCE_LEVEL, EVIDENCE_WEIGHTS
from biometrics.finger.matcher import Comparison, PreparedFinger
from biometrics.finger.outline import inside
from biometrics.finger.pairing import grow, new_candidates, new_pairing
from biometrics.finger.parameters import MIN_DECADE, SIZE_RANGE
from biometrics.finger.roots import elect, vote
from biometrics.finger.trace import Trace, untraced

CHANCE: Final = "chance"
_HUNDREDTH, _DECADE = 20.0, 10.0
"""The score that a hundredth of non-mated comparisons reach, and what each further decade adds; see `score`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: the evidence's name and value, and its points. `chance` takes away what chance would reach."""

    name: str
    value: float
    points: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """A comparison with its parts.

    `support` int32 (p,): how many further edges confirm each pair of `comparison.tree`. `movement`: how the probe has
    to be moved to lie on the reference, None without pairs. `probe_shared` bool (n,) and `reference_shared` bool (m,):
    the minutiae in the area that both captures show. The points of `parts` add up to the score, where that isn't 0.
    """

    comparison: Comparison
    movement: Movement | None
    support: NDArray[np.int32] = field(repr=False)
    probe_shared: NDArray[np.bool_] = field(repr=False)
    reference_shared: NDArray[np.bool_] = field(repr=False)
    parts: tuple[Part, ...]


def explain(probe: PreparedFinger, reference: PreparedFinger, *, trace: Trace = untraced) -> Explanation:
    """Compare two fingers and say why the score is what it is.

    The trace gets `votes` and `roots` (see `roots`), `tree` (see `Comparison`), `support`, and `evidence` in its order.
    """
    comparison = matcher.compare(probe, reference)
    tree = comparison.tree
    trace("tree", tree)
    if len(tree) == 0:
        nothing = np.zeros(len(probe.template), np.bool_), np.zeros(len(reference.template), np.bool_)
        return Explanation(comparison, None, np.empty(0, np.int32), *nothing, ())
    votes = vote(probe.finger.edges, probe.table, reference.finger.edges)
    trace("votes", votes)
    trace("roots", elect(votes))
    support = _support(probe, reference, tree)
    trace("support", support)
    trace("evidence", np.array(list(comparison.evidence.values())))
    here, there = probe.finger, reference.finger
    movement = Movement(*align(here.x, here.y, there.x, there.y, tree))
    return Explanation(
        comparison,
        movement,
        support,
        np.array(
            [inside(there.corners, *moved(movement, x, y)) for x, y in zip(here.x, here.y, strict=True)], np.bool_
        ),
        np.array(
            [inside(here.corners, *moved_back(movement, x, y)) for x, y in zip(there.x, there.y, strict=True)], np.bool_
        ),
        _parts(comparison.evidence),
    )


def _support(probe: PreparedFinger, reference: PreparedFinger, tree: NDArray[np.int32]) -> NDArray[np.int32]:
    """The pairing grown once more from its root, for what the matcher doesn't keep."""
    n, m = len(probe.template), len(reference.template)
    pairing = new_pairing(n, m)
    grow(probe.finger.edges, reference.finger.edges, tree[0, 0], tree[0, 1], pairing, new_candidates(n, m))
    return pairing.support[tree[:, 0]]


def _parts(evidence: dict[str, float]) -> tuple[Part, ...]:
    size = float(np.clip(evidence["size"], *SIZE_RANGE))
    level, decade = (
        sum(term * size**power for power, term in enumerate(terms)) for terms in (CHANCE_LEVEL, CHANCE_DECADE)
    )
    unit = _DECADE / max(decade, MIN_DECADE)
    weighed = (Part(name, evidence[name], unit * weight * evidence[name]) for name, weight in EVIDENCE_WEIGHTS.items())
    return (*weighed, Part(CHANCE, size, _HUNDREDTH - unit * level))
