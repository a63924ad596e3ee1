"""The document axis: registered status, the day, and what the chip says against the register."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.cards.identity import CardIdentity, CardIndexes, indexes
from api.cards.lifecycle import Status
from api.cards.text_block import CardText
from api.errors import catalogue
from api.matching.comparison import ModalityResult
from api.verification.document import Document, RegisteredCard, judge
from tests.api.cards.test_text_block import TEXT

KEY = bytes(32)
SHOWN = CardIdentity(TEXT.number, TEXT.issuer, TEXT.valid_from, TEXT.valid_to, serial="00112233", text=TEXT)
FOUND = indexes(KEY, SHOWN)
CARD = RegisteredCard(Status.VALID, TEXT.valid_from, TEXT.valid_to, FOUND.serial, FOUND.text)
FIRST, LAST, TODAY = date(2016, 3, 1), date(2036, 3, 1), date(2026, 11, 20)


def judged(
    card: RegisteredCard | None = CARD,
    shown: CardIndexes = FOUND,
    photo_fmr: float | None = None,
    today: date = TODAY,
) -> Document:
    photo = None if photo_fmr is None else ModalityResult("face", None, None, 0.0, photo_fmr)
    return judge(card, shown, photo, today, chip_photo_fmr=1e-3)


def shown(**changes: Any) -> CardIndexes:
    return indexes(KEY, replace(SHOWN, **changes))


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2016, 2, 29), "not_yet_valid"),
        (FIRST, "valid"),
        (TODAY, "valid"),
        (LAST, "valid"),
        (date(2036, 3, 2), "card_expired"),
    ],
)
def test_both_days_of_the_card_are_inclusive(today: date, status: str) -> None:
    expired = datetime(2036, 3, 1, 16, tzinfo=UTC) if status == "card_expired" else None
    assert judged(today=today) == Document(status, (status,), expired), "it expires at midnight in Shanghai"


def test_a_long_term_card_does_not_expire() -> None:
    assert judged(replace(CARD, valid_to=None), today=date(9999, 12, 31)).status == "valid"


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.VALID])
@pytest.mark.parametrize("today", [date(2015, 1, 1), TODAY, date(2040, 1, 1)])
def test_a_report_outweighs_a_date(status: Status, today: date) -> None:
    document = judged(replace(CARD, status=status), today=today)
    assert document == Document(status.value, (status.value,))
    assert document.refused


def test_an_unknown_card_is_not_refused_by_itself() -> None:
    document = judged(None)
    assert document == Document("card_not_found", ("card_not_found",))
    assert not document.refused


@pytest.mark.parametrize("field", ["name", "sex", "nation", "birth", "address"])
def test_every_field_of_the_text_is_compared(field: str) -> None:
    changed = shown(text=CardText(**{**vars(TEXT), field: "异"}))
    assert judged(shown=changed) == Document("valid", ("text_mismatch",))


def test_another_chip_is_noticed() -> None:
    assert judged(shown=shown(serial="00112234")).reasons == ("serial_mismatch",)


@pytest.mark.parametrize("changes", [{"text": None}, {"serial": None}])
def test_what_the_reader_did_not_give_is_not_compared(changes: dict[str, None]) -> None:
    assert judged(shown=shown(**changes)).reasons == ("valid",)


def test_what_was_not_registered_is_not_compared() -> None:
    assert judged(replace(CARD, serial_index=None, text_index=None)).reasons == ("valid",)


@pytest.mark.parametrize(
    ("fmr", "reasons"),
    [
        (1e-9, ("valid",)),
        (1e-3, ("valid",)),
        (2e-3, ("chip_photo_mismatch",)),
        (float("nan"), ("chip_photo_mismatch",)),
    ],
)
def test_the_chips_photograph_is_compared(fmr: float, reasons: tuple[str, ...]) -> None:
    assert judged(photo_fmr=fmr).reasons == reasons


def test_a_photograph_that_could_not_be_judged_says_nothing() -> None:
    unjudged = ModalityResult("face", None, "low_quality")
    assert judge(CARD, FOUND, unjudged, TODAY, 1e-3).reasons == ("valid",)


def test_the_status_comes_first_and_nothing_is_left_out() -> None:
    changed = shown(serial="1", text=replace(TEXT, name="异"))
    document = judged(replace(CARD, status=Status.LOST), changed, photo_fmr=0.5)
    assert document.reasons == ("card_reported_lost", "serial_mismatch", "text_mismatch", "chip_photo_mismatch")
    assert {catalogue()[reason].kind for reason in document.reasons} == {"document"}
