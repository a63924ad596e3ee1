"""Error rates against closed forms, against counting, and as functions that can only rise or fall."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring import Curve, det, eer, fnmr_at_fmr, tar_at_fmr
from tests.biometrics.scoring.samples import normal_tail

# Few distinct values, so that ties within and between the sides are common; -inf is a failure.
scores = st.lists(st.sampled_from([-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 3.0]), min_size=1, max_size=30)
targets = st.floats(0, 1)


def counted_fmr(non_mated: list[float], threshold: float) -> float:
    return sum(score >= threshold and score > -math.inf for score in non_mated) / len(non_mated)


def counted_fnmr(mated: list[float], threshold: float) -> float:
    return sum(score < threshold or score == -math.inf for score in mated) / len(mated)


def operating_points(mated: list[float], non_mated: list[float]) -> list[tuple[float, float]]:
    finite = sorted({score for score in mated + non_mated if score > -math.inf})
    thresholds = [*finite, math.inf]
    return [(counted_fmr(non_mated, t), counted_fnmr(mated, t)) for t in thresholds]


@given(scores, scores, st.floats(-3, 4))
def test_rates_at_a_threshold_are_the_counted_shares(mated: list[float], non_mated: list[float], t: float) -> None:
    curve = Curve.of(mated, non_mated)
    threshold = float(np.float32(t))
    assert curve.fmr(threshold) == pytest.approx(counted_fmr(non_mated, threshold))
    assert curve.fnmr(threshold) == pytest.approx(counted_fnmr(mated, threshold))


@given(scores, scores, targets)
def test_fnmr_at_a_target_is_the_best_of_all_permitted_operating_points(
    mated: list[float], non_mated: list[float], target: float
) -> None:
    permitted = [fnmr for fmr, fnmr in operating_points(mated, non_mated) if fmr <= target]
    assert fnmr_at_fmr(mated, non_mated, target) == pytest.approx(min(permitted))


@given(scores, scores, targets, targets)
def test_a_stricter_target_never_lowers_fnmr(
    mated: list[float], non_mated: list[float], one: float, other: float
) -> None:
    strict, loose = sorted((one, other))
    assert fnmr_at_fmr(mated, non_mated, strict) >= fnmr_at_fmr(mated, non_mated, loose)


@given(scores, scores, targets)
def test_the_threshold_of_a_target_keeps_to_it(mated: list[float], non_mated: list[float], target: float) -> None:
    curve = Curve.of(mated, non_mated)
    threshold = curve.threshold_at_fmr(target)
    assert curve.fmr(threshold) <= target + 1e-9
    assert curve.fnmr(threshold) == pytest.approx(curve.fnmr_at_fmr(target))


@given(scores, scores)
def test_eer_lies_between_the_points_around_the_crossing(mated: list[float], non_mated: list[float]) -> None:
    points = operating_points(mated, non_mated)
    value = eer(mated, non_mated)
    before = [point for point in points if point[0] >= point[1]]
    after = [point for point in points if point[0] <= point[1]]
    if not before:
        assert value == pytest.approx(points[0][1])
        return
    assert after[0][0] - 1e-9 <= value <= before[-1][0] + 1e-9
    assert before[-1][1] - 1e-9 <= value <= after[0][1] + 1e-9


@given(scores, scores)
def test_a_strictly_rising_map_of_the_scores_changes_no_rate(mated: list[float], non_mated: list[float]) -> None:
    def warped(values: list[float]) -> list[float]:
        return [2 * value + 7 for value in values]

    assert eer(warped(mated), warped(non_mated)) == pytest.approx(eer(mated, non_mated))
    assert tar_at_fmr(warped(mated), warped(non_mated), 0.1) == pytest.approx(tar_at_fmr(mated, non_mated, 0.1))


@given(scores, scores)
def test_det_falls_from_end_to_end_and_holds_every_operating_point(mated: list[float], non_mated: list[float]) -> None:
    thresholds, fmr, fnmr = det(mated, non_mated)
    assert all(a <= b for a, b in pairwise(thresholds))
    assert all(a >= b for a, b in pairwise(fmr))
    assert all(a <= b for a, b in pairwise(fnmr))
    assert (fmr[-1], fnmr[-1]) == (0.0, 1.0)
    assert np.stack([fmr, fnmr], axis=1) == pytest.approx(np.array(operating_points(mated, non_mated)))


def test_two_gaussians_have_the_rates_of_the_normal_distribution() -> None:
    random = np.random.default_rng(1)
    curve = Curve.of(random.normal(3, 1, 400_000), random.normal(0, 1, 400_000))
    assert curve.eer() == pytest.approx(normal_tail(1.5), rel=0.02)
    assert curve.fnmr_at_fmr(normal_tail(2.0)) == pytest.approx(normal_tail(1.0), rel=0.02)
    assert curve.threshold_at_fmr(normal_tail(2.0)) == pytest.approx(2.0, abs=0.02)
    thresholds, fmr, fnmr = det(curve.mated, curve.non_mated, points=200)
    assert len(thresholds) < 500
    for t, a, b in zip(thresholds[:-1], fmr, fnmr, strict=False):
        assert a == pytest.approx(normal_tail(t), abs=0.005)
        assert b == pytest.approx(normal_tail(3 - t), abs=0.005)


def test_eer_of_a_known_staircase() -> None:
    # At a threshold of 2 one of four mated is lost and one of five non-mated gets in; above 2 none gets in.
    assert eer([1, 3, 4, 5], [0, 0, 0, 0, 2]) == pytest.approx(0.2)
    assert eer([3, 4], [1, 2]) == 0
    assert eer([1, 2], [3, 4]) == 1
    # All tie: the points (1, 0) and (0, 1) are joined.
    assert eer([1, 1], [1, 1]) == pytest.approx(0.5)


def test_tied_scores_are_rejected_together() -> None:
    # One of ten non-mated may get in, but two tie at 5.
    assert fnmr_at_fmr([5, 5, 6, 7], [5, 5, 1, 1, 1, 1, 1, 1, 1, 1], 0.1) == 0.5
    assert fnmr_at_fmr([5, 5, 6, 7], [5, 5, 1, 1, 1, 1, 1, 1, 1, 1], 0.2) == 0.0


def test_failures_are_rejections_at_every_threshold() -> None:
    failed = [-math.inf, 5.0, 6.0, 7.0]
    assert fnmr_at_fmr(failed, [1.0, 2.0], 1.0) == 0.25
    assert fnmr_at_fmr(failed, [1.0, 2.0], 0.0) == 0.25
    assert Curve.of(failed, [1.0, -math.inf]).fmr(-math.inf) == 0.5
    assert eer([-math.inf] * 3, [-math.inf]) == 1.0


@pytest.mark.parametrize("bad", [[], [math.nan], [1.0, math.inf]])
def test_what_is_no_score_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"comparison|score"):
        Curve.of(bad, [1.0])
    with pytest.raises(ValueError, match=r"comparison|score"):
        Curve.of([1.0], bad)


@pytest.mark.parametrize("fmr", [-0.1, 1.1, math.nan])
def test_a_target_outside_the_unit_interval_is_refused(fmr: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        fnmr_at_fmr([1.0], [0.0], fmr)
