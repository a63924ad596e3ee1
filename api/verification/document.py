"""The document axis: what the register and the day say of the card, with nothing of the person in it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from api.cards.identity import CardIndexes
from api.cards.lifecycle import Status
from api.cards.parameters import TIMEZONE
from api.matching.comparison import ModalityResult


@dataclass(frozen=True)
class RegisteredCard:
    """The card's row, as read under the lock; `since` when its status holds, read for those that are not valid."""

    status: Status
    valid_from: date
    valid_to: date | None
    serial_index: bytes | None
    text_index: dict[str, str] | None
    since: datetime | None = None


@dataclass(frozen=True)
class Document:
    """`status` is one code; `reasons` are all that apply, the status first unless the card is sound.

    `since`: from when on the status holds, where that is known. `vouched`: another register that knows the card has
    found the chip's photograph to be the holder's.
    """

    status: str
    reasons: tuple[str, ...]
    since: datetime | None = None
    vouched: bool = False

    @property
    def refused(self) -> bool:
        """A card that may not be used, whoever shows it."""
        return self.status not in {"valid", "card_not_found"}

    @property
    def told(self) -> str:
        """The code that tells the customer of the card: a register's silence is not its word that it has no record."""
        return "register_unavailable" if self.reasons == ("register_unavailable",) else self.status


def judge(
    card: RegisteredCard | None,
    shown: CardIndexes,
    chip_photo: ModalityResult | None,
    today: date,
    chip_photo_fmr: float,
) -> Document:
    """Judge the card that was shown (`shown`) against the register's row; `today` is the day in Asia/Shanghai."""
    if card is None:
        return Document("card_not_found", ("card_not_found",))
    status = status_on(card, today)
    reasons = [] if status == Status.VALID else [status]
    if card.serial_index is not None and shown.serial is not None and card.serial_index != shown.serial:
        reasons.append("serial_mismatch")
    if card.text_index is not None and shown.text is not None and card.text_index != shown.text:
        reasons.append("text_mismatch")
    # Said so that no figure at all counts as different.
    if chip_photo is not None and chip_photo.fmr is not None and not chip_photo.fmr <= chip_photo_fmr:
        reasons.append("chip_photo_mismatch")
    return Document(status, tuple(reasons) or ("valid",), since(card, status))


def status_on(card: RegisteredCard, today: date) -> str:
    """The document code of a card that is registered, on a day in Asia/Shanghai."""
    # A report outweighs a date: 证件已挂失 tells the teller more than 已过有效期.
    if card.status is not Status.VALID:
        return card.status
    if today < card.valid_from:
        return "not_yet_valid"
    if card.valid_to is not None and today > card.valid_to:
        return "card_expired"
    return Status.VALID


def ended_at(valid_to: date) -> datetime:
    """When a card that is valid to a day, inclusive, has expired."""
    return datetime.combine(valid_to + timedelta(days=1), time(), TIMEZONE)


def since(card: RegisteredCard, status: str) -> datetime | None:
    """From when on a card is at the status that it has today, where that is known."""
    if status == "card_expired" and card.valid_to is not None:
        return ended_at(card.valid_to)
    return None if status == "not_yet_valid" else card.since
