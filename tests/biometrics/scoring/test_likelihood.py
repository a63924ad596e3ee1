"""The penalised fit finds the true ratio, never falls, and is a ratio of densities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.scoring.likelihood import Histogram, choose_smoothing, counted, fit_llr

EDGES = np.linspace(0, 10, 41)
POSITION = (EDGES[1:] + EDGES[:-1]) / 2


def uniform() -> Histogram:
    return Histogram(POSITION, np.full(len(POSITION), 1 / len(POSITION)))


@given(st.lists(st.integers(0, 50), min_size=40, max_size=40).filter(any), st.sampled_from([1.0, 100.0, 1e4]))
@settings(max_examples=50, deadline=None)
def test_any_counts_give_a_rising_proper_ratio(counts: list[int], smoothing: float) -> None:
    mated = np.array(counts, np.float64)
    llr = fit_llr(uniform(), mated, float(mated.sum()), smoothing)
    assert np.all(np.isfinite(llr))
    assert np.all(np.diff(llr) >= 0)
    assert np.sum(uniform().non_mated * np.exp(llr)) == pytest.approx(1.0, abs=0.02)


def test_a_linear_ratio_is_found_whatever_the_smoothing() -> None:
    slope = 0.6
    density = np.exp(slope * POSITION)
    density /= density.sum()
    truth = np.log(density * len(POSITION))
    for smoothing in (1.0, 1e4):
        llr = fit_llr(uniform(), 1e5 * density, 1e5, smoothing)
        assert llr == pytest.approx(truth, abs=0.02)


def test_counts_beyond_the_bins_belong_to_the_total() -> None:
    mated = np.full(len(POSITION), 10.0)
    llr = fit_llr(uniform(), mated, 800.0, 1.0)
    assert llr == pytest.approx(np.log(0.5), abs=0.01)


def test_nothing_in_the_bins_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="nothing to fit"):
        fit_llr(uniform(), np.zeros(len(POSITION)), 10.0, 1.0)


def test_held_out_subjects_choose_strong_smoothing_for_a_line_and_weak_for_a_step() -> None:
    random = np.random.default_rng(6)
    line = np.exp(0.3 * POSITION)
    step = np.where(POSITION > 5, 20.0, 0.2)
    chosen = []
    for shape in (line, step):
        bin_of = random.choice(len(POSITION), 3000, p=shape / shape.sum())
        group = random.integers(100, size=3000).astype(np.int32)
        chosen.append(choose_smoothing(uniform(), bin_of, np.ones(3000), group))
    assert chosen[0] > chosen[1]


def test_one_subject_cannot_be_held_out() -> None:
    assert choose_smoothing(uniform(), np.arange(40), np.ones(40), np.zeros(40, np.int32)) == 1e4


def test_counting_leaves_out_what_is_beyond() -> None:
    assert counted(uniform(), np.array([0, 0, 40]), np.array([1.0, 2.0, 5.0])).sum() == 3.0
