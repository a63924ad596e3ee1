"""What a number of trials supports, against the exact binomial bounds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring.summary import summarise
from biometrics.scoring.support import is_supported, rate_text, trials_needed, upper_bound_of_none
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
