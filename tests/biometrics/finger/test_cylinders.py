"""Minutia cylinder codes: what a slow plain version says, what moving changes, and how two sets of them compare."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.finger import FingerTemplate
from biometrics.finger.cylinders import Cylinders, cylinders_of
from biometrics.finger.local_pairs import COLUMN_BITS, FULL, choose_pairs, compare_cylinders
from biometrics.finger.outline import distance_outside, outline
from biometrics.finger.parameters import CYLINDER_CELLS, CYLINDER_RADIUS, CYLINDER_SECTIONS
from biometrics.finger.relaxation import likeness

from .points import captured_again, of_points, random_finger

CELLS = CYLINDER_CELLS * CYLINDER_CELLS


def described(finger: FingerTemplate) -> Cylinders:
    return cylinders_of(finger.x, finger.y, finger.direction, outline(finger.x, finger.y))


def bits(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """uint64 (...) as bool (..., 64), the lowest bit first."""
    return (words[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)


def alike(first: FingerTemplate, second: FingerTemplate) -> float:
    n, m = len(first), len(second)
    return likeness(described(first), described(second), 0, m, min(n, m), np.empty(n * m, np.int32))


def sums_of_the_paper(finger: FingerTemplate, i: int) -> NDArray[np.float64]:
    """What the neighbours of minutia i add up to in each section and cell, in the paper's densities: (6, 64)."""
    cell, section = 2 * CYLINDER_RADIUS / CYLINDER_CELLS, 2 * math.pi / CYLINDER_SECTIONS
    offsets = (np.arange(CYLINDER_CELLS) + 0.5) * cell - CYLINDER_RADIUS
    turn, others = float(finger.direction[i]), np.arange(len(finger)) != i
    sums = np.zeros((CYLINDER_SECTIONS, CELLS))
    for number in range(CELLS):
        u, v = offsets[number % CYLINDER_CELLS], offsets[number // CYLINDER_CELLS]
        x = finger.x[i] + math.cos(turn) * u - math.sin(turn) * v
        y = finger.y[i] + math.sin(turn) * u + math.cos(turn) * v
        distance = np.hypot(finger.x - x, finger.y - y)
        seen = others & (distance <= 28.0)
        near = np.exp(-0.5 * (distance[seen] / (28 / 3)) ** 2) / (28 / 3 * math.sqrt(2 * math.pi))
        for height in range(CYLINDER_SECTIONS):
            relative = finger.direction[seen] - turn - (-math.pi + (height + 0.5) * section)
            away = np.mod(relative + math.pi, 2 * math.pi) - math.pi
            unit = 2 * math.pi / 9 * math.sqrt(2)
            within = [math.erf((one + section / 2) / unit) - math.erf((one - section / 2) / unit) for one in away]
            sums[height, number] = near @ np.array(within) / 2
    return sums


@pytest.mark.parametrize("seed", range(3))
def test_bits_are_those_of_the_paper(seed: int) -> None:
    finger = random_finger(seed, 25)
    found = described(finger)
    code, valid = bits(found.codes), bits(found.valid)
    assert code[:, valid].any()
    assert not code[:, ~valid].any()
    for i in range(len(finger)):
        sums = sums_of_the_paper(finger, i)
        clear = valid[i] & (np.abs(sums - 0.01) > 2e-4)  # directions are rounded to half degrees
        assert np.array_equal(code[:, i][clear], (sums >= 0.01)[clear])
        assert clear.sum() > 0.9 * CYLINDER_SECTIONS * valid[i].sum()


def test_cells_are_valid_within_the_disc_and_near_the_outline() -> None:
    finger = random_finger(4, 30)
    found = described(finger)
    whole = bits(found.valid).sum(axis=1)
    in_disc = 52  # of 8 x 8 cells, those whose centres lie within a circle through the middles of the sides
    assert whole.max() <= in_disc
    middle = int(np.argmin(np.hypot(finger.x - 200, finger.y - 200)))
    corner = int(np.argmin(finger.x + finger.y))
    assert whole[middle] == in_disc
    assert whole[corner] < in_disc


@pytest.mark.parametrize("turn", [0.4, 2.0, math.pi])
def test_turning_and_moving_leave_nearly_all_bits(turn: float) -> None:
    finger = random_finger(5)
    dx, dy = finger.x - 200.0, finger.y - 200.0
    c, s = math.cos(turn), math.sin(turn)
    moved = of_points(300 + c * dx - s * dy, 310 + s * dx + c * dy, finger.direction + turn, finger.kind)
    before, after = bits(described(finger).codes), bits(described(moved).codes)
    assert np.mean(before != after) < 0.01 < np.mean(before)


def test_distance_outside_an_outline() -> None:
    corners = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
    assert distance_outside(corners, 5.0, 5.0) == 0.0
    assert distance_outside(corners, 13.0, 14.0) == pytest.approx(5.0)
    assert distance_outside(corners, 5.0, -2.0) == pytest.approx(2.0)
    assert distance_outside(corners[:1], 3.0, 4.0) == pytest.approx(5.0)
    assert distance_outside(corners[:0], 3.0, 4.0) == math.inf


def plain_similarity(a: Cylinders, i: int, b: Cylinders, j: int) -> float:
    both = bits(a.valid[i]) & bits(b.valid[j])
    first, second = bits(a.codes[:, i])[:, both], bits(b.codes[:, j])[:, both]
    norms = math.sqrt(first.sum()) + math.sqrt(second.sum())
    return 1.0 - math.sqrt((first != second).sum()) / norms if norms else 0.0


def test_similarities_are_those_of_a_plain_loop() -> None:
    a, b = described(random_finger(6, 30)), described(random_finger(7, 45))
    keys = np.empty((30, 40), np.int32)
    compare_cylinders(a, b, 5, keys)
    assert np.array_equal(keys & 0xFF, np.broadcast_to(np.arange(40), (30, 40)))
    expected = [[plain_similarity(a, i, b, 5 + j) for j in range(40)] for i in range(30)]
    assert np.allclose((keys >> COLUMN_BITS) / FULL, expected, atol=2 / FULL)


def test_pairs_are_the_most_similar_of_those_still_free() -> None:
    rng = np.random.default_rng(0)
    for n, m, most in ((5, 9, 5), (12, 4, 4), (8, 8, 3)):
        similar = rng.permutation(n * m).reshape(n, m) + 1
        keys = (similar * 256 + np.arange(m)).astype(np.int32)
        pairs = np.empty((most, 2), np.int32)
        assert choose_pairs(keys, pairs) == most
        left = similar.astype(float)
        for i, j in pairs.tolist():
            assert left[i, j] == left.max()
            left[i], left[:, j] = 0, 0


def test_what_is_not_similar_at_all_is_no_pair() -> None:
    assert choose_pairs(np.arange(5, dtype=np.int32)[None].repeat(3, 0), np.empty((3, 2), np.int32)) == 0


@pytest.mark.parametrize("turn", [0.0, 0.5, math.pi])
@pytest.mark.parametrize("seed", range(4))
def test_a_finger_is_like_itself_captured_again(seed: int, turn: float) -> None:
    finger = random_finger(seed)
    again = captured_again(finger, turn=turn, shift=(20.0, -12.0), jitter=1.5, spurious=6, seed=seed)
    others = max(alike(again, random_finger(100 + other)) for other in range(20))
    assert alike(again, finger) > 2 * others


def test_likeness_of_a_finger_with_itself_is_nearly_one() -> None:
    finger = random_finger(8)
    assert 0.8 < alike(finger, finger) <= 1.0


def test_relaxation_takes_from_pairs_that_do_not_go_together() -> None:
    """The surroundings of every minutia stay, where they are to each other does not: two halves, far apart, swapped."""
    finger = random_finger(9, 40)
    left = finger.x < np.median(finger.x)
    gap = 300.0
    apart = of_points(np.where(left, finger.x, finger.x + gap), finger.y, finger.direction, finger.kind)
    swapped = of_points(np.where(left, finger.x + 2 * gap, finger.x), finger.y, finger.direction, finger.kind)
    assert alike(apart, swapped) < 0.7 * alike(apart, apart)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_minutiae_are_like_nothing(count: int) -> None:
    assert alike(random_finger(1, count), random_finger(2)) == 0.0
    assert alike(random_finger(2), random_finger(1, count)) == 0.0
