"""Months, as people count them where the validity of cards is counted."""

import re
from dataclasses import dataclass
from datetime import datetime

from api.cards.parameters import TIMEZONE

_FORM = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class MonthInvalid(ValueError):
    """Not YYYY-MM."""


@dataclass(frozen=True)
class Month:
    """A month in Asia/Shanghai: `since` is inclusive, `until` is not."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, name: str) -> "Month":
        """The month of a name such as 2026-11. Raises `MonthInvalid`."""
        found = _FORM.fullmatch(name)
        if found is None:
            raise MonthInvalid
        year, month = int(found[1]), int(found[2])
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        return cls(name, datetime(year, month, 1, tzinfo=TIMEZONE), datetime(*following, 1, tzinfo=TIMEZONE))
