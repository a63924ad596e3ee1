"""The document axis: what the register and the day say of the card, with nothing of the person in it."""

from dataclasses import dataclass
from datetime import date

from api.cards.identity import CardIndexes
from api.cards.lifecycle import Status
from api.matching.comparison import ModalityResult


@dataclass(frozen=True)
class RegisteredCard:
    """The card's row, as read under the lock."""

    status: Status
    valid_from: date
    valid_to: date | None
    serial_index: bytes | None
    text_index: dict[str, str] | None


@dataclass(frozen=True)
class Document:
    """`status` is one code; `reasons` are all that apply, the status first unless the card is sound."""

    status: str
    reasons: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """A card that may not be used, whoever shows it."""
        return self.status not in {"valid", "card_not_found"}


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
    status = _status(card, today)
    reasons = [] if status == Status.VALID else [status]
    if card.serial_index is not None and shown.serial is not None and card.serial_index != shown.serial:
        reasons.append("serial_mismatch")
    if card.text_index is not None and shown.text is not None and card.text_index != shown.text:
        reasons.append("text_mismatch")
    # Said so that no figure at all counts as different.
    if chip_photo is not None and chip_photo.fmr is not None and not chip_photo.fmr <= chip_photo_fmr:
        reasons.append("chip_photo_mismatch")
    return Document(status, tuple(reasons) or ("valid",))


def _status(card: RegisteredCard, today: date) -> str:
    # A report outweighs a date: 证件已挂失 tells the teller more than 已过有效期.
    if card.status is not Status.VALID:
        return card.status
    if today < card.valid_from:
        return "not_yet_valid"
    if card.valid_to is not None and today > card.valid_to:
        return "card_expired"
    return Status.VALID
