"""A card's status in words: what it is, since when, and what its holder does next. No score, no number."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from api.cards.parameters import TIMEZONE
from api.errors import entry
from api.errors.catalogue import Text

# They are found beside a status, and say what the holder does about them.
_NO_STATUS = frozenset({"text_mismatch", "serial_mismatch", "chip_photo_mismatch", "chip_photo_unconfirmed"})


class StatusWords(BaseModel):
    """What may be read to the customer about the card."""

    code: str
    message: Text
    since: datetime | None = Field(description="From when on, where that is known.")
    since_words: Text | None = Field(description="The same as a teller says it, in Beijing time.")
    holder: Text = Field(description="What the holder does next: where to report, how to apply.")


def status_words(
    code: str, since: datetime | None, reasons: Iterable[str] = (), *, shown: bool = False
) -> dict[str, Any]:
    """The words for a document code that has a holder's next step, as JSON.

    `shown`: the card itself was, so that one which was lost is found again. `reasons` are what else was found. To the
    holder of a good card, who has nothing to do, the first of them that has a next step of its own is told: who does
    not pass because of it must not hear that there is nothing to do.
    """
    found = entry(code)
    if found.kind != "document" or found.holder is None or code in _NO_STATUS:
        raise ValueError(f"{code} is no status of a card")
    own = found.shown if shown and found.shown is not None else found.holder
    holder = own if code != "valid" else next(_steps(reasons), own)
    return {
        "code": code,
        "message": found.message.model_dump(),
        "since": None if since is None else since.astimezone(UTC).isoformat(),
        "since_words": None if since is None else since_words(since),
        "holder": holder.model_dump(),
    }


def _steps(reasons: Iterable[str]) -> Iterator[Text]:
    for reason in reasons:
        holder = entry(reason).holder
        if reason != "valid" and holder is not None:
            yield holder


def since_words(since: datetime) -> dict[str, str]:
    """A time in both languages, to the minute, in Beijing time, of the form that it has everywhere in the pages."""
    there = since.astimezone(TIMEZONE)
    return {
        "zh": f"自 {there:%Y-%m-%d %H:%M} 起（北京时间）。",
        "en": f"Since {there:%Y-%m-%d %H:%M} (Beijing time).",
    }
