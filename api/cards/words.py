"""A card's status in words: what it is, since when, and what its holder does next. No score, no number."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from api.cards.parameters import TIMEZONE
from api.errors import entry
from api.errors.catalogue import Text


class StatusWords(BaseModel):
    """What may be read to the customer about the card."""

    code: str
    message: Text
    since: datetime | None = Field(description="From when on, where that is known.")
    since_words: Text | None = Field(description="The same as a teller says it, in Beijing time.")
    holder: Text = Field(description="What the holder does next: where to report, how to apply.")


def status_words(code: str, since: datetime | None) -> dict[str, Any]:
    """The words for a document code that has a holder's next step, as JSON."""
    found = entry(code)
    if found.holder is None:
        raise ValueError(f"{code} is no status of a card")
    return {
        "code": code,
        "message": found.message.model_dump(),
        "since": None if since is None else since.astimezone(UTC).isoformat(),
        "since_words": None if since is None else since_words(since),
        "holder": found.holder.model_dump(),
    }


def since_words(since: datetime) -> dict[str, str]:
    """A time in both languages, to the minute, in Beijing time."""
    there = since.astimezone(TIMEZONE)
    return {
        "zh": f"自{there.year}年{there.month}月{there.day}日{there:%H:%M}起。",
        "en": f"Since {there.day} {_MONTHS[there.month - 1]} {there.year}, {there:%H:%M} (Beijing time).",
    }


# Not the locale's: the words are the same wherever the service runs.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
