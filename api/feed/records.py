"""Reading the feed: its head, and its events in order."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, select

from api.storage.tables import cards, feed_events, feed_head, institutions, principals


@dataclass(frozen=True)
class Head:
    """The newest number (0 before the first), the public name of the key that the tags are made with, and the
    database's time of the look."""

    seq: int
    key_id: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A change of status. `registrar` leads from the uppermost institution to the one that registered the card."""

    seq: int
    card_id: UUID
    event: str
    status: str
    invalid: bool
    at: datetime
    tag: bytes
    issuer: str
    type: str
    valid_from: str
    valid_to: str | None
    registrar: tuple[UUID, ...]


_EVENTS: Select[Any] = (
    select(
        feed_events,
        cards.c.issuer,
        cards.c.type,
        cards.c.valid_from,
        cards.c.valid_to,
        institutions.c.path,
    )
    .join(cards, cards.c.id == feed_events.c.card_id)
    .join(principals, principals.c.id == cards.c.registered_by)
    .join(institutions, institutions.c.id == principals.c.institution_id)
    .order_by(feed_events.c.seq)
)


def head(connection: Connection) -> Head:
    """The head as this transaction sees it."""
    row = connection.execute(select(feed_head.c.seq, feed_head.c.key_id, func.statement_timestamp().label("now"))).one()
    return Head(row.seq, row.key_id or "", row.now)


def page(connection: Connection, after: int, limit: int, up_to: int | None = None) -> list[FeedEvent]:
    """The events that follow a number, oldest first, at most `limit` of them, none above `up_to`.

    They end before the first whose tag is being made, under a new key: it is told when it has one.
    """
    asked = _EVENTS.where(feed_events.c.seq > after)
    if up_to is not None:
        asked = asked.where(feed_events.c.seq <= up_to)
    rows = connection.execute(asked.limit(limit))
    return [_event(row) for row in takewhile(lambda row: row.tag is not None, rows)]


def _event(row: Row[Any]) -> FeedEvent:
    return FeedEvent(
        row.seq,
        row.card_id,
        row.event,
        row.status,
        row.invalid,
        row.at,
        row.tag,
        row.issuer,
        row.type,
        row.valid_from.isoformat(),
        None if row.valid_to is None else row.valid_to.isoformat(),
        tuple(row.path),
    )
