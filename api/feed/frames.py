"""Events as they are told: one form for pages, streams and webhooks; each is written once, however many read it.

To those with the right to know it an event names the card; to all others only its tag.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.cards.leaves import written
from api.feed.parameters import RETRY_MS
from api.feed.records import FeedEvent
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.operations.parameters import DRAIN_RETRY_MS

_SPREAD_MS = DRAIN_RETRY_MS[1] - DRAIN_RETRY_MS[0]


def reader(caller: Caller) -> UUID | None:
    """The institution whose cards, and whose branches', an event names to this caller; None: it names none."""
    return caller.institution_id if Scope.READ_CARDS in caller.scopes else None


def shown(event: FeedEvent, institution_id: UUID | None = None) -> dict[str, Any]:
    """An event as it is answered to a reader of the institution."""
    told: dict[str, Any] = {
        "seq": event.seq,
        "at": written(event.at),
        "event": event.event,
        "status": event.status,
        "invalid": event.invalid,
        "tag": event.tag.hex(),
    }
    if institution_id is not None and institution_id in event.registrar:
        told["card"] = {
            "id": str(event.card_id),
            "type": event.type,
            "issuer": event.issuer,
            "valid_from": event.valid_from,
            "valid_to": event.valid_to,
        }
    return told


@dataclass(frozen=True, slots=True)
class Framed:
    """An event as streams send it: for everybody, and for those of `registrar` who may know the card."""

    seq: int
    everybody: bytes
    named: bytes
    registrar: tuple[UUID, ...]

    def to(self, institution_id: UUID | None) -> bytes:
        """The frame for a reader of the institution."""
        return self.named if institution_id is not None and institution_id in self.registrar else self.everybody


def framed(events: Iterable[FeedEvent]) -> list[Framed]:
    """Frames of events, in their order."""
    return [
        Framed(one.seq, _frame(shown(one), one.seq), _frame(shown(one, one.registrar[-1]), one.seq), one.registrar)
        for one in events
    ]


def heartbeat(head: int, as_of: datetime | None, key_id: str) -> bytes:
    """Says that the stream lives, which number was the newest and when: what a client needs to know how old it is.

    `as_of` is the database's clock. A heartbeat has no identifier: it moves nobody on.
    """
    told = {"head": head, "as_of": None if as_of is None else written(as_of.astimezone(UTC)), "key_id": key_id}
    return b"event: head\ndata: " + _json(told) + b"\n\n"


def greeting() -> bytes:
    """The first lines of a stream: how long to wait before connecting again, in milliseconds."""
    return f"retry: {RETRY_MS}\n\n".encode()


def parting() -> bytes:
    """The last lines of a stream whose replica ends: when to connect again, which differs from one to the next."""
    return f": this replica ends\nretry: {DRAIN_RETRY_MS[0] + secrets.randbelow(_SPREAD_MS)}\n\n".encode()


def _frame(told: dict[str, Any], seq: int) -> bytes:
    return f"id: {seq}\ndata: ".encode() + _json(told) + b"\n\n"


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
