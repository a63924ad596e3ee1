"""A card as its reader tells it, and what can be said of it without any list."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

_FORM = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
# Asia/Shanghai has had no other offset since 1991.
_SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Card:
    """`number` 18 characters, `issuer` as printed, validity in days, the last one inclusive; None: 长期 (long-term).

    Its text shows nothing of it, so that it may stand in a log by mistake.
    """

    number: str = field(repr=False)
    issuer: str = field(repr=False)
    valid_from: date = field(repr=False)
    valid_to: date | None = field(repr=False)

    def has_sound_number(self) -> bool:
        """Whether the number's check character follows from the others (ISO/IEC 7064 MOD 11-2)."""
        number = self.number.strip().upper()
        if _FORM.fullmatch(number) is None:
            return False
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
        return _CHECK_CHARACTERS[total % 11] == number[17]

    def fault_by_date(self, when: datetime) -> str | None:
        """`not_yet_valid` or `card_expired` on the day that it is in Shanghai, else None."""
        today = when.astimezone(_SHANGHAI).date()
        if today < self.valid_from:
            return "not_yet_valid"
        return "card_expired" if self.valid_to is not None and today > self.valid_to else None
