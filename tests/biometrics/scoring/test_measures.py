"""Cost and calibration error of ratios whose truth is known."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring.measures import cllr, cllr_min, expected_calibration_error
from tests.biometrics.scoring.samples import true_llr

ratios = st.lists(st.floats(-8, 8), min_size=1, max_size=40)


def test_no_information_costs_one_bit() -> None:
    assert cllr([0, 0], [0]) == 1.0
    assert cllr_min([0, 0], [0]) == 1.0


def test_perfect_ratios_cost_nothing() -> None:
    assert cllr([800.0], [-800.0]) == 0.0
    assert cllr_min([1.0, 2.0], [-1.0]) == 0.0


def test_the_cost_of_one_pair_is_in_bits() -> None:
    assert cllr([math.log(3)], [-math.log(3)]) == pytest.approx(math.log2(4 / 3))


@given(ratios, ratios)
def test_the_best_monotone_calibration_costs_no_more(mated: list[float], non_mated: list[float]) -> None:
    least = cllr_min(mated, non_mated)
    assert -1e-9 <= least <= min(1.0, cllr(mated, non_mated)) + 1e-9


@given(ratios, ratios, st.floats(0.1, 5), st.floats(-5, 5))
def test_the_least_cost_knows_only_the_order(
    mated: list[float], non_mated: list[float], scale: float, shift: float
) -> None:
    mates, others = np.round(mated, 3), np.round(non_mated, 3)
    least = cllr_min(mates, others)
    assert cllr_min(scale * mates + shift, scale * others + shift) == pytest.approx(least, abs=1e-9)


def test_true_ratios_are_calibrated_and_overstated_ones_are_not() -> None:
    random = np.random.default_rng(4)
    mated = np.array([true_llr(score) for score in random.normal(3, 1, 50_000)])
    non_mated = np.array([true_llr(score) for score in random.normal(0, 1, 50_000)])
    assert cllr(mated, non_mated) - cllr_min(mated, non_mated) < 0.002
    assert expected_calibration_error(mated, non_mated) < 0.005
    assert cllr(3 * mated, 3 * non_mated) - cllr_min(mated, non_mated) > 0.05
    assert expected_calibration_error(mated + 3, non_mated + 3) > 0.05


def test_calibration_error_of_a_constant_claim() -> None:
    # "90 % mated" of what is even: 40 points off.
    assert expected_calibration_error([math.log(9)], [math.log(9)]) == pytest.approx(0.4)


@pytest.mark.parametrize("measure", [cllr, cllr_min, expected_calibration_error])
def test_both_sides_are_needed(measure: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match="both"):
        measure([], [1.0])
    with pytest.raises(ValueError, match="both"):
        measure([1.0], [])
