"""What a number of trials supports, against the exact binomial bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring.summary import summarise
from biometrics.scoring.support import (
    interval_text,
    is_supported,
    per_cent_text,
    rate_text,
    share_interval,
    trials_needed,
    upper_bound_of_none,
    with_rule_of_3,
)
from tests.biometrics.scoring.samples import gaussian_comparisons


@given(st.integers(30, 10**8))
def test_the_rule_of_3_is_the_exact_bound_rounded_up(trials: int) -> None:
    # (1 - p)^n = 0.05 at the exact one-sided bound.
    exact = -math.expm1(math.log(0.05) / trials)
    assert exact <= upper_bound_of_none(trials) <= 1.06 * exact


def test_the_rule_of_30_is_within_30_per_cent_at_90_per_cent_confidence() -> None:
    # The two-sided normal interval of 30 Poisson errors: 1.645 / sqrt(30) = 0.30.
    assert 1.645 / math.sqrt(30) == pytest.approx(0.3, abs=0.001)
    assert is_supported(1e-3, 30_000)
    assert not is_supported(1e-3, 29_999)
    assert [trials_needed(rate) for rate in (1.0, 0.7, 1e-4, 1e-6)] == [30, 43, 300_000, 30_000_000]
    assert is_supported(1e-4, trials_needed(1e-4))
    with pytest.raises(ValueError, match="cannot be measured"):
        trials_needed(0)


def test_no_rate_without_an_error_is_printed_as_0() -> None:
    assert rate_text(0.0, 300) == "< 1"
    assert rate_text(0.0, 280) == "< 1.07"
    assert rate_text(0.0, 2) == "< 100"
    assert rate_text(1.0, 300) == "> 99"
    assert rate_text(0.0123, 300) == "1.230"
    with pytest.raises(ValueError, match="no trial"):
        rate_text(0.0, 0)


def test_summaries_bound_what_shows_no_error() -> None:
    rates = {rate.metric: rate for rate in summarise(gaussian_comparisons(100, 300, separation=40), replicates=20)}
    assert (rates["eer"].value, rates["eer"].low, rates["eer"].high) == (0, 0, 3 / 100)
    assert rates["fmr100"].high == 3 / 100
    every = summarise(gaussian_comparisons(100, 2000, separation=40), metrics=["tar_at_fmr_1e-3"], replicates=20)[0]
    assert (every.value, every.low, every.high) == (1, 1 - 3 / 100, 1)


def test_a_small_rate_keeps_figures_to_be_read() -> None:
    assert per_cent_text(0.0123) == "1.230"
    assert per_cent_text(9.9e-5) == "0.0099"
    assert per_cent_text(4.3e-6) == "0.00043"
    assert per_cent_text(3.17e-7) == "0.000032"
    assert (per_cent_text(0.0), per_cent_text(1.0)) == ("0", "100")
    assert interval_text(0.0, 3 / 320) == "0 – 0.938"
    assert interval_text(None, 0.5) == "–"


@given(st.floats(1e-9, 1))
def test_no_share_but_0_is_printed_as_0(share: float) -> None:
    assert float(per_cent_text(share)) == pytest.approx(100 * share, rel=0.06)


def test_the_interval_of_a_share_is_wilsons_and_covers() -> None:
    # 8 of 12, worked out by hand: (p + z2/2n -+ z sqrt(pq/n + z2/4n2)) / (1 + z2/n).
    assert share_interval(8, 12) == pytest.approx((0.3906, 0.8619), abs=1e-4)
    assert share_interval(0, 300) == (0.0, 0.01)
    assert share_interval(300, 300) == (0.99, 1.0)
    random = np.random.default_rng(0)
    counts = random.binomial(200, 0.07, 4000)
    inside = np.mean([low <= 0.07 <= high for low, high in (share_interval(int(one), 200) for one in counts)])
    assert 0.93 < inside < 0.975


def test_the_rule_of_3_only_ever_widens() -> None:
    assert with_rule_of_3(0.0, None, 300) == (0.0, 0.01)
    assert with_rule_of_3(0.0, (0.0, 0.05), 300) == (0.0, 0.05)
    assert with_rule_of_3(0.0, (0.0, 0.0), 300) == (0.0, 0.01)
    assert with_rule_of_3(1.0, (0.999, 1.0), 300) == (0.99, 1.0)
    assert with_rule_of_3(0.5, (0.4, 0.6), 300) == (0.4, 0.6)
    assert with_rule_of_3(0.5, None, 300) is None
