"""A card as its reader tells it, and what can be said of it without any list."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from .answer import BEIJING

_FORM = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}", re.ASCII)
LONG_TERM = "长期"


def day(written: date | str) -> date:
    """A day, also as text: YYYY-MM-DD, or YYYYMMDD as on the chip. Raises TypeError and ValueError, which repeat
    nothing of it."""
    # A moment is a day too, to Python; its text would be another one, and no list would ever find the card.
    if isinstance(written, date) and not isinstance(written, datetime):
        return written
    if not isinstance(written, str):
        raise TypeError("a day is a date, or text as YYYY-MM-DD")
    try:
        if _DAY.fullmatch(written.strip()) is not None:
            return date.fromisoformat(written.strip())
    except ValueError:
        pass
    raise ValueError("a day of the card is not one as YYYY-MM-DD")


def last_day(written: date | str | None) -> date | None:
    """The same; None, or 长期, for a long-term card."""
    if written is None or (isinstance(written, str) and written.strip() == LONG_TERM):
        return None
    return day(written)


@dataclass(frozen=True, init=False)
class Card:
    """`number` 18 characters, `issuer` as printed, validity in days, the last one inclusive; None: 长期 (long-term).

    Days are dates, or texts: YYYY-MM-DD, YYYYMMDD, and 长期 for the last. Raises TypeError and ValueError for what is
    none; a number that is wrong is told by the check. Its text shows nothing of it, so that it may
    stand in a log by mistake.
    """

    number: str = field(repr=False)
    issuer: str = field(repr=False)
    valid_from: date = field(repr=False)
    valid_to: date | None = field(repr=False)

    def __init__(self, number: str, issuer: str, valid_from: date | str, valid_to: date | str | None) -> None:
        if not isinstance(number, str) or not isinstance(issuer, str):
            raise TypeError("number and issuer are texts")
        object.__setattr__(self, "number", number)
        object.__setattr__(self, "issuer", issuer)
        object.__setattr__(self, "valid_from", day(valid_from))
        object.__setattr__(self, "valid_to", last_day(valid_to))

    def has_sound_number(self) -> bool:
        """Whether the number's check character follows from the others (ISO/IEC 7064 MOD 11-2)."""
        number = self.number.strip().upper()
        if _FORM.fullmatch(number) is None:
            return False
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
        return _CHECK_CHARACTERS[total % 11] == number[17]

    def fault_by_date(self, when: datetime) -> str | None:
        """`not_yet_valid` or `card_expired` on the day that it is in Shanghai, else None."""
        today = when.astimezone(BEIJING).date()
        if today < self.valid_from:
            return "not_yet_valid"
        return "card_expired" if self.valid_to is not None and today > self.valid_to else None
