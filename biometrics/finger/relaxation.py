"""Likeness of two fingers by their minutiae's surroundings, without any alignment of the whole.

The pairs of minutiae that look most alike are looked at together: a pair that lies to the others as mated minutiae
would is confirmed by them; one that only happens to look alike loses what it had. The pairs that kept most of it count.
(Local similarity sort with relaxation, of the paper named in `cylinders`; the pairs are one to one, and compatibility
is plain arithmetic on lengths and cosines instead of three sigmoids of angles.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.cylinders import Cylinders
from biometrics.finger.local_pairs import COLUMN_BITS, FULL, choose_pairs, compare_cylinders
from biometrics.finger.parameters import (
    COUNTED_PAIRS,
    COUNTED_PAIRS_MIDDLE,
    COUNTED_PAIRS_SLOPE,
    PAIR_LENGTH_TOLERANCE,
    PAIR_TURN_TOLERANCE,
    RELAXATION_HOLD,
    RELAXATIONS,
)
from biometrics.kernels.compiled import kernel

_LEAST_COSINE = math.cos(PAIR_TURN_TOLERANCE)
_COSINE_SCALE = 1.0 / (1.0 - _LEAST_COSINE)
_PIXEL = 1e-3
"""Keeps two minutiae in one place from a division by 0."""


@kernel
def likeness(
    probe: Cylinders, reference: Cylinders, first: int, last: int, most: int, room: NDArray[np.int32]
) -> float:
    """How alike the probe is to the minutiae first..last - 1 of `reference`: 0..1, from at most `most` pairs.

    `room` is scratch, int32, for as many numbers as both have pairs of minutiae.
    """
    n, m = len(probe.valid), last - first
    keys = room[: n * m].reshape(n, m)
    compare_cylinders(probe, reference, first, keys)
    pairs = np.empty((min(most, n, m), 2), np.int32)
    count = choose_pairs(keys, pairs)
    if count < 2:
        return 0.0
    before = np.empty(count, np.float32)
    for a in range(count):
        before[a] = (keys[pairs[a, 0], pairs[a, 1]] >> COLUMN_BITS) / FULL
        pairs[a, 1] += first
    after = _relax(before, _compatibilities(probe, reference, pairs[:count]))
    return _mean_of_best(before, after, counted_pairs(min(n, m)))


@kernel
def counted_pairs(minutiae: int) -> int:
    """How many pairs count where the smaller finger has so many minutiae: from 4 to 12."""
    low, high = COUNTED_PAIRS
    return low + round((high - low) / (1.0 + math.exp(COUNTED_PAIRS_SLOPE * (COUNTED_PAIRS_MIDDLE - minutiae))))


@kernel
def _compatibilities(probe: Cylinders, reference: Cylinders, pairs: NDArray[np.int32]) -> NDArray[np.float32]:
    """How well each two pairs go together, 0..1, float32 (p, p), 0 on the diagonal."""
    count = len(pairs)
    cosine, sine = np.empty(count, np.float32), np.empty(count, np.float32)
    for a in range(count):  # the turn that lays the pair's first direction on its second
        i, j = pairs[a, 0], pairs[a, 1]
        cosine[a] = reference.cosine[j] * probe.cosine[i] + reference.sine[j] * probe.sine[i]
        sine[a] = reference.sine[j] * probe.cosine[i] - reference.cosine[j] * probe.sine[i]
    found = np.zeros((count, count), np.float32)
    for a in range(count):
        for b in range(a):
            i, j, k, m = pairs[a, 0], pairs[a, 1], pairs[b, 0], pairs[b, 1]
            x, y = probe.x[k] - probe.x[i], probe.y[k] - probe.y[i]
            to_x, to_y = reference.x[m] - reference.x[j], reference.y[m] - reference.y[j]
            length, to_length = math.sqrt(x * x + y * y), math.sqrt(to_x * to_x + to_y * to_y)
            x, y = cosine[a] * x - sine[a] * y, sine[a] * x + cosine[a] * y
            aligned = (x * to_x + y * to_y) / (length * to_length + _PIXEL)
            turned = cosine[a] * cosine[b] + sine[a] * sine[b]
            share = max(0.0, 1.0 - abs(length - to_length) / PAIR_LENGTH_TOLERANCE)
            share *= max(0.0, aligned - _LEAST_COSINE) * max(0.0, turned - _LEAST_COSINE)
            found[a, b] = found[b, a] = share * _COSINE_SCALE * _COSINE_SCALE
    return found


@kernel
def _relax(before: NDArray[np.float32], compatible: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the pairs' similarities `before` become when each is held up by those it is compatible with."""
    count = len(before)
    now = before.copy()
    for _ in range(RELAXATIONS):
        support = np.zeros(count, np.float32)
        for a in range(count):
            for b in range(count):
                support[b] += compatible[a, b] * now[a]
        now = (RELAXATION_HOLD * now + (1.0 - RELAXATION_HOLD) / (count - 1) * support).astype(np.float32)
    return now


@kernel
def _mean_of_best(before: NDArray[np.float32], after: NDArray[np.float32], counted: int) -> float:
    """Mean similarity of the `counted` pairs that kept most of theirs; missing pairs count 0."""
    total = 0.0
    for a in np.argsort(-after / before)[:counted]:
        total += after[a]
    return total / counted
