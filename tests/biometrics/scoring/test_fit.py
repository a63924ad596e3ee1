"""A fitted calibration against the truth: Gaussian scores, whose ratios and rates are known."""

import math

import numpy as np
import pytest

from biometrics.scoring import Calibration
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.measures import cllr, cllr_min
from tests.biometrics.scoring.samples import gaussian_comparisons, gaussian_set, normal_tail, true_llr


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return fit("gauss-1", [gaussian_set()])


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5])
def test_ratio_and_rate_are_the_true_ones(calibration: Calibration, score: float) -> None:
    evidence = calibration.assess(score)
    assert evidence.llr == pytest.approx(true_llr(score), abs=0.4)
    assert evidence.fmr == pytest.approx(normal_tail(score), rel=0.15)


def test_ratios_stop_where_the_data_stop_speaking(calibration: Calibration) -> None:
    assert calibration.measured_to == pytest.approx(30 / 200_000)
    assert calibration.assess(50.0).llr == pytest.approx(math.log(200_000 / 30))
    far_apart = fit("far-1", [ScoreSet("far", gaussian_comparisons(5000, 200_000, separation=6), 1.0)])
    assert far_apart.assess(-50.0).llr == pytest.approx(math.log(3 / 5000))
    assert calibration.assess(-50.0).llr > math.log(3 / 5000)
    assert calibration.assess(-50.0).fmr == 1.0


def test_extrapolation_is_labelled_and_ends(calibration: Calibration) -> None:
    assert not calibration.assess(3.0).extrapolated
    assert calibration.assess(4.5).extrapolated
    assert calibration.assess(50.0).fmr == pytest.approx(calibration.measured_to * 1e-3, rel=0.3)


def test_held_out_scores_cost_little_more_than_the_best_calibration(calibration: Calibration) -> None:
    other = gaussian_comparisons(5000, 50_000, seed=9)
    ratios = calibration.llr_of(other.mated), calibration.llr_of(other.non_mated)
    assert cllr(*ratios) - cllr_min(*ratios) < 0.02


def test_a_warped_scale_means_the_same(calibration: Calibration) -> None:
    plain = gaussian_comparisons(5000, 200_000)
    warped = Comparisons(np.exp(plain.mated), np.exp(plain.non_mated), plain.mated_subject, plain.non_mated_subjects)
    other = fit("warped-1", [ScoreSet("warped", warped, 1.0)])
    for score in (0.5, 1.5, 2.5, 3.5):
        here, there = calibration.assess(score), other.assess(math.exp(score))
        assert there.llr == pytest.approx(here.llr, abs=0.2)
        assert there.fmr == pytest.approx(here.fmr, rel=0.1)


def test_few_distinct_scores_are_calibrated_too() -> None:
    plain = gaussian_comparisons(5000, 100_000)
    coarse = Comparisons(
        np.round(plain.mated), np.round(plain.non_mated), plain.mated_subject, plain.non_mated_subjects
    )
    calibration = fit("coarse-1", [ScoreSet("coarse", coarse, 1.0)])
    for score in (0, 1, 2, 3):
        # A score of 1 stands for 0.5 to 1.5.
        assert calibration.assess(score).fmr == pytest.approx(normal_tail(score - 0.5), rel=0.05)
        assert true_llr(score - 1) < calibration.assess(score).llr < true_llr(score + 1)


def test_failures_are_left_out() -> None:
    plain = gaussian_comparisons(5000, 200_000)
    failed = Comparisons(
        np.append(plain.mated, np.full(500, -np.inf, np.float32)),
        plain.non_mated,
        np.append(plain.mated_subject, np.zeros(500, np.int32)),
        plain.non_mated_subjects,
    )
    assert fit("a", [ScoreSet("a", failed, 1.0)]).assess(2.0) == fit("b", [ScoreSet("b", plain, 1.0)]).assess(2.0)


def test_a_set_counts_as_its_weight_says_not_as_its_size() -> None:
    small, large = gaussian_set(1000, 20_000, seed=1, name="small"), gaussian_set(4000, 80_000, seed=2, name="large")
    shifted = ScoreSet(
        "shifted",
        Comparisons(
            small.comparisons.mated + 1,
            small.comparisons.non_mated + 1,
            small.comparisons.mated_subject,
            small.comparisons.non_mated_subjects,
        ),
        1.0,
    )
    even = fit("even", [shifted, large])
    assert even.assess(2.0).fmr == pytest.approx((normal_tail(1.0) + normal_tail(2.0)) / 2, rel=0.05)
    assert even.provenance["mated"] == 5000
    assert even.provenance["non_mated"] == 100_000


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="tail"):
        fit("few", [gaussian_set(100, 20)])
    nobody = gaussian_set(10, 1000)
    nobody.comparisons.mated[:] = -np.inf
    with pytest.raises(ValueError, match="no mated"):
        fit("nobody", [nobody])


def test_kinds_that_never_come_near_each_other_are_calibrated_within_the_bounds() -> None:
    """A perfect engine on little data: a mated score far out says as much as the data can, one between less."""
    far = gaussian_comparisons(300, 4000, separation=60)
    found = fit("test-1", [ScoreSet("far", far, 1.0)])
    top = -math.log(found.measured_to)
    assert found.assess(60.0).llr == pytest.approx(top, abs=0.01)
    assert found.assess(0.0).llr == pytest.approx(math.log(3 / 300), abs=0.01)
    assert np.all(np.diff(found.llr) >= 0)
