"""Two registers' words put together: the worse one counts, whatever the other says."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pytest

from api.cards.identity import CardIdentity
from api.cards.lifecycle import Status
from api.cards.parameters import TIMEZONE
from api.errors import catalogue
from api.population.asking import Word
from api.population.findings import Answer, Finding
from api.verification.document import Document
from api.verification.registers import attested, together

C, I, N, U = Finding.CONSISTENT, Finding.INCONSISTENT, Finding.NO_RECORD, Finding.UNDETERMINED  # noqa: E741
TODAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 12, tzinfo=UTC)
CARD = CardIdentity("11010519491231002X", "某局", date(2016, 3, 1), date(2036, 3, 1))
VALID, UNKNOWN = Document("valid", ("valid",)), Document("card_not_found", ("card_not_found",))
REPORTS = [status.value for status in Status if status is not Status.VALID]
GOOD = Answer(C, C, "valid", portrait=C)


def word(answer: Answer | None, *, is_authority: bool = True) -> Word:
    return Word("register", AT, answer, is_authority)


def judged(own: Document, answer: Answer | None, *, is_authority: bool = True, card: CardIdentity = CARD) -> Document:
    return together(own, word(answer, is_authority=is_authority), card, TODAY)


def test_without_another_register_ours_is_all() -> None:
    for own in (VALID, UNKNOWN, Document("card_cancelled", ("card_cancelled",))):
        assert together(own, None, CARD, TODAY) is own


def test_a_card_that_only_the_other_knows() -> None:
    assert judged(UNKNOWN, GOOD) == Document("valid", ("valid",), vouched=True)


@pytest.mark.parametrize("portrait", [None, U, N])
def test_it_is_not_vouched_for_without_the_photograph(portrait: Finding | None) -> None:
    found = judged(UNKNOWN, replace(GOOD, portrait=portrait))
    assert found == Document("valid", ("chip_photo_unconfirmed",))


def test_what_it_finds_different_is_said() -> None:
    answer = Answer(C, I, "valid", text=I, portrait=I)
    reasons = ("serial_mismatch", "text_mismatch", "chip_photo_mismatch")
    assert judged(UNKNOWN, answer) == Document("valid", (*reasons, "chip_photo_unconfirmed"))
    assert judged(VALID, answer) == Document("valid", reasons)
    assert judged(VALID, replace(GOOD, text=U, portrait=U)) == VALID, "ours compared what it holds"


@pytest.mark.parametrize("status", REPORTS)
@pytest.mark.parametrize("is_authority", [True, False])
def test_a_report_in_either_place_counts(status: str, is_authority: bool) -> None:
    reported = Answer(C, C, status, portrait=C, since=AT)
    theirs = judged(VALID, reported, is_authority=is_authority)
    assert (theirs.status, theirs.reasons, theirs.since) == (status, (status,), AT)
    assert theirs.refused
    own = Document(status, (status,), AT)
    assert judged(own, GOOD, is_authority=is_authority).status == status
    for answer in (None, Answer(N, N), Answer(C, I)):
        assert judged(own, answer, is_authority=is_authority).refused
    assert judged(UNKNOWN, reported).status == status


@pytest.mark.parametrize(("own", "theirs"), list(product(REPORTS, repeat=2)))
def test_two_reports_are_both_told_ours_first(own: str, theirs: str) -> None:
    found = judged(Document(own, (own,)), Answer(C, C, theirs))
    assert found.status == own
    assert found.reasons == tuple(dict.fromkeys([own, theirs]))


@pytest.mark.parametrize("date_status", ["card_expired", "not_yet_valid"])
def test_a_report_outweighs_a_date(date_status: str) -> None:
    dated = Document(date_status, (date_status,))
    assert judged(dated, Answer(C, C, "card_reported_lost")).status == "card_reported_lost"
    lost = Document("card_reported_lost", ("card_reported_lost",))
    assert judged(lost, Answer(C, C, date_status)).status == "card_reported_lost"
    assert judged(VALID, Answer(C, C, date_status)).status == date_status


def test_the_day_is_ours_too() -> None:
    """A register that holds an expired card for good does not make it so."""
    expired = replace(CARD, valid_to=date(2026, 11, 21))
    found = judged(UNKNOWN, GOOD, card=expired)
    assert found.status == "card_expired"
    assert found.refused
    assert found.since == datetime(2026, 11, 22, tzinfo=TIMEZONE)
    assert judged(UNKNOWN, GOOD, card=replace(CARD, valid_from=date(2026, 11, 23))).status == "not_yet_valid"
    assert judged(UNKNOWN, GOOD, card=replace(CARD, valid_to=TODAY)).status == "valid"


@pytest.mark.parametrize("answer", [Answer(N, N), Answer(C, I), Answer(C, U), Answer(U, U)])
def test_a_card_that_it_does_not_know(answer: Answer) -> None:
    assert judged(UNKNOWN, answer) == UNKNOWN
    assert judged(VALID, answer) == UNKNOWN, "the authority knows no such card"
    assert judged(VALID, answer, is_authority=False) == VALID, "it may be registered here only"


def test_its_silence_passes_nobody_and_accuses_nobody() -> None:
    assert judged(UNKNOWN, None) == Document("card_not_found", ("register_unavailable",))
    assert judged(VALID, None) == Document("valid", ("register_unavailable",))
    assert judged(VALID, None, is_authority=False) == VALID
    assert judged(UNKNOWN, None, is_authority=False) == Document("card_not_found", ("register_unavailable",))


def test_a_photograph_that_nobody_vouched_for_is_a_reason_of_a_sound_card() -> None:
    assert attested(VALID, by_chip_photo=True) == Document("valid", ("chip_photo_unconfirmed",))
    vouched = replace(VALID, vouched=True)
    for document, by_photo in (
        (VALID, False),
        (vouched, True),
        (UNKNOWN, True),
        (Document("card_expired", ("card_expired",)), True),
    ):
        assert attested(document, by_chip_photo=by_photo) is document


def test_only_a_sound_card_is_sound() -> None:
    """Over everything that either may say: reasons are `valid` alone only where both agree that nothing is wrong."""
    owns = [VALID, UNKNOWN, *(Document(status, (status,)) for status in [*REPORTS, "card_expired"])]
    answers = [
        Answer(C, card, status, text, {}, portrait)
        for card in Finding
        for status in (None, "valid", *REPORTS)
        for text in (None, *Finding)
        for portrait in (None, *Finding)
        if (card is C) <= (status is not None)
    ]
    assert len(answers) > 100
    for own, answer in product(owns, [None, *answers]):
        found = judged(own, answer)
        assert {catalogue()[reason].kind for reason in found.reasons} == {"document"}
        assert found.status == "valid" or found.reasons != ("valid",)
        if found.reasons == ("valid",):
            assert answer is not None
            assert own == VALID or (own == UNKNOWN and answer.portrait is C)
            assert (answer.card, answer.status) == (C, "valid")
            assert I not in {answer.text, answer.portrait}
