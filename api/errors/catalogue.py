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


class Entry(BaseModel):
    """One code: what the customer is told, what the operator should do, and where it is a card's, what its holder does
    next."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["error", "document", "person", "modality", "advice", "finding"]
    message: Text
    operator: Text
    holder: Text | None = None
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
