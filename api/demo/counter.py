"""A counter terminal and an authority, as clients of the service over HTTP."""

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from api.cards.number import check_character
from api.client import Captures, Client, Finger, Nonce
from api.client import Card as ShownCard
from api.client.answers.verifications import Channel
from api.client.given import captured
from api.client.operations.cards import Event
from api.demo.shots import another_shot

ISSUER = "北京市公安局朝阳分局"


@dataclass(frozen=True)
class Card:
    """A card as its reader tells it."""

    number: str
    valid_from: date
    valid_to: date

    def body(self) -> dict[str, Any]:
        """The card's part of a request."""
        return self.shown().body()

    def shown(self) -> ShownCard:
        """The same for the client."""
        return ShownCard(self.number, ISSUER, self.valid_from, self.valid_to)


def made_up_number() -> str:
    """A citizen number that belongs to nobody: region 999999 does not exist; the check digit is right."""
    digits = f"999999{secrets.randbelow(60) + 1940}0101{secrets.randbelow(1000):03d}"
    return digits + check_character(digits)


class Caller:
    """One key of the service. Everything here raises `RenzhengError`."""

    def __init__(self, url: str, key: str) -> None:
        self._client = Client(url, key)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def register(self, card: Card, face: bytes, finger: bytes | None) -> str:
        """Register a card; gives its identifier."""
        return str(self._client.register_card(card.shown(), face=face, fingers=fingers(finger)).id)

    def report(self, card_id: str, event: Event, superseded_by: str | None = None) -> None:
        """Report an event of a card."""
        newer = None if superseded_by is None else UUID(superseded_by)
        self._client.report_card(UUID(card_id), event, superseded_by=newer)

    def verify(
        self,
        card: Card,
        face: bytes,
        finger: bytes | None = None,
        *,
        chip_photo: bytes | None = None,
        channel: Channel = "counter",
    ) -> dict[str, Any]:
        """One verification, captured now: what the person shows is taken anew, under a nonce of its own."""

        def take(_: Nonce) -> Captures:
            taken = fingers(None if finger is None else another_shot(finger))
            return Captures(another_shot(face), taken, chip_photo)

        return self._client.attend(card.shown(), take, purpose="demonstration", channel=channel).as_told


def captures(face: bytes, finger: bytes | None) -> dict[str, Any]:
    """The captures' part of a request."""
    return captured(face, fingers(finger))


def fingers(image: bytes | None) -> list[Finger]:
    """The one finger that people show here, or none."""
    return [] if image is None else [Finger("right_index", image, 500)]
