"""Extrapolated FMRs against tails whose law is known."""

import math

import numpy as np
import pytest

from biometrics.scoring.extremes import ParetoTail
from tests.biometrics.scoring.samples import normal_tail


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_a_generalised_pareto_tail_is_found(shape: float) -> None:
    uniform = np.random.default_rng(1).random(200_000)
    scores = -np.log(uniform) if shape == 0 else (uniform**-shape - 1) / shape
    found = ParetoTail.fit(scores)
    assert found.shape == pytest.approx(shape, abs=0.12)
    wanted = 1e-6
    truth = -math.log(wanted) if shape == 0 else (wanted**-shape - 1) / shape
    assert found.threshold(wanted) == pytest.approx(truth, rel=0.35)
    assert float(found.fmr(found.threshold(wanted))) == pytest.approx(wanted)


def test_the_normal_tail_is_met_within_a_factor_of_three_a_decade_further() -> None:
    scores = np.random.default_rng(2).standard_normal(300_000)
    found = ParetoTail.fit(scores)
    for threshold in (3.0, 3.5, 4.0, 4.5):
        assert normal_tail(threshold) / 3 < float(found.fmr(threshold)) < normal_tail(threshold) * 3
    assert float(found.fmr(2.0)) == found.rate


def test_it_is_not_followed_for_ever() -> None:
    found = ParetoTail.fit(np.random.default_rng(3).standard_normal(100_000))
    assert float(found.fmr(1e9)) == found.lowest == pytest.approx(30 / 100_000 * 1e-3)
    for outside in (found.lowest / 2, found.rate * 2):
        with pytest.raises(ValueError, match="not within"):
            found.threshold(outside)


def test_failures_count_as_comparisons_and_too_little_is_refused() -> None:
    scores = np.random.default_rng(4).standard_normal(50_000)
    with_failures = np.concatenate([scores, np.full(50_000, -np.inf)])
    plain, half = ParetoTail.fit(scores), ParetoTail.fit(with_failures)
    assert float(half.fmr(4.0)) == pytest.approx(float(plain.fmr(4.0)) / 2, rel=0.01)
    with pytest.raises(ValueError, match="nothing about their tail"):
        ParetoTail.fit(scores[:200])
    with pytest.raises(ValueError, match="same"):
        ParetoTail.fit(np.repeat([0.0, 1.0], 5000))
