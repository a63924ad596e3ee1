"""Thresholds that follow from the size of the register."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biometrics.duplicates import Rule
from biometrics.scoring import Calibration
from biometrics.scoring.fusion import combine, fused_fmr, sum_fmr
from tests.biometrics.duplicates.made import FACE, FINGER

SIZES = (2, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def test_false_findings_are_one_for_a_thousand_records() -> None:
    for size in SIZES[1:]:
        assert Rule(size, FACE, FINGER).fmr * size * (size - 1) / 2 == pytest.approx(size / 1_000)


@pytest.mark.parametrize("fingers", [0, 1, 2, 10])
def test_thresholds_rise_with_the_register(fingers: int) -> None:
    floors = [Rule(size, FACE, FINGER).floor(fingers) for size in SIZES]
    assert floors == sorted(floors)
    if fingers:
        sums = [Rule(size, FACE, FINGER).least_llr(fingers) for size in SIZES]
        assert sums == sorted(sums)
        assert math.isfinite(sums[-1])


def test_the_more_fingers_the_less_alike_faces_may_be() -> None:
    rule = Rule(1_000_000, FACE, FINGER)
    assert rule.floor(0) > rule.floor(1) > rule.floor(2) == rule.floor(10)
    assert Rule(1_000_000, FACE).floor(2) == rule.floor(0)
    assert Rule(100, FACE, FINGER).floor(2) == -1


def test_faces_alone_are_enough_from_the_floor_on() -> None:
    for size in SIZES[1:]:
        rule = Rule(size, FACE)
        score = rule.floor(0)
        assert rule.is_enough(rule.evidence(score + 1e-6))
        assert not rule.is_enough(rule.evidence(score - 1e-6))


def test_evidence_is_the_sum_that_a_verification_gives() -> None:
    rule = Rule(1_000, FACE, FINGER)
    told = combine([(FACE, 0.5), (FINGER, 40.0), (FINGER, 3.0)])
    assert told is not None
    assert rule.evidence(0.5, [40.0, 3.0]).llr == pytest.approx(told.llr)
    assert rule.evidence(0.2).fmr == pytest.approx(FACE.assess(0.2).fmr)
    assert rule.evidence(0.2).extrapolated is False
    assert rule.evidence(0.9).extrapolated is True


def test_the_share_of_strangers_is_that_of_drawn_ones() -> None:
    draw = np.random.default_rng(1)

    def ratios(calibration: Calibration) -> NDArray[np.float64]:
        scores = np.interp(-np.log(draw.random(400_000)), -calibration.ln_fmr, calibration.score)
        return calibration.llr_of(scores)

    sums = ratios(FACE) + ratios(FINGER) + ratios(FINGER)
    # Rounded up; the more so the rarer, for what lies beyond the measured FMR counts as the highest ratio.
    for llr, most in ((-17.0, 1.1), (-14.0, 1.2), (-12.0, 1.5), (-8.0, 3.0)):
        counted = float((sums >= llr).mean())
        share = float(sum_fmr((FACE, FINGER, FINGER), llr))
        assert 0.97 * counted < share < most * counted
        assert share <= float(fused_fmr((FACE, FINGER, FINGER), llr))
    with pytest.raises(ValueError, match="no modality"):
        sum_fmr((), 0.0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES[1:]), st.floats(-0.2, 1.0), st.lists(st.floats(0.0, 150.0), min_size=1, max_size=3))
def test_nothing_that_is_a_finding_is_given_up_early(size: int, face: float, fingers: list[float]) -> None:
    rule = Rule(size, FACE, FINGER)
    if not rule.is_enough(rule.evidence(face, fingers)):
        return
    for done in range(len(fingers) + 1):
        so_far = FACE.assess(face).llr + sum(rule.finger_llr(score) for score in fingers[:done])
        assert rule.can_reach(so_far, len(fingers) - done, len(fingers))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SIZES), st.floats(-0.4, 1.0), st.floats(0.0, 0.3), st.integers(1, 3))
def test_more_alike_is_never_less(size: int, face: float, more: float, fingers: int) -> None:
    rule = Rule(size, FACE, FINGER)
    low, high = rule.evidence(face, [30.0] * fingers), rule.evidence(face + more, [30.0] * fingers)
    assert high.fmr <= low.fmr
    assert high.llr >= low.llr


def test_few_strangers_pass_the_gate_and_all_of_a_small_register() -> None:
    gates = [Rule(size, FACE, FINGER).gate for size in SIZES]
    assert gates == sorted(gates)
    assert Rule(100, FACE, FINGER).gate == pytest.approx(Rule(100, FACE, FINGER).gate)
    assert Rule(100, FACE, FINGER).unsketched == -1


@pytest.mark.parametrize(
    ("records", "rate", "pairs"), [(-1, 0.001, 150.0), (10, 0.0, 150.0), (10, 2.0, 150.0), (10, 0.001, 0.0)]
)
def test_what_is_no_rule(records: int, rate: float, pairs: float) -> None:
    with pytest.raises(ValueError, match=str(records)):
        Rule(records, FACE, FINGER, rate, pairs)


def test_fingers_without_a_calibration() -> None:
    with pytest.raises(ValueError, match="no calibration of fingers"):
        Rule(10, FACE).evidence(0.5, [30.0])
