"""Cards of nobody for the simulator: made-up numbers and names, and noise where the chip's formats are closed."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import date

from api.cards.number import check_character
from api.cards.parameters import TYPE_SIGN_AT
from api.cards.text_block import CardText, build
from api.reader.messages import CardRead
from api.reader.parameters import FINGER_BYTES, PHOTO_BYTES

ISSUER = "示范市公安局示范分局"
NAMES = ("示范甲", "示范乙", "示范丙", "示范丁")


@dataclass(frozen=True)
class DemoCard:
    """A card and its holder's fingers: `title` says what it is for, `fingers` are pictures by position."""

    title: str
    text: CardText = field(repr=False)
    photo: bytes | None = field(default=None, repr=False)
    fingers: dict[str, bytes] = field(default_factory=dict, repr=False)

    def read(self) -> CardRead:
        """What a reader tells of it."""
        return CardRead(
            text=build(self.text),
            photo=self.photo,
            photo_blob=secrets.token_bytes(PHOTO_BYTES),
            finger_blobs=(secrets.token_bytes(FINGER_BYTES), secrets.token_bytes(FINGER_BYTES)),
            serial=self.text.number[-8:].rjust(16, "0"),
        )


def demo_card(
    title: str,
    place: int = 0,
    *,
    days: tuple[date, date | None] = (date(2020, 1, 1), date(2040, 1, 1)),
    photo: bytes | None = None,
    fingers: dict[str, bytes] | None = None,
) -> DemoCard:
    """A card with a number that belongs to nobody: region 999999 does not exist; the check digit is right."""
    born = f"{1950 + secrets.randbelow(40)}{1 + secrets.randbelow(12):02d}{1 + secrets.randbelow(28):02d}"
    digits = f"999999{born}{secrets.randbelow(1000):03d}"
    text = CardText(
        name=NAMES[place % len(NAMES)],
        sex="1" if int(digits[-1]) % 2 else "2",
        nation="01",
        birth=born,
        address="示范市示范区示范路1号",
        number=digits + check_character(digits),
        issuer=ISSUER,
        valid_from=days[0],
        valid_to=days[1],
    )
    return DemoCard(title, text, photo, fingers or {})


def garbled(card: CardRead) -> CardRead:
    """The same card with a text block that is no text: halves of characters, and days that are no digits."""
    return replace(card, text=b"\x00\xd8" * 20 + card.text[40:180] + b"\x3f\x00" * 38)


def foreign(card: CardRead) -> CardRead:
    """A residence permit for residents of Hong Kong, Macao and Taiwan, which answers on the same readers."""
    block = bytearray(card.text)
    block[TYPE_SIGN_AT : TYPE_SIGN_AT + 2] = "J".encode("utf-16-le")
    return replace(card, text=bytes(block), kind="hmt_residence_permit")
