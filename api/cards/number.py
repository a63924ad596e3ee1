"""The citizen's number: 17 digits and a check character, ISO/IEC 7064 MOD 11-2 (GB 11643-1999).

A right check character proves nothing about existence: it only catches slips of reading and typing.
"""

import re
from uuid import UUID

from api.cards.parameters import CHECK_CHARACTERS, CHECK_WEIGHTS

_FORM = re.compile(r"[0-9]{17}[0-9X]")


class NumberInvalid(ValueError):
    """Not 17 digits and a digit or X."""


class CheckDigitWrong(ValueError):
    """The last character does not follow from the others."""


def normalise(number: str) -> str:
    """Give the number in its one written form (X upper case). Raises `NumberInvalid` or `CheckDigitWrong`."""
    plain = number.strip().upper()
    if _FORM.fullmatch(plain) is None:
        raise NumberInvalid
    if check_character(plain[:17]) != plain[17]:
        raise CheckDigitWrong
    return plain


def check_character(digits: str) -> str:
    """The check character for 17 digits."""
    return CHECK_CHARACTERS[sum(int(d) * w for d, w in zip(digits, CHECK_WEIGHTS, strict=True)) % 11]


def sealed_as(card_id: UUID) -> str:
    """The record for which a card's number is sealed."""
    return f"card:{card_id}:number"
