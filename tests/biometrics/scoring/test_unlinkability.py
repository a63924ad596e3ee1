"""The measure of unlinkability: against what is computed by hand, and its ends."""

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.scoring.unlinkability import floor, unlinkability

GENERATOR = np.random.default_rng(20261122)


def test_scores_of_one_distribution_link_nothing() -> None:
    mated, non_mated = GENERATOR.normal(size=200_000), GENERATOR.normal(size=400_000)
    found = unlinkability(mated, non_mated)
    assert found.d_sys < 0.01
    assert (found.local.shape, found.edges.shape) == ((100,), (101,))
    assert floor(mated, non_mated, GENERATOR).d_sys == pytest.approx(found.d_sys, abs=0.005)


def test_scores_that_never_overlap_link_everything() -> None:
    assert unlinkability(GENERATOR.uniform(2, 3, 5000), GENERATOR.uniform(0, 1, 5000)).d_sys == pytest.approx(1)


@pytest.mark.parametrize(("omega", "expected"), [(1.0, 1 / 3), (0.5, 0.0), (0.1, 0.0), (2.0, 3 / 5)])
def test_a_uniform_inside_another_by_hand(omega: float, expected: float) -> None:
    """Mated in 0..1, non-mated in 0..2: LR is 2 wherever a mated score is, and D = 2 * 2 w / (1 + 2 w) - 1."""
    mated = np.linspace(0, 1, 100_000, endpoint=False)
    non_mated = np.linspace(0, 2, 200_000, endpoint=False)
    assert unlinkability(mated, non_mated, omega=omega).d_sys == pytest.approx(expected, abs=0.03)


def test_two_gaussians_as_an_integral_has_them() -> None:
    """Of N(1, 1) and N(0, 1): the integral of tanh(log LR / 2) over where it is positive, weighted by the mated."""
    at = np.linspace(-8, 9, 200_001)
    ratio = np.exp(at - 0.5)
    density = np.exp(-0.5 * (at - 1) ** 2) / np.sqrt(2 * np.pi)
    local: NDArray[np.float64] = np.clip(2 * ratio / (1 + ratio) - 1, 0, None)
    expected = float(np.sum(local * density) * (at[1] - at[0]))
    mated, non_mated = GENERATOR.normal(1, 1, 500_000), GENERATOR.normal(0, 1, 500_000)
    assert unlinkability(mated, non_mated).d_sys == pytest.approx(expected, abs=0.01)


def test_few_scores_link_by_chance_and_the_floor_says_so() -> None:
    few = GENERATOR.normal(size=100), GENERATOR.normal(size=100)
    floors = [floor(*few, GENERATOR).d_sys for _ in range(50)]
    assert 0.02 < float(np.mean(floors)) < 0.3


def test_what_is_no_set_of_scores_is_refused() -> None:
    for mated, non_mated in (([], [1.0]), ([1.0], []), ([np.nan], [1.0]), ([1.0], [-np.inf])):
        with pytest.raises(ValueError, match="finite"):
            unlinkability(mated, non_mated)
    for wrong in ({"omega": 0.0}, {"bins": 0}):
        with pytest.raises(ValueError, match="positive"):
            unlinkability([1.0], [0.0], **wrong)
