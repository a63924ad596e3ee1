"""The simple values in the XML of a BIR: texts to values, and back. What is read raises InvalidRecord."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from biometrics.errors import InvalidRecord
from biometrics.interchange.elements import Element
from biometrics.interchange.parameters import MAX_TEXT
from biometrics.interchange.reader import MALFORMED

Word = TypeVar("Word", bound=StrEnum)
# What XML 1.0 has no way to write.
_IMPOSSIBLE = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_SPACE = re.compile(r"\s+", re.ASCII)
_TRUE = {"true": True, "1": True, "false": False, "0": False}
_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)


def wrong(what: str) -> InvalidRecord:
    """The error for a value that is none of its kind."""
    return InvalidRecord(MALFORMED, f"a wrong {what}")


def text(element: Element) -> str:
    """A short text."""
    return short(element.text, element.name)


def short(found: str, name: str) -> str:
    """A text, where it is no longer than any word or name."""
    if len(found) > MAX_TEXT:
        raise wrong(name)
    return found


def number(element: Element) -> int:
    """A whole number, 0 or more."""
    if _NUMBER.fullmatch(element.text) is None:
        raise wrong(element.name)
    return int(element.text)


def truth(element: Element) -> bool:
    """A truth value."""
    if element.text not in _TRUE:
        raise wrong(element.name)
    return _TRUE[element.text]


def block(element: Element) -> bytes:
    """Bytes in base64, with white space wherever a writer broke the lines."""
    try:
        return base64.b64decode(_SPACE.sub("", element.text), validate=True)
    except (binascii.Error, ValueError):
        raise wrong(element.name) from None


def time(element: Element) -> datetime:
    """A date and time; one without a zone is taken for UTC, as MOSIP writes it."""
    try:
        at = datetime.fromisoformat(element.text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong(element.name) from None


def identifier(element: Element) -> UUID:
    """A UUID."""
    if _UUID.fullmatch(element.text) is None:
        raise wrong(element.name)
    return UUID(element.text)


def words(element: Element) -> tuple[str, ...]:
    """A list of words with spaces between them."""
    return tuple(text(element).split())


def one_of(kinds: type[Word], element: Element) -> Word:
    """A word of an enumeration, whatever its case: systems write `RAW` for `Raw`."""
    found = next((one for one in kinds if one.value.lower() == element.text.lower()), None)
    if found is None:
        raise wrong(element.name)
    return found


def written(value: object) -> str:
    """A value as the text of its element. Raises ValueError for a text that XML cannot hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, tuple):
        return " ".join(written(one) for one in value)
    told = str(value)
    if _IMPOSSIBLE.search(told) is not None:
        raise ValueError("a text holds a character that XML has not")
    return told
