"""Cards as they are looked up: what a caller sees of them, and what happened to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    and_,
    func,
    select,
)

from api.cards.register import CardUnknown, since_when
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen
from api.storage.tables import card_events, card_locks, cards, templates

# What is told of a card that was looked up.
_FOUND = (
    "id", "type", "issuer", "valid_from", "valid_to", "status", "surrendered", "disputed", "superseded_by",
)  # fmt: skip


@dataclass(frozen=True)
class KnownCard:
    """A row of `cards`, with `until` (when the lock of its number ends, None without one) and `now`, and its events."""

    card: Row[Any]
    events: tuple[Row[Any], ...]

    @property
    def since(self) -> datetime:
        """When it came to its status."""
        since: datetime = since_when(self.card.status, reversed(self.events)) or self.card.created_at
        return since

    @property
    def registered_at(self) -> datetime:
        """The time of its first event, which is the one that its registration was answered with."""
        at: datetime = self.events[0].recorded_at if self.events else self.card.created_at
        return at


def of_number(connection: Connection, number_index: bytes, caller: Caller) -> list[dict[str, Any]]:
    """The number's cards that the caller sees, the newest first, each with the templates that it holds."""
    asked = select(cards).where(cards.c.number_index == number_index, cards_seen(caller))
    rows = connection.execute(asked.order_by(cards.c.valid_from.desc(), cards.c.created_at.desc(), cards.c.id)).all()
    held: dict[UUID, list[dict[str, Any]]] = {row.id: [] for row in rows}
    stored = select(templates.c.card_id, templates.c.modality, templates.c.position, templates.c.engine)
    of_cards = stored.where(templates.c.card_id.in_(held)).order_by(templates.c.modality, templates.c.position)
    for row in connection.execute(of_cards):
        held[row.card_id].append({"modality": row.modality, "position": row.position, "engine": row.engine})
    return [{**{name: getattr(row, name) for name in _FOUND}, "templates": held[row.id]} for row in rows]


def seen(connection: Connection, caller: Caller, card_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the cards that the caller may see."""
    return set(connection.execute(select(cards.c.id).where(cards.c.id.in_(card_ids), cards_seen(caller))).scalars())


def find(connection: Connection, card_id: UUID, caller: Caller) -> KnownCard:
    """A card with what happened to it, oldest first. Raises `CardUnknown`."""
    live = and_(card_locks.c.number_index == cards.c.number_index, card_locks.c.until > func.now())
    found = select(cards, card_locks.c.until, func.clock_timestamp().label("now")).outerjoin(card_locks, live)
    card = connection.execute(found.where(cards.c.id == card_id, cards_seen(caller))).first()
    if card is None:
        raise CardUnknown
    events = connection.execute(
        select(card_events).where(card_events.c.card_id == card_id).order_by(card_events.c.recorded_at)
    )
    return KnownCard(card, tuple(events))
