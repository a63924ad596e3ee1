"""Field types that requests share. A bad value raises a pydantic error whose type is a code of the catalogue."""

import binascii
import re
from datetime import date
from typing import Annotated, Any

from pybase64 import b64decode
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.cards import number
from api.matching.captures import FingerPosition

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:", re.ASCII)
_PURPOSE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{6}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}", re.ASCII)


def bad_value(code: str) -> PydanticCustomError:
    """A validation error carrying a catalogue code; its text never repeats the value."""
    return PydanticCustomError(code, code)


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise bad_value("base64_invalid")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_value("base64_invalid") from error


def _number(value: Any) -> str:
    if not isinstance(value, str):
        raise bad_value("number_invalid")
    try:
        return number.normalise(value)
    except number.NumberInvalid as error:
        raise bad_value("number_invalid") from error
    except number.CheckDigitWrong as error:
        raise bad_value("number_check_digit") from error


def _day(value: Any) -> date:
    # Pydantic would take 20160101 for a number of seconds; a chip writes a day so.
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        raise bad_value("day_invalid")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise bad_value("day_invalid") from error


def _written_instant(value: Any) -> Any:
    # Pydantic would take a bare number for seconds since 1970, and a day for its midnight.
    if not isinstance(value, str) or _INSTANT.match(value) is None:
        raise bad_value("request_invalid")
    return value


def _position(value: Any) -> FingerPosition:
    try:
        return FingerPosition(value)
    except ValueError as error:
        raise bad_value("finger_position_unknown") from error


def _dpi(value: float) -> float:
    if not 100 <= value <= 2000:
        raise bad_value("dpi_invalid")
    return value


def _storable(value: str) -> str:
    # PostgreSQL's text holds no NUL, and a lone surrogate is no text at all.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise bad_value("request_invalid")
    return value


Plain = Annotated[str, AfterValidator(_storable)]
# Readers deliver fields padded to the chip's lengths.
Trimmed = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_storable)]


def _purpose(value: str) -> str:
    # It stands in the evidence for years, where no name and no number may be.
    if _PURPOSE.fullmatch(value) is None or _DIGITS.search(value) is not None:
        raise bad_value("purpose_invalid")
    return value


Purpose = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_purpose),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$",
            "description": "Why, as a code such as account_opening; fewer than six digits in a row.",
        }
    ),
]
Base64 = Annotated[
    bytes, BeforeValidator(_base64), WithJsonSchema({"type": "string", "format": "byte", "description": "Base64."})
]
Number = Annotated[
    str,
    BeforeValidator(_number),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-9]{17}[0-9Xx]$", "description": "Citizen number, 18 characters."}
    ),
]
Position = Annotated[
    FingerPosition,
    BeforeValidator(_position),
    WithJsonSchema({"type": "string", "enum": [position.value for position in FingerPosition]}),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "description": "YYYY-MM-DD, or YYYYMMDD as on the chip."}),
]
Dpi = Annotated[float, Field(strict=True), AfterValidator(_dpi)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written_instant)]
