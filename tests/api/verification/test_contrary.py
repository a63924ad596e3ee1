"""Modalities that disagree: a finger that is plainly another's counts against a face that matches, however strongly."""

import math
from typing import cast

import pytest

from api.matching.captures import Captures, FingerPosition
from api.matching.comparison import ModalityResult, PersonResult
from api.matching.engines import BiometricComparer
from api.verification import policy
from api.verification.decision import Decision, Outcome, decide
from api.verification.document import Document
from biometrics.face import FaceEngine
from biometrics.finger import FingerEngine
from tests.api.matching.test_engines import Faces, Fingers, enrolled, finger, square

COUNTER = policy.load(None).channels["counter"]
VALID = Document("valid", ("valid",))
POSITIONS = tuple(FingerPosition)


@pytest.fixture(scope="module")
def comparer() -> BiometricComparer:
    return BiometricComparer(cast(FaceEngine, Faces()), cast(FingerEngine, Fingers()), threads=2)


def decided(comparer: BiometricComparer, wrong: int, right: int = 0, face: int = 9) -> tuple[Decision, PersonResult]:
    """Person 9's card with ten fingers; `right` fingers of theirs are shown, then `wrong` ones of another's."""
    references = enrolled(comparer, 9, **{position.value: 9 for position in POSITIONS})
    shown = [finger(position, 9 if number < right else 8) for number, position in enumerate(POSITIONS)]
    judged = comparer.compare(Captures(square(face), tuple(shown[: right + wrong])), references)
    return decide(VALID, judged, COUNTER, 0), judged


@pytest.mark.parametrize("wrong", range(1, 11))
def test_a_face_that_matches_passes_nobody_with_wrong_fingers(comparer: BiometricComparer, wrong: int) -> None:
    alone, _ = decided(comparer, 0)
    assert alone.outcome is Outcome.PASS
    decision, judged = decided(comparer, wrong)
    assert decision.outcome is not Outcome.PASS
    if decision.person_reasons[0] == "match":
        assert "modalities_disagree" in decision.person_reasons
    assert judged.fmr is not None
    assert judged.consistency is not None
    if wrong > 1:
        assert (judged.consistency < 0.5, judged.fmr > COUNTER.review_fmr) == (True, True)


def test_every_wrong_finger_more_lowers_the_consistency_and_raises_the_rate(comparer: BiometricComparer) -> None:
    found = [decided(comparer, wrong)[1] for wrong in range(11)]
    consistency, rates = [one.consistency or 0.0 for one in found], [one.fmr or 0.0 for one in found]
    assert consistency == sorted(consistency, reverse=True)
    assert rates == sorted(rates)


def test_right_fingers_do_not_outvote_a_wrong_one(comparer: BiometricComparer) -> None:
    decision, _ = decided(comparer, wrong=1, right=4)
    assert decision.outcome is Outcome.REVIEW
    assert decision.person_reasons == ("match", "modalities_disagree")


def test_right_fingers_pass_beside_the_face(comparer: BiometricComparer) -> None:
    decision, judged = decided(comparer, wrong=0, right=2)
    assert decision.outcome is Outcome.PASS
    assert judged.fmr is not None
    assert judged.fmr < 1e-6


@pytest.mark.parametrize(("ratio", "barred"), [(-4.7, True), (-4.5, False), (2.0, False), (math.nan, True)])
def test_the_bar_is_at_the_policys_odds(ratio: float, barred: bool) -> None:
    modalities = (ModalityResult("face", llr=11.0, fmr=1e-7), ModalityResult("finger", llr=ratio, fmr=0.5))
    decision = decide(VALID, PersonResult(modalities, 0.99, 5.0, 1e-5), COUNTER, 0)
    assert decision.outcome is (Outcome.REVIEW if barred else Outcome.PASS)
    lax = COUNTER.model_copy(update={"contrary_odds": 1e6})
    assert decide(VALID, PersonResult(modalities[:1], 0.99, 5.0, 1e-5), lax, 0).outcome is Outcome.PASS
