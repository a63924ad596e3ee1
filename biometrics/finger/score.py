"""Score: how unlikely it is that a pairing as good as this one is a coincidence.

A pairing is described by fourteen figures, its evidence: the seven of SourceAFIS (how many minutiae, edges and kinds
agree, and how well), six about the skin that both captures show, and one that knows nothing of the pairing: how alike
the surroundings of both fingers' minutiae are (`relaxation`), a second opinion with errors of its own. Two captures of
one finger often share only a part of it; what counts then is the share of the minutiae *in that part* that were paired.

The evidence's weighted sum is not yet the score: between two scraps of skin with eight minutiae each, half of them
agree by chance again and again, between two whole fingers never. So the sum is measured against what chance reaches
between captures with that many minutiae: the score is 20 where one non-mated comparison in a hundred reaches the sum,
and 10 more for each further decade, whatever the size of the captures.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.alignment import Movement, align, moved, moved_back
from biometrics.finger.cylinders import Cylinders
from biometrics.finger.edges import Edges, angle_between, wrapped
from biometrics.finger.fitted import CHANCE_DECADE, CHANCE_LEVEL, EVIDENCE_WEIGHTS
from biometrics.finger.outline import inside
from biometrics.finger.pairing import Pairing
from biometrics.finger.parameters import (
    ANGLE_SLACK,
    ANGLE_TOLERANCE,
    LENGTH_SLACK,
    LENGTH_TOLERANCE,
    MEAN_PRIOR,
    MIN_DECADE,
    OVERLAP_PRIOR,
    PRIOR_DISPLACEMENT,
    PRIOR_TURNING,
    SHARE_PRIOR,
    SIZE_RANGE,
)
from biometrics.kernels.compiled import kernel

EVIDENCE = (
    "pairs",
    "share",
    "edges",
    "supported",
    "kinds",
    "length_accuracy",
    "angle_accuracy",
    "overlap_share",
    "overlap_pairs",
    "displacement",
    "turning",
    "spread",
    "size",
    "likeness",
)
"""Names of the evidence. `pairs` accepted; `share` of both fingers' minutiae that is (mean); `edges` of the tree and
supporting ones; `supported` pairs with at least one supporting edge; `kinds` pairs of one kind; `length_accuracy` and
`angle_accuracy` 1 for edges that agree within the slack, 0 at the tolerance (mean over the tree); `overlap_share` as
`share`, of the minutiae within the other finger's outline; `overlap_pairs` pairs x overlap_share; `displacement` pixels
and `turning` radians left after the best rigid movement (mean); `spread` mean distance of the pairs from their centre,
pixels; `size` natural log of the product of both fingers' numbers of minutiae; `likeness` of `relaxation`, 0..1. Every
share and mean is taken as if some undecided minutiae (the PRIOR parameters) were there too, so that two or three cannot
make an extreme one."""

SIZE = EVIDENCE.index("size")
CHANCE_TERMS = 3
WEIGHTS = np.array([*(EVIDENCE_WEIGHTS.get(name, 0.0) for name in EVIDENCE), *CHANCE_LEVEL, *CHANCE_DECADE], np.float64)
"""Weights of the evidence in its order, and two polynomials in `size` (constant, linear, quadratic): the sum that a
hundredth of non-mated comparisons reach, and by how much more a thousandth: float64 (14 + 3 + 3,)."""
WEIGHTS.setflags(write=False)


class Finger(NamedTuple):
    """What the score needs of n minutiae: `x`, `y`, `direction` float32, `kind` uint8, and what is made of these."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    direction: NDArray[np.float32]
    kind: NDArray[np.uint8]
    corners: NDArray[np.float32]
    edges: Edges
    cylinders: Cylinders


@kernel
def weigh(evidence: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The weighted sum of the evidence, float64 (14,); `weights` as WEIGHTS."""
    total = 0.0
    for i in range(len(evidence)):
        total += weights[i] * evidence[i]
    return total


@kernel
def grade(total: float, size: float, weights: NDArray[np.float64]) -> float:
    """The comparison score, 0 or more, of a weighted sum between fingers of this `size`; `weights` as WEIGHTS."""
    level, decade = 0.0, 0.0
    power = 1.0
    clamped = min(max(size, SIZE_RANGE[0]), SIZE_RANGE[1])
    for term in range(CHANCE_TERMS):
        level += weights[len(EVIDENCE) + term] * power
        decade += weights[len(EVIDENCE) + CHANCE_TERMS + term] * power
        power *= clamped
    return max(0.0, 20.0 + 10.0 * (total - level) / max(decade, MIN_DECADE))


@kernel
def collect(probe: Finger, reference: Finger, pairing: Pairing, likeness: float, evidence: NDArray[np.float64]) -> None:
    """Write the evidence of a pairing, which has at least its root, to `evidence` float64 (14,).

    `likeness` is that of `biometrics.finger.relaxation`, the same for all pairings of two fingers.
    """
    tree = pairing.tree[: pairing.size[0]]
    n, m, count = len(probe.x), len(reference.x), len(tree)
    evidence[0] = count
    evidence[1] = 0.5 * (count / (n + SHARE_PRIOR) + count / (m + SHARE_PRIOR))
    _count_agreement(probe, reference, pairing, tree, evidence)
    evidence[5], evidence[6] = _accuracy(probe.edges, reference.edges, tree)
    movement = align(probe.x, probe.y, reference.x, reference.y, tree)
    evidence[7] = _overlap_share(probe, reference, movement, count)
    evidence[8] = count * evidence[7]
    _measure_residuals(probe, reference, movement, tree, evidence)
    evidence[12] = math.log(n * m)
    evidence[13] = likeness


@kernel
def _count_agreement(
    probe: Finger, reference: Finger, pairing: Pairing, tree: NDArray[np.int32], evidence: NDArray[np.float64]
) -> None:
    supporting, supported, same_kind = 0, 0, 0
    for row in tree:
        support = pairing.support[row[0]]
        supporting += support
        supported += support > 0
        same_kind += probe.kind[row[0]] == reference.kind[row[1]]
    evidence[2], evidence[3], evidence[4] = len(tree) + supporting, supported, same_kind


@kernel
def _accuracy(probe: Edges, reference: Edges, tree: NDArray[np.int32]) -> tuple[float, float]:
    """How exactly the tree's edges agree: of lengths and of angles, both 0..1, 0.5 when there is no edge."""
    edges = len(tree) - 1 + MEAN_PRIOR
    length_error = 0.5 * MEAN_PRIOR * (LENGTH_TOLERANCE + LENGTH_SLACK)
    angle_error = MEAN_PRIOR * (ANGLE_TOLERANCE + ANGLE_SLACK)
    for row in tree[1:]:
        a, b, from_a, from_b = row[0], row[1], row[2], row[3]
        length_error += max(LENGTH_SLACK, abs(probe.length[from_a, a] - reference.length[from_b, b]))
        angle_error += max(ANGLE_SLACK, angle_between(probe.own_angle[from_a, a], reference.own_angle[from_b, b]))
        angle_error += max(ANGLE_SLACK, angle_between(probe.far_angle[from_a, a], reference.far_angle[from_b, b]))
    return (
        (1.0 - length_error / (edges * LENGTH_TOLERANCE)) / (1.0 - LENGTH_SLACK / LENGTH_TOLERANCE),
        (1.0 - angle_error / (2.0 * edges * ANGLE_TOLERANCE)) / (1.0 - ANGLE_SLACK / ANGLE_TOLERANCE),
    )


@kernel
def _overlap_share(probe: Finger, reference: Finger, movement: Movement, count: int) -> float:
    """Share of the minutiae within the other finger's outline that was paired, mean of both fingers, below 1."""
    probes, references = 0, 0
    for i in range(len(probe.x)):
        x, y = moved(movement, probe.x[i], probe.y[i])
        probes += inside(reference.corners, x, y)
    for i in range(len(reference.x)):
        x, y = moved_back(movement, reference.x[i], reference.y[i])
        references += inside(probe.corners, x, y)
    return 0.5 * (count / (max(probes, count) + OVERLAP_PRIOR) + count / (max(references, count) + OVERLAP_PRIOR))


@kernel
def _measure_residuals(
    probe: Finger, reference: Finger, movement: Movement, tree: NDArray[np.int32], evidence: NDArray[np.float64]
) -> None:
    displacement, turning, spread = MEAN_PRIOR * PRIOR_DISPLACEMENT, MEAN_PRIOR * PRIOR_TURNING, 0.0
    for row in tree:
        a, b = row[0], row[1]
        x, y = moved(movement, probe.x[a], probe.y[a])
        displacement += math.hypot(x - reference.x[b], y - reference.y[b])
        turning += angle_between(wrapped(probe.direction[a] + movement.angle), reference.direction[b])
        spread += math.hypot(reference.x[b] - movement.to_x, reference.y[b] - movement.to_y)
    count = len(tree) + MEAN_PRIOR
    evidence[9], evidence[10], evidence[11] = displacement / count, turning / count, spread / count
