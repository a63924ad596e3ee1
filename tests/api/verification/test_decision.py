"""The decision: a table of what the design says, and properties that hold for every combination."""

import itertools
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cards.lifecycle import Status
from api.errors import catalogue
from api.matching.captures import FingerPosition
from api.matching.comparison import LivenessResult, ModalityResult, PersonResult
from api.verification import policy
from api.verification.decision import Decision, Outcome, decide
from api.verification.document import Document
from api.verification.policy import ChannelPolicy, Required

PASS, REVIEW, REFUSE = Outcome.PASS, Outcome.REVIEW, Outcome.REFUSE
CHANNELS = policy.load(None).channels
COUNTER, KIOSK = CHANNELS["counter"], CHANNELS["kiosk"]
STRICT = COUNTER.model_copy(update={"required": frozenset({"face", "finger"})})

VALID = Document("valid", ("valid",))
UNKNOWN = Document("card_not_found", ("card_not_found",))
LOST = Document("card_reported_lost", ("card_reported_lost",))
REFUSING = (
    "not_yet_valid",
    "card_expired",
    *(status.value for status in Status if status is not Status.VALID),
)
WARNINGS = ("text_mismatch", "serial_mismatch", "chip_photo_mismatch")
SAME, UNSURE, OTHER = 1e-6, 1e-3, 0.5


def face(fmr: float | None = None, reason: str | None = None) -> ModalityResult:
    return ModalityResult("face", None, reason, None if fmr is None else 1.0, fmr, None)


def finger(
    fmr: float | None = None, reason: str | None = None, position: FingerPosition | None = FingerPosition.RIGHT_INDEX
) -> ModalityResult:
    return ModalityResult("finger", position, reason, None if fmr is None else 1.0, fmr, None)


def person(*results: ModalityResult, by_chip_photo: bool = False) -> PersonResult:
    """What the modalities say together; the lowest FMR stands for the fusion, which has tests of its own."""
    rates = [result.fmr for result in results if result.fmr is not None]
    return PersonResult(results, fmr=min(rates, default=None), by_chip_photo=by_chip_photo)


def outcome(
    document: Document, judged: PersonResult, rules: ChannelPolicy = COUNTER, attempts: int = 0
) -> tuple[Outcome, tuple[str, ...], str]:
    decision = decide(document, judged, rules, attempts)
    return decision.outcome, decision.person_reasons, decision.advice


def test_the_holder_of_a_valid_card_passes() -> None:
    assert outcome(VALID, person(face(SAME))) == (PASS, ("match",), "proceed")


def test_between_the_thresholds_a_person_decides() -> None:
    assert outcome(VALID, person(face(UNSURE))) == (REVIEW, ("inconclusive",), "ask_staff")


def test_another_person_is_refused_and_may_dispute() -> None:
    assert outcome(VALID, person(face(OTHER))) == (REFUSE, ("mismatch",), "dispute_possible")


@pytest.mark.parametrize(
    ("fmr", "expected"),
    [(0.0, PASS), (1e-4, PASS), (1.0000001e-4, REVIEW), (1e-2, REVIEW), (1.0000001e-2, REFUSE), (1.0, REFUSE)],
)
def test_thresholds_are_false_match_rates_and_belong_to_the_better_side(fmr: float, expected: Outcome) -> None:
    assert outcome(VALID, person(face(fmr)))[0] is expected


@pytest.mark.parametrize("reason", ["no_face", "multiple_faces", "low_quality"])
def test_a_face_that_could_not_be_judged_is_captured_again(reason: str) -> None:
    assert outcome(VALID, person(face(reason=reason))) == (REVIEW, ("not_assessed", reason), "recapture")


@pytest.mark.parametrize(
    "reason", ["not_captured", "not_enrolled", "engine_failed", "template_damaged", "no_reference"]
)
def test_a_finger_does_not_stand_in_for_the_face_that_the_policy_requires(reason: str) -> None:
    assert outcome(VALID, person(face(reason=reason), finger(SAME))) == (REVIEW, ("match", reason), "ask_staff")


def test_a_modality_that_is_not_required_may_fail() -> None:
    assert outcome(VALID, person(face(SAME), finger(reason="low_quality"))) == (PASS, ("match",), "proceed")


def test_a_result_that_names_no_modality_at_all_is_not_captured() -> None:
    assert outcome(VALID, person()) == (REVIEW, ("not_assessed", "not_captured"), "ask_staff")


@pytest.mark.parametrize("status", REFUSING)
@pytest.mark.parametrize("fmr", [SAME, UNSURE, OTHER, None])
def test_a_card_that_is_not_valid_is_refused_whatever_the_score(status: str, fmr: float | None) -> None:
    judged = person(face(fmr) if fmr is not None else face(reason="no_face"))
    for rules in (COUNTER, KIOSK, STRICT):
        assert decide(Document(status, (status,)), judged, rules, 0).outcome is REFUSE


def test_the_holder_with_a_lost_card_gets_other_advice_than_somebody_else() -> None:
    assert outcome(LOST, person(face(SAME))) == (REFUSE, ("match",), "holder_get_new_card")
    assert outcome(LOST, person(face(OTHER))) == (REFUSE, ("mismatch",), "suspected_fraud")
    assert outcome(LOST, person(face(UNSURE)))[2] == "see_police"
    assert outcome(LOST, person(face(reason="no_face")))[2] == "see_police"


def test_nobody_is_the_holder_of_a_dead_persons_card() -> None:
    dead = Document("holder_deceased", ("holder_deceased",))
    assert outcome(dead, person(face(SAME)))[2] == "suspected_fraud"


@pytest.mark.parametrize("fmr", [SAME, UNSURE, OTHER, None])
@pytest.mark.parametrize("by_chip_photo", [True, False])
def test_an_unknown_card_is_always_reviewed(fmr: float | None, by_chip_photo: bool) -> None:
    judged = person(face(fmr) if fmr is not None else face(reason="low_quality"), by_chip_photo=by_chip_photo)
    for rules, attempts in itertools.product((COUNTER, KIOSK, STRICT), (0, 99)):
        decision = decide(UNKNOWN, judged, rules, attempts)
        assert decision.outcome is REVIEW
        assert decision.advice == "ask_staff", "no capture makes the card known"


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_card_that_differs_from_the_register_is_reviewed(warning: str) -> None:
    document = Document("valid", (warning,))
    assert outcome(document, person(face(SAME))) == (REVIEW, ("match",), "ask_staff")
    assert outcome(document, person(face(OTHER)))[0] is REFUSE
    assert outcome(document, person(face(reason="no_face")))[2] == "ask_staff"


def test_after_too_many_attempts_only_staff_can_pass_a_person() -> None:
    last = COUNTER.max_attempts
    assert outcome(VALID, person(face(SAME)), attempts=last - 1)[0] is PASS
    assert outcome(VALID, person(face(SAME)), attempts=last) == (REVIEW, ("match", "attempts_exceeded"), "ask_staff")
    assert outcome(VALID, person(face(OTHER)), attempts=last)[0] is REFUSE
    assert outcome(VALID, person(face(reason="no_face")), attempts=last)[2] == "ask_staff"


LIVE = LivenessResult("live", None, challenge=True)
LOOKED_AT = LivenessResult("not_assessed", "no_challenge", passive=True)
PASSIVE = KIOSK.model_copy(update={"passive_liveness": True})


@pytest.mark.parametrize(
    "found", [None, LivenessResult("not_assessed", "too_few_frames", challenge=True, passive=True), LOOKED_AT]
)
def test_a_kiosk_that_cannot_judge_liveness_passes_nobody_and_says_so(found: LivenessResult | None) -> None:
    judged = replace(person(face(SAME)), liveness=found)
    assert outcome(VALID, judged, KIOSK) == (REVIEW, ("match", "liveness_not_assessed"), "ask_staff")
    assert outcome(VALID, judged, COUNTER)[0] is PASS, "a counter is watched"


def test_a_living_person_passes_at_a_kiosk() -> None:
    assert outcome(VALID, replace(person(face(SAME)), liveness=LIVE), KIOSK) == (PASS, ("match",), "proceed")
    assert outcome(VALID, replace(person(face(OTHER)), liveness=LIVE), KIOSK)[0] is REFUSE


def test_a_passive_look_alone_is_enough_only_where_the_policy_says_so() -> None:
    assert outcome(VALID, replace(person(face(SAME)), liveness=LOOKED_AT), PASSIVE)[0] is PASS
    silent = replace(LOOKED_AT, passive=False)
    lost = LivenessResult("not_assessed", "face_lost", challenge=True, passive=True)
    for found in (None, silent, lost):
        assert outcome(VALID, replace(person(face(SAME)), liveness=found), PASSIVE)[0] is REVIEW


@pytest.mark.parametrize("rules", [COUNTER, KIOSK, PASSIVE])
def test_what_looks_like_an_attack_passes_nowhere(rules: ChannelPolicy) -> None:
    judged = replace(person(face(SAME)), liveness=LivenessResult("attack", "flat_face", challenge=True))
    assert outcome(VALID, judged, rules) == (REVIEW, ("match", "liveness_failed"), "ask_staff")
    assert outcome(LOST, judged, rules)[0] is REFUSE


class TestRequiredFingers:
    """`STRICT` asks for a face and a finger."""

    def test_an_assessed_finger_satisfies_the_policy(self) -> None:
        assert outcome(VALID, person(face(SAME), finger(SAME)), STRICT)[0] is PASS

    def test_a_card_without_fingers_needs_none(self) -> None:
        none_held = finger(reason="not_enrolled", position=None)
        assert outcome(VALID, person(face(SAME), none_held), STRICT) == (PASS, ("match",), "proceed")

    def test_a_captured_finger_of_a_card_without_fingers_is_not_required(self) -> None:
        assert outcome(VALID, person(face(SAME), finger(reason="not_enrolled")), STRICT)[0] is PASS

    def test_a_finger_that_the_card_does_not_hold_excuses_none_that_it_holds(self) -> None:
        shown = finger(reason="not_enrolled", position=FingerPosition.LEFT_LITTLE)
        held = finger(reason="not_captured", position=FingerPosition.RIGHT_INDEX)
        assert outcome(VALID, person(face(SAME), shown, held), STRICT)[0] is REVIEW

    @pytest.mark.parametrize("reason", ["not_captured", "low_quality", "no_finger", "template_damaged", "wrong_dpi"])
    def test_a_held_finger_that_was_not_assessed_is_missing(self, reason: str) -> None:
        decision = decide(VALID, person(face(SAME), finger(reason=reason)), STRICT, 0)
        assert decision.outcome is REVIEW
        assert reason in decision.person_reasons

    def test_no_word_about_fingers_is_no_excuse(self) -> None:
        assert outcome(VALID, person(face(SAME)), STRICT)[:2] == (REVIEW, ("match", "not_captured"))

    def test_one_good_finger_of_two_is_enough(self) -> None:
        second = finger(reason="low_quality", position=FingerPosition.LEFT_INDEX)
        assert outcome(VALID, person(face(SAME), finger(SAME), second), STRICT)[0] is PASS


REASONS = st.sampled_from([code for code, entry in catalogue().items() if entry.kind == "modality"])
RATES = st.sampled_from([0.0, SAME, 1e-4, UNSURE, 1e-2, OTHER, 1.0, float("nan")]) | st.floats(0, 1)


def results(modality: Literal["face", "finger"]) -> st.SearchStrategy[ModalityResult]:
    made = {"face": face, "finger": finger}[modality]
    return RATES.map(made) | REASONS.map(lambda reason: made(reason=reason))


PERSONS = st.builds(
    PersonResult,
    modalities=st.tuples(results("face"), results("finger")) | st.tuples(results("face")) | st.just(()),
    fmr=st.none() | RATES,
    by_chip_photo=st.booleans(),
    liveness=st.none()
    | st.builds(
        LivenessResult,
        st.sampled_from(["live", "attack", "not_assessed"]),
        st.sampled_from([None, "no_challenge", "face_lost"]),
        st.booleans(),
        st.booleans(),
    ),
)
DOCUMENTS = st.builds(
    Document,
    st.sampled_from(["valid", "card_not_found", *REFUSING]),
    st.lists(st.sampled_from(["valid", *REFUSING, *WARNINGS]), min_size=1, max_size=3, unique=True).map(tuple),
)
REQUIRED: st.SearchStrategy[frozenset[Required]] = st.frozensets(st.sampled_from(["face", "finger", "liveness"]))
POLICIES = st.builds(
    lambda required, attempts: COUNTER.model_copy(update={"required": required, "max_attempts": attempts}),
    REQUIRED,
    st.integers(1, 5),
)


@given(DOCUMENTS, PERSONS, POLICIES, st.integers(0, 6))
def test_it_fails_closed(document: Document, judged: PersonResult, rules: ChannelPolicy, attempts: int) -> None:
    """Everything that a PASS needs, each told apart from how the decision finds it out."""
    decision = decide(document, judged, rules, attempts)
    if decision.outcome is PASS:
        assert document == VALID
        assert judged.fmr is not None
        assert judged.fmr <= rules.pass_fmr
        assert not judged.by_chip_photo
        assert "liveness" not in rules.required
        assert attempts < rules.max_attempts
        for required in rules.required:
            of_it = [result for result in judged.modalities if result.modality == required]
            excused = required == "finger" and of_it and all(one.reason == "not_enrolled" for one in of_it)
            assert excused or any(one.assessed for one in of_it)
    assert_explained(decision)


@given(DOCUMENTS, PERSONS, POLICIES, st.integers(0, 6))
def test_more_attempts_never_help(
    document: Document, judged: PersonResult, rules: ChannelPolicy, attempts: int
) -> None:
    fewer, more = (decide(document, judged, rules, count).outcome for count in (attempts, attempts + 1))
    assert more is not PASS or fewer is PASS


@given(DOCUMENTS, PERSONS, st.integers(0, 6))
def test_a_kiosk_passes_nobody_who_was_not_found_to_live(
    document: Document, judged: PersonResult, attempts: int
) -> None:
    if decide(document, judged, KIOSK, attempts).outcome is PASS:
        assert judged.liveness is not None
        assert judged.liveness.outcome == "live"


@given(DOCUMENTS, PERSONS, POLICIES, st.integers(0, 6))
def test_an_attack_never_passes(document: Document, judged: PersonResult, rules: ChannelPolicy, attempts: int) -> None:
    attacked = replace(judged, liveness=LivenessResult("attack", "passive_attack", passive=True))
    assert decide(document, attacked, rules, attempts).outcome is not PASS


@given(PERSONS, POLICIES, st.integers(0, 6))
def test_an_unknown_card_never_passes_and_is_never_refused(
    judged: PersonResult, rules: ChannelPolicy, attempts: int
) -> None:
    assert decide(UNKNOWN, judged, rules, attempts).outcome is REVIEW


@given(st.sampled_from(REFUSING), PERSONS, POLICIES, st.integers(0, 6))
def test_an_invalid_card_is_always_refused(
    status: str, judged: PersonResult, rules: ChannelPolicy, attempts: int
) -> None:
    assert decide(Document(status, (status,)), judged, rules, attempts).outcome is REFUSE


def assert_explained(decision: Decision) -> None:
    """Never a bare no: the reasons and the advice have words, and PASS alone is told to go on."""
    assert decision.person_reasons
    assert {catalogue()[reason].kind for reason in decision.person_reasons} <= {"person", "modality"}
    assert catalogue()[decision.advice].kind == "advice"
    assert (decision.advice == "proceed") == (decision.outcome is PASS)


def test_the_properties_meet_passes() -> None:
    """Otherwise `test_it_fails_closed` would say nothing."""
    assert decide(VALID, person(face(SAME)), COUNTER, 0).outcome is PASS
    assert decide(VALID, person(face(SAME), finger(SAME)), STRICT, 0).outcome is PASS
    assert decide(VALID, replace(person(face(SAME)), liveness=LIVE), KIOSK, 0).outcome is PASS
