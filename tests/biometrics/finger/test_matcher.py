"""The matcher on bare geometry: what must not change a score, what must, and what a slow plain version says."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.fitted import CHANCE_DECADE, CHANCE_LEVEL
from biometrics.finger.parameters import MIN_MINUTIAE, PRIOR_DISPLACEMENT
from biometrics.finger.score import EVIDENCE, WEIGHTS

from .points import captured_again, of_points, random_finger

UNRELATED = 30


def score(probe: FingerTemplate, reference: FingerTemplate) -> float:
    return matcher.score(PreparedFinger.of(probe), PreparedFinger.of(reference))


@pytest.fixture(scope="module")
def highest_unrelated() -> float:
    """The highest score among pairs of unrelated fingers."""
    return max(score(random_finger(2 * seed), random_finger(2 * seed + 1)) for seed in range(UNRELATED))


@pytest.mark.parametrize("turn", [0.0, 0.3, -1.2, math.pi])
@pytest.mark.parametrize("seed", range(5))
def test_a_finger_is_found_again_however_it_lies(seed: int, turn: float, highest_unrelated: float) -> None:
    finger = random_finger(seed)
    again = captured_again(finger, turn=turn, shift=(17.0, -9.0), jitter=1.0, spurious=5, seed=seed)
    assert score(again, finger) > 2 * highest_unrelated


@pytest.mark.parametrize("seed", range(10))
def test_half_a_finger_is_enough(seed: int, highest_unrelated: float) -> None:
    finger = random_finger(seed, 50)
    half = captured_again(finger, turn=0.2, jitter=1.0, keep=finger.x < np.median(finger.x), seed=seed)
    assert score(half, finger) > 1.3 * highest_unrelated


@pytest.mark.parametrize("seed", range(5))
def test_skin_that_stretches_is_followed(seed: int, highest_unrelated: float) -> None:
    finger = random_finger(seed)
    stretched = of_points(
        finger.x + 14 * np.sin(finger.y / 90),
        finger.y * 1.05 + 10 * np.cos(finger.x / 110),
        finger.direction,
        finger.kind,
    )
    assert score(stretched, finger) > 1.5 * highest_unrelated


def test_moving_and_turning_leave_the_score_as_it_is() -> None:
    finger = random_finger(1)
    other = captured_again(finger, jitter=2.0, spurious=10, seed=4)
    still = score(other, finger)
    for turn in (0.5, 2.0, 4.0):
        moved = captured_again(other, turn=turn, shift=(30.0, 40.0), seed=9)
        assert score(moved, finger) == pytest.approx(still, rel=0.03)


def test_a_mirrored_finger_is_another_finger(highest_unrelated: float) -> None:
    finger = random_finger(3)
    mirrored = of_points(399.0 - finger.x, finger.y, math.pi - finger.direction, finger.kind)
    assert score(mirrored, finger) < 1.5 * highest_unrelated


def test_opposite_directions_are_no_match(highest_unrelated: float) -> None:
    finger = random_finger(5)
    turned = of_points(
        finger.x,
        finger.y,
        finger.direction + np.where(np.arange(len(finger)) % 2, math.pi, 0.0),
        finger.kind,
    )
    assert score(turned, finger) < score(finger, finger) / 2


def test_more_noise_lowers_the_score() -> None:
    means = []
    for jitter in (0.0, 1.5, 3.0, 6.0):
        scores = []
        for seed in range(8):
            finger = random_finger(seed)
            scores.append(score(captured_again(finger, jitter=jitter, turn=0.4, seed=seed), finger))
        means.append(np.mean(scores))
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1] + 20


def test_other_kinds_lower_the_score_a_little() -> None:
    finger = random_finger(7)
    swapped = of_points(
        finger.x,
        finger.y,
        finger.direction,
        3 - finger.kind,
    )
    assert 0.5 * score(finger, finger) < score(swapped, finger) < score(finger, finger)


def test_changing_the_roles_changes_little() -> None:
    for seed in range(10):
        finger = random_finger(seed)
        again = captured_again(finger, turn=1.0, jitter=1.5, spurious=8, seed=seed)
        assert score(again, finger) == pytest.approx(score(finger, again), rel=0.02)


@pytest.mark.parametrize("count", range(MIN_MINUTIAE))
def test_too_little_to_compare_scores_nothing(count: int) -> None:
    few = random_finger(1, count)
    for probe, reference in ((few, few), (few, random_finger(2)), (random_finger(2), few)):
        compared = matcher.compare(PreparedFinger.of(probe), PreparedFinger.of(reference))
        assert compared.score == 0.0
        assert compared.tree.shape == (0, 4)


@pytest.mark.parametrize("count", [6, 10, 20, 40, 80])
def test_chance_reaches_no_more_between_scraps_than_between_whole_fingers(count: int) -> None:
    """The scale of the score says 20 for one in a hundred, 40 for one in ten thousand, whatever the size."""
    fingers = [PreparedFinger.of(random_finger(seed, count)) for seed in range(20)]
    scores = [matcher.score(a, b) for a in fingers for b in fingers if a is not b]
    assert np.quantile(scores, 0.9) < 25
    assert max(scores) < 35


@pytest.mark.filterwarnings("error")
def test_minutiae_on_one_spot_or_one_line_are_no_trouble() -> None:
    zeros, steps = np.zeros(20), np.arange(20.0)
    kind = np.ones(20, np.int64)
    for finger in (
        of_points(zeros, zeros, zeros, kind),
        of_points(10 * steps, zeros, zeros, kind),
        of_points(zeros, 15 * steps, zeros, kind),
        of_points(10 * (steps % 5), 10 * (steps // 5), zeros, kind),
    ):
        assert math.isfinite(score(finger, finger))
        assert math.isfinite(score(random_finger(1), finger))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 399), st.floats(0, 399), st.floats(0, 6.28), st.integers(1, 2)), max_size=100),
    st.integers(0, 5),
)
def test_any_minutiae_give_a_finite_score_of_zero_or_more(
    minutiae: list[tuple[float, float, float, int]], seed: int
) -> None:
    x, y, direction, kind = (
        (np.array(column) for column in zip(*minutiae, strict=True)) if minutiae else [np.zeros(0)] * 4
    )
    probe, reference = of_points(x, y, direction, kind), random_finger(seed)
    for first, second in ((probe, reference), (reference, probe), (probe, probe)):
        value = score(first, second)
        assert math.isfinite(value)
        assert value >= 0.0


def test_a_comparison_says_what_it_rests_on() -> None:
    finger = random_finger(8)
    keep = np.arange(len(finger)) % 4 != 0
    again = captured_again(finger, turn=0.7, shift=(5.0, 5.0), keep=keep, seed=3)
    compared = matcher.compare(PreparedFinger.of(again), PreparedFinger.of(finger))
    probes, references = compared.tree[:, 0], compared.tree[:, 1]
    assert len(set(probes.tolist())) == len(set(references.tolist())) == len(compared.tree) == keep.sum()
    assert compared.tree[0, 2:].tolist() == [-1, -1]
    # Every pair was reached from one that was accepted before it.
    accepted = {tuple(row[:2]) for row in compared.tree[:1].tolist()}
    for row in compared.tree[1:].tolist():
        assert tuple(row[2:]) in accepted
        accepted.add(tuple(row[:2]))
    # And the pairs are the true ones: turned back, each lies on its partner.
    dx, dy = again.x[probes] - 205.0, again.y[probes] - 205.0
    back_x = 200.0 + math.cos(-0.7) * dx - math.sin(-0.7) * dy
    back_y = 200.0 + math.sin(-0.7) * dx + math.cos(-0.7) * dy
    np.testing.assert_allclose(back_x, finger.x[references], atol=0.2)
    np.testing.assert_allclose(back_y, finger.y[references], atol=0.2)
    assert list(compared.evidence) == list(EVIDENCE)
    total = sum(w * v for w, v in zip(WEIGHTS, compared.evidence.values(), strict=False))
    size = compared.evidence["size"]
    level, decade = np.polynomial.Polynomial(CHANCE_LEVEL)(size), np.polynomial.Polynomial(CHANCE_DECADE)(size)
    assert compared.score == pytest.approx(20 + 10 * (total - level) / decade)
    assert compared.evidence["pairs"] == keep.sum()
    assert compared.evidence["displacement"] < PRIOR_DISPLACEMENT / 3


def test_threads_share_prepared_fingers() -> None:
    fingers = [PreparedFinger.of(random_finger(seed)) for seed in range(8)]
    pairs = [(a, b) for a in fingers for b in fingers] * 4
    alone = [matcher.score(a, b) for a, b in pairs]
    shared = [PreparedFinger.of(random_finger(seed)) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: matcher.score(*pair), [(a, b) for a in shared for b in shared] * 4))
    assert together == alone
