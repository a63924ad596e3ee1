"""Bands around curves: they hold the truth as often as they say, and the curve always."""

import numpy as np
import pytest

from biometrics.scoring.bands import det_band, fmr_band, fnmr_band
from biometrics.scoring.bootstrap import intervals
from biometrics.scoring.summary import summarise
from tests.biometrics.scoring.samples import gaussian_comparisons, normal_tail


def test_bands_hold_the_curve_and_the_truth() -> None:
    sample = gaussian_comparisons(4000, 40_000, subjects=400, seed=3)
    thresholds = np.linspace(0.5, 2.5, 9)
    for band, truth in (
        (fmr_band(sample, thresholds, replicates=100), [normal_tail(one) for one in thresholds]),
        (fnmr_band(sample, thresholds, replicates=100), [normal_tail(3 - one) for one in thresholds]),
    ):
        assert np.all((band.low <= band.value) & (band.value <= band.high))
        held = (band.low <= truth) & (truth <= band.high)
        assert held.mean() > 0.6
        assert np.all(band.high[1:-1] > band.low[1:-1])


def test_the_det_band_is_that_of_single_intervals() -> None:
    sample = gaussian_comparisons(500, 5000, seed=4)
    band = det_band(sample, [1e-2, 1e-1], replicates=60, seed=5)
    alone = intervals(sample, {"x": lambda curve: curve.fnmr_at_fmr(1e-2)}, replicates=60, seed=5)["x"]
    assert alone is not None
    assert band.value[0] == sample.curve().fnmr_at_fmr(1e-2)
    assert (band.low[0], band.high[0]) == pytest.approx(alone)
    assert band.value[1] < band.value[0]


def test_a_table_and_a_band_give_one_interval_of_one_rate() -> None:
    sample = gaussian_comparisons(500, 5000, seed=4)
    band = det_band(sample, [1e-2], replicates=40, seed=5)
    rate = {one.metric: one for one in summarise(sample, replicates=40, seed=5)}["fmr100"]
    assert (band.value[0], band.low[0], band.high[0]) == (rate.value, rate.low, rate.high)


def test_where_no_error_was_seen_the_band_goes_up_to_the_rule_of_3() -> None:
    sample = gaussian_comparisons(200, 5000, separation=40)
    assert det_band(sample, [1e-2], replicates=20).high[0] == 3 / 200
    assert fnmr_band(sample, [20.0], replicates=20).high[0] == 3 / 200
    assert fmr_band(sample, [20.0], replicates=20).high[0] == 3 / 5000
