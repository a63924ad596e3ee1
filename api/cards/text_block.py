"""The 256-byte text block of a resident identity card's chip, as readers deliver it."""

import re
from dataclasses import dataclass
from datetime import date

from api.cards.parameters import LONG_TERM, TEXT_BYTES, TEXT_FIELDS, TYPE_SIGN_AT

_DAY = re.compile(r"[0-9]{8}")
_OTHER_SIGNS = frozenset(sign.encode("utf-16-le") for sign in "IYJ")


class TextBlockInvalid(ValueError):
    """Not 256 bytes of UTF-16LE, or a date that is none."""


class OtherCardType(TextBlockInvalid):
    """The block of another card, whose fields mean other things: a foreigner's permanent residence card (sign I or Y),
    a residence permit for residents of Hong Kong, Macao and Taiwan (J)."""


@dataclass(frozen=True)
class CardText:
    """The block's fields, trimmed; `valid_to` None means long-term. Never logged."""

    name: str
    sex: str
    nation: str
    birth: str
    address: str
    number: str
    issuer: str
    valid_from: date
    valid_to: date | None

    def fields(self) -> dict[str, str]:
        """What is compared with the register, under its field names; what identifies the card is compared apart."""
        return {
            "name": self.name,
            "sex": self.sex,
            "nation": self.nation,
            "birth": self.birth,
            "address": self.address,
        }


def parse(block: bytes) -> CardText:
    """Read a block. Raises `OtherCardType`, and `TextBlockInvalid` for what is no card's."""
    if len(block) != TEXT_BYTES:
        raise TextBlockInvalid
    if block[TYPE_SIGN_AT : TYPE_SIGN_AT + 2] in _OTHER_SIGNS:
        raise OtherCardType
    values: dict[str, str] = {}
    start = 0
    for name, length in TEXT_FIELDS:
        try:
            values[name] = block[start : start + length].decode("utf-16-le").rstrip(" \0\u3000").strip()
        except UnicodeDecodeError as error:
            raise TextBlockInvalid from error
        start += length
    valid_to = None if values["valid_to"] == LONG_TERM else _day(values["valid_to"])
    return CardText(
        **{name: values[name] for name in ("name", "sex", "nation", "birth", "address", "number", "issuer")},
        valid_from=_day(values["valid_from"]),
        valid_to=valid_to,
    )


def build(text: CardText) -> bytes:
    """Write a block as a reader delivers it, for simulators and tests. Raises `TextBlockInvalid` when too long."""
    values = text.fields() | {
        "number": text.number,
        "issuer": text.issuer,
        "valid_from": _written(text.valid_from),
        "valid_to": LONG_TERM if text.valid_to is None else _written(text.valid_to),
        "reserved": "",
    }
    block = b""
    for name, length in TEXT_FIELDS:
        raw = values[name].encode("utf-16-le")
        if len(raw) > length:
            raise TextBlockInvalid
        block += raw + " ".encode("utf-16-le") * ((length - len(raw)) // 2)
    return block


def _day(text: str) -> date:
    # strptime would take six digits, spaces and other scripts' digits too.
    if _DAY.fullmatch(text) is None:
        raise TextBlockInvalid
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise TextBlockInvalid from error


def _written(day: date) -> str:
    return day.isoformat().replace("-", "")
