"""Which terminals stand out: exact chances, what is found, what is left alone, and how often chance is named."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accountability.scorecards.parameters import FALSE_DISCOVERY_RATE, LEAST_PEERS
from api.accountability.scorecards.peers import judge, probabilities


def drawn(
    random: np.random.Generator, terminals: int, mean: float, correlation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of terminals that differ by so much."""
    trials = random.integers(50, 1500, terminals)
    spread = 1 / correlation - 1 if correlation else 0
    rates = random.beta(mean * spread, (1 - mean) * spread, terminals) if correlation else np.full(terminals, mean)
    return random.binomial(trials, rates), trials


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_without_correlation_they_are_binomial(trials: int, mean: float) -> None:
    exact = [comb(trials, k) * mean**k * (1 - mean) ** (trials - k) for k in range(trials + 1)]
    np.testing.assert_allclose(probabilities(trials, mean, 0.0), exact, rtol=1e-9, atol=1e-15)


@given(st.integers(1, 400), st.floats(0.01, 0.6), st.floats(0.001, 0.4))
def test_beta_binomial_moments(trials: int, mean: float, correlation: float) -> None:
    chances, k = probabilities(trials, mean, correlation), np.arange(trials + 1)
    expected = float(chances @ k)
    spread = float(chances @ (k - expected) ** 2)
    assert chances.sum() == pytest.approx(1)
    assert expected == pytest.approx(trials * mean, rel=1e-6)
    assert spread == pytest.approx(trials * mean * (1 - mean) * (1 + (trials - 1) * correlation), rel=1e-6)


def test_a_large_terminal_costs_no_overflow() -> None:
    assert probabilities(200_000, 0.01, 0.01).sum() == pytest.approx(1)


def test_one_that_stands_out_is_found_and_its_peers_are_not() -> None:
    cases, trials = drawn(np.random.default_rng(3), 60, 0.02, 0.005)
    cases[7], trials[7] = 160, 800
    (judged,) = judge([(cases, trials)])
    assert judged is not None
    assert [place for place, one in enumerate(judged) if one.unusual] == [7]
    one = judged[7]
    assert one.p < one.q <= FALSE_DISCOVERY_RATE
    assert one.cases > one.outer[1] > one.inner[1] > one.expected
    assert all(peer.inner[0] <= peer.expected <= peer.inner[1] for peer in judged)
    assert one.peers == 59


def test_two_do_not_hide_one_another() -> None:
    cases, trials = drawn(np.random.default_rng(4), 100, 0.05, 0.01)
    cases[:3], trials[:3] = 240, 800
    (judged,) = judge([(cases, trials)])
    assert judged is not None
    assert all(one.unusual for one in judged[:3])
    assert judged[0].correlation < 0.03, "the others are set aside when it is judged"


def test_of_too_few_nothing_is_said() -> None:
    cases, trials = drawn(np.random.default_rng(5), LEAST_PEERS, 0.05, 0.0)
    enough = drawn(np.random.default_rng(5), LEAST_PEERS + 1, 0.05, 0.0)
    few, many, none = judge([(cases, trials), enough, (cases[:0], trials[:0])])
    assert (few, none) == (None, None)
    assert many is not None
    assert judge([]) == []


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_where_nothing_or_everything_fails_nobody_stands_out(mean: float) -> None:
    trials = np.full(30, 200)
    (judged,) = judge([((trials * mean).astype(np.int64), trials)])
    assert judged is not None
    assert not any(one.unusual for one in judged)


@pytest.mark.parametrize(("terminals", "correlation"), [(20, 0.0), (20, 0.01), (100, 0.0), (100, 0.02)])
def test_chance_alone_is_seldom_called_unusual(terminals: int, correlation: float) -> None:
    """Months in which all terminals are alike: in few of them anybody is named (the share is that of false alarms)."""
    random, alarms, months = np.random.default_rng(terminals), 0, 40
    for _ in range(months):
        (judged,) = judge([drawn(random, terminals, 0.05, correlation)])
        assert judged is not None
        alarms += any(one.unusual for one in judged)
    assert alarms / months <= 0.15, "the expected share is 0.05; three standard deviations of 40 months above it"
