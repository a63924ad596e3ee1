"""Counted rates, and what comes after the last score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring.tails import NonMated, SetTail
from tests.biometrics.scoring.samples import normal_tail


def exponential(count: int, *, scale: float = 2.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(scale, count)


def test_rates_are_counted_where_thirty_scores_lie_above() -> None:
    tail = SetTail.of(np.arange(1000.0))
    assert tail.start == 970
    assert tail.share_above(np.array([-5.0, 0.0, 0.5, 900.0, 970.0])).tolist() == pytest.approx(
        [1.0, 1.0, 0.999, 0.1, 0.03]
    )


def test_an_exponential_tail_is_followed_beyond_the_last_score() -> None:
    tail = SetTail.of(exponential(200_000))
    assert tail.scale == pytest.approx(2.0, rel=0.4)  # thirty exceedances
    beyond = 2.0 * math.log(1e6)
    assert math.log(tail.share_above(np.array(beyond))) == pytest.approx(-math.log(1e6), abs=2.5)


def test_a_normal_tail_is_overstated_never_understated() -> None:
    tail = SetTail.of(np.random.default_rng(5).normal(0, 1, 1_000_000))
    for score in (4.5, 5.0, 5.5):
        assert normal_tail(score) < float(tail.share_above(np.array(score))) < 30 * normal_tail(score)


def test_mislabelled_comparisons_do_not_stretch_the_tail() -> None:
    scores = np.concatenate([exponential(100_000), np.linspace(150, 250, 50)])
    fooled = SetTail.of(scores)
    wary = SetTail.of(scores, label_noise=1e-3)
    assert wary.scale == pytest.approx(2.0, rel=0.3)
    assert fooled.share_above(np.array(100.0)) > 1e-4
    assert wary.share_above(np.array(100.0)) < 1e-15


@pytest.mark.parametrize("scores", [np.arange(30.0), np.zeros(1000)])
def test_too_little_to_say_anything_about_the_tail(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="tail"):
        SetTail.of(scores)


def test_a_mixture_weighs_its_sets() -> None:
    low, high = exponential(1000), 10 + exponential(1000, seed=1)
    both = NonMated.of([low, high], [3, 1])
    assert both.comparisons == 2000
    assert float(both.fmr(10.0)) == pytest.approx(0.25, abs=0.01)
    # 30 of as many equally weighted scores as carry the same variance: 1 / (0.75^2 / 1000 + 0.25^2 / 1000) = 1600.
    assert both.measured_to == pytest.approx(30 / 1600)
    assert NonMated.of([low, high], [3, 1], label_noise=0.05).measured_to == 0.05


@given(st.lists(st.floats(1e-7, 1.0), min_size=1, max_size=8))
def test_thresholds_invert_the_rate(targets: list[float]) -> None:
    mixture = NonMated.of([np.round(exponential(500), 1), exponential(300, scale=3, seed=2)], [1, 2])
    thresholds = mixture.thresholds(targets)
    assert np.all(mixture.fmr(thresholds) <= np.array(targets) * (1 + 1e-9))
    scores = np.unique(np.concatenate([tail.ascending[tail.ascending <= tail.start] for tail in mixture.sets]))
    for threshold, target in zip(thresholds, targets, strict=True):
        lower = np.append(scores[scores < threshold], threshold * (1 - 1e-9))
        counted = threshold in scores
        nearest = lower[-2:-1] if counted else lower[-1:]
        assert np.all(mixture.fmr(nearest) > target * (1 - 1e-6))


def test_the_rate_never_rises() -> None:
    mixture = NonMated.of([np.round(exponential(500)), exponential(300, scale=3, seed=2)], [1, 2])
    assert np.all(np.diff(mixture.fmr(np.linspace(-1, 60, 5000))) <= 1e-15)
