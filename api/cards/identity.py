"""What identifies a card instance, and the keyed hashes under which it is looked up.

A number identifies a person, and a person has had several cards: status belongs to the instance.
"""

from dataclasses import dataclass
from datetime import date

from api.cards.text_block import CardText
from api.storage.sealing import keyed_hash
from api.terminal.naming import canonical


@dataclass(frozen=True)
class CardIdentity:
    """A card as its reader tells it. `valid_to` None means long-term. Never logged."""

    number: str
    issuer: str
    valid_from: date
    valid_to: date | None
    serial: str | None = None
    type: str = "resident"
    text: CardText | None = None


@dataclass(frozen=True)
class CardIndexes:
    """Keyed hashes (32 bytes) of the identifying values; `text` holds one for each field, in hex."""

    instance: bytes
    number: bytes
    serial: bytes | None
    text: dict[str, str] | None


def indexes(key: bytes, card: CardIdentity) -> CardIndexes:
    """The look-up hashes of a card under the deployment's index key."""
    issuer = canonical(card.issuer)
    valid_to = "" if card.valid_to is None else card.valid_to.isoformat()
    return CardIndexes(
        instance=keyed_hash(key, "instance", card.number, issuer, card.valid_from.isoformat(), valid_to),
        number=keyed_hash(key, "number", card.number),
        serial=None if card.serial is None else keyed_hash(key, "serial", canonical(card.serial).upper()),
        text=None
        if card.text is None
        else {name: keyed_hash(key, "text", name, value).hex() for name, value in card.text.fields().items()},
    )
