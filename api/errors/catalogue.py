"""Reads `catalogue.json`, the one file of all codes, and gives errors their texts."""

import json
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter


class Text(BaseModel):
    """A text for people, in Chinese and English."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


Kind = Literal["error", "document", "person", "modality", "advice", "finding"]
Room = Literal[
    "request", "signing_in", "institutions", "captures", "images", "cards", "verification", "screening", "duplicates",
    "accountability", "personal_data", "evidence", "feed", "service", "command_line",
]  # fmt: skip


class Entry(BaseModel):
    """One code. An error has a room, by which `docs/errors.md` is ordered, and an HTTP status unless it is met on the
    command line alone; codes of the other kinds have neither.

    `message` is for the customer and `operator` for whoever serves them, at once; both stand in every answer. `cause`
    and `next` (why it happens, and what is done where that did not help) are looked up: here, in the documentation, by
    `renzheng errors`. `holder`: what a card's holder does next, for codes that say something of a card; `shown`: the
    same where the card itself was shown, if that is something else: one that was lost is in hand again.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    room: Room | None = None
    message: Text
    operator: Text
    cause: Text
    next: Text
    holder: Text | None = None
    shown: Text | None = None
    http: int | None = None
    retryable: bool = False


class ServiceError(Exception):
    """An answer of the form `{code, message, operator, retryable, request_id}`; `details` name fields, never values.

    `retry_after_s`: in how many seconds it is worth asking again, where that is known.
    """

    def __init__(
        self, code: str, details: list[dict[str, str]] | None = None, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.details = details or []
        self.retry_after_s = retry_after_s


@cache
def catalogue() -> dict[str, Entry]:
    """Every code with its entry."""
    raw = json.loads(files("api.errors").joinpath("catalogue.json").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Entry]).validate_python(raw)


def entry(code: str) -> Entry:
    """The entry of a code. Raises KeyError for a code that is not in the catalogue."""
    return catalogue()[code]
