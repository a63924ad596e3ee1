"""Sums of evidence against counting, against chance, and against what must never happen."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.scoring import Calibration, combine
from biometrics.scoring.fit import fit
from biometrics.scoring.fusion import fused_fmr
from tests.biometrics.scoring.samples import gaussian_set, normal_tail

FACE, FINGER = Calibration.load("sface-2"), Calibration.load("leader-edges-2")
face_scores, finger_scores = st.floats(-1, 1), st.floats(0, 500)


@pytest.fixture(scope="module")
def gauss() -> Calibration:
    return fit("gauss-1", [gaussian_set(20_000, 1_000_000)])


def test_nothing_assessed_is_no_answer() -> None:
    assert combine([]) is None


@given(finger_scores)
def test_one_modality_alone_has_its_own_rate(score: float) -> None:
    alone, evidence = combine([(FINGER, score)]), FINGER.assess(score)
    assert alone is not None
    assert (alone.llr, alone.fmr, alone.extrapolated) == (evidence.llr, evidence.fmr, evidence.extrapolated)
    assert alone.consistency == pytest.approx(1 / (1 + math.exp(-alone.llr)))


@given(face_scores, finger_scores, finger_scores)
def test_ratios_add_up_in_any_order(face: float, first: float, second: float) -> None:
    parts = [(FACE, face), (FINGER, first), (FINGER, second)]
    together, other_way = combine(parts), combine(parts[::-1])
    assert together is not None
    assert together == other_way
    assert together.llr == pytest.approx(sum(calibration.assess(score).llr for calibration, score in parts))
    assert 0 < together.fmr <= 1
    assert 0 < together.consistency < 1


@given(face_scores, face_scores, finger_scores)
def test_a_higher_score_never_makes_the_fused_answer_worse(one: float, other: float, finger: float) -> None:
    low, high = (combine([(FACE, score), (FINGER, finger)]) for score in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low.consistency <= high.consistency
    assert low.fmr >= high.fmr


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_score_is_refused_not_left_out(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        combine([(FACE, 0.5), (FINGER, score)])


@pytest.mark.parametrize("score", [-1e9, 1e9])
def test_an_absurd_score_is_worth_no_more_than_the_data_say(score: float) -> None:
    found = combine([(FINGER, score)])
    assert found is not None
    low, high = FINGER.provenance["llr_bounds"]
    assert low - 1e-6 <= found.llr <= high + 1e-6


def test_one_strong_finger_does_not_pass_beside_a_face_that_is_another_persons() -> None:
    found = combine([(FINGER, 1e6), (FACE, -0.5)])
    assert found is not None
    assert found.fmr > 1e-4


def test_fused_rate_of_two_gaussians_is_the_normal_one(gauss: Calibration) -> None:
    # Among the non-mated one ratio is normal with mean -4.5 and deviation 3, the sum of two with -9 and 3 sqrt(2).
    for llr in (-6.0, -3.0, 0.0, 2.0, 4.0):
        alone, together = normal_tail((llr + 4.5) / 3), normal_tail((llr + 9) / (3 * math.sqrt(2)))
        assert alone > together
        assert float(fused_fmr([gauss, gauss], llr)) == pytest.approx(alone, rel=0.15)


def test_in_the_tail_the_fused_rate_is_above_the_truth_and_below_the_chernoff_bound(gauss: Calibration) -> None:
    # From here on the sum of two is likelier than one alone.
    for llr in (10.0, 11.0, 12.0):
        stated = float(fused_fmr([gauss, gauss], llr))
        assert normal_tail((llr + 9) / (3 * math.sqrt(2))) < stated < math.exp(-llr)


@pytest.mark.parametrize("calibrations", [(FACE, FINGER), (FINGER, FINGER), (FACE, FINGER, FINGER)])
def test_the_fused_rate_covers_the_share_of_drawn_non_mated_persons(calibrations: tuple[Calibration, ...]) -> None:
    """Non-mated scores drawn from the calibrations themselves: u uniform, the score whose FMR is u.

    Persons may present the modalities they like; the stated rate is that of the best choice at each level.
    """
    random = np.random.default_rng(8)
    ratios = []
    for calibration in calibrations:
        depth = -np.log(random.random(400_000))
        ratios.append(calibration.llr_of(np.interp(depth, -calibration.ln_fmr, calibration.score)))
    choices = [choice for size in (1, 2, 3) for choice in combinations(ratios, size)]
    # Above the persons who have the lowest ratio in all modalities: they are one step of the grid.
    whole = np.sum(ratios, axis=0)
    above = whole[whole > whole.min() + 0.1]
    for level in np.quantile(above, [0.1, 0.5, 0.9, 0.99, 0.999]):
        counted = max(float(np.mean(np.sum(choice, axis=0) >= level - 1e-9)) for choice in choices)
        stated = float(fused_fmr(calibrations, level))
        assert stated > counted * 0.85
        if counted > 10 * FINGER.measured_to:
            assert stated < counted * 1.3


@given(face_scores, st.lists(finger_scores, max_size=4), finger_scores)
@settings(deadline=None)
def test_a_modality_that_speaks_against_the_holder_never_lowers_the_rate(
    face: float, fingers: list[float], against: float
) -> None:
    parts = [(FACE, face), *((FINGER, score) for score in fingers)]
    before, after = combine(parts), combine([*parts, (FINGER, against)])
    assert before is not None
    assert after is not None
    if FINGER.assess(against).llr <= 0:
        assert after.fmr >= before.fmr * (1 - 1e-9)


@pytest.mark.parametrize("wrong", range(2, 11))
def test_a_face_that_matches_does_not_carry_fingers_that_plainly_do_not(wrong: int) -> None:
    found = combine([(FACE, 0.9), *[(FINGER, 0.0)] * wrong])
    assert found is not None
    assert found.consistency < 0.5
    assert found.fmr > 1e-2


@given(face_scores, st.lists(finger_scores, max_size=3))
@settings(deadline=None)
def test_one_threshold_serves_every_set_of_modalities(face: float, fingers: list[float]) -> None:
    """More modalities never make the same sum say more: nobody gains by what is presented beside."""
    sums = np.linspace(-5, 8, 40)
    fewer = fused_fmr([FACE, *[FINGER] * len(fingers)], sums)
    assert np.all(fused_fmr([FACE, *[FINGER] * (len(fingers) + 1)], sums) >= fewer)
    found = combine([(FACE, face), *((FINGER, score) for score in fingers)])
    assert found is not None
    assert found.llr <= -math.log(found.fmr) + math.log(2)


@given(st.floats(-15, 40))
@settings(deadline=None)
def test_the_fused_rate_stays_under_markovs_bound(llr: float) -> None:
    # E[exp(llr)] is at most 2 for each calibration: 1, and the mass that was moved to the upper bound.
    stated = float(fused_fmr([FACE, FINGER], llr))
    highest = FACE.llr[-1] + FINGER.llr[-1]
    assert stated <= max(4 * math.exp(-min(llr, highest)) * 1.03, 0) or llr < 0


def test_rates_of_many_sums_are_those_of_single_ones() -> None:
    sums = np.linspace(-12, 25, 50)
    assert fused_fmr([FACE, FINGER], sums).tolist() == [float(fused_fmr([FACE, FINGER], one)) for one in sums]
