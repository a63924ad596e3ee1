"""Our own register's word and another's, put together: of two, the worse one counts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from api.cards.identity import CardIdentity
from api.cards.lifecycle import Status
from api.population.asking import Word
from api.population.findings import Answer, Finding
from api.verification.document import Document, RegisteredCard, ended_at, status_on

# A report outweighs a date, and what is known of a card outweighs that a register does not know it. Codes that are not
# named here are reports.
_WEIGHTS = {"valid": 0, "card_not_found": 1, "not_yet_valid": 2, "card_expired": 2}
_REPORT = 3


def together(own: Document, word: Word | None, card: CardIdentity, today: date) -> Document:
    """Judge the card (`card` as its reader tells it) by both registers; `own` is what ours says, read under the lock.

    A card that ours does not hold is as good as the other one says, and never better than unconfirmed while that one
    has not found the chip's photograph to be the holder's.
    """
    if word is None:
        return own
    held = own.status != "card_not_found"
    theirs = None if word.answer is None else _theirs(word.answer, card, today)
    if theirs is None or theirs.status == "card_not_found":
        if held and not word.is_authority:
            return own
        missing = Document("card_not_found", ("register_unavailable" if theirs is None else "card_not_found",))
        # Its silence says nothing of the card: the status stays what ours says.
        return _worse(own if held else missing, missing, status_of=own if theirs is None else None)
    if not held:
        unconfirmed = theirs.status == "valid" and not theirs.vouched
        return theirs if not unconfirmed else _with(theirs, "chip_photo_unconfirmed")
    return _worse(own, theirs)


def attested(document: Document, *, by_chip_photo: bool) -> Document:
    """Say what stands in a person's way who was compared with the chip's photograph alone, as with a card that was
    registered without templates: card and photograph come from one hand, and nobody has vouched for it."""
    unconfirmed = by_chip_photo and not document.vouched and document.reasons == ("valid",)
    return _with(document, "chip_photo_unconfirmed") if unconfirmed else document


def _theirs(answer: Answer, card: CardIdentity, today: date) -> Document:
    if answer.status is None:
        return Document("card_not_found", ("card_not_found",))
    dated = status_on(RegisteredCard(Status.VALID, card.valid_from, card.valid_to, None, None), today)
    status = max(answer.status, dated, key=_weight)
    found = {
        "serial_mismatch": answer.card is not Finding.CONSISTENT,
        "text_mismatch": answer.text is Finding.INCONSISTENT,
        "chip_photo_mismatch": answer.portrait is Finding.INCONSISTENT,
    }
    reasons = [status, *(reason for reason, applies in found.items() if applies)]
    return Document(status, _sound(reasons), _since(answer, status, card), answer.portrait is Finding.CONSISTENT)


def _since(answer: Answer, status: str, card: CardIdentity) -> datetime | None:
    if status == "card_expired":
        return None if card.valid_to is None else ended_at(card.valid_to)
    return answer.since if status == answer.status else None


def _worse(own: Document, theirs: Document, status_of: Document | None = None) -> Document:
    first, second = (own, theirs) if _weight(own.status) >= _weight(theirs.status) else (theirs, own)
    told = status_of or first
    return Document(told.status, _sound([*first.reasons, *second.reasons]), told.since, theirs.vouched)


def _with(document: Document, reason: str) -> Document:
    return replace(document, reasons=_sound([*document.reasons, reason]))


def _sound(reasons: Iterable[str]) -> tuple[str, ...]:
    """Every reason once; that the card is valid is one only where it is the only one."""
    against = [reason for reason in reasons if reason != "valid"]
    return tuple(dict.fromkeys(against)) or ("valid",)


def _weight(status: str) -> int:
    return _WEIGHTS.get(status, _REPORT)
