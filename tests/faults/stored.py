"""What is there afterwards: the rows of the database, and what the service answers when it is asked again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.evidence import leaves
from api.storage.keys import Keys
from api.storage.sealing import keyed_hash
from api.storage.tables import (
    card_events,
    cards,
    evidence,
    evidence_texts,
    idempotency,
    nonces,
    templates,
    verifications,
)
from tests.faults.clients import Client
from tests.faults.history import Answer, Operation


@dataclass(frozen=True)
class Decided:
    """A row of `verifications`."""

    id: str
    card_id: str | None
    decision: str
    decided_at: datetime
    answer: dict[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A row of `evidence`; `sound`: the hash is the leaf's, and the signature the service's."""

    kind: str
    subject_id: str
    body: dict[str, Any]
    text: str
    sound: bool


@dataclass(frozen=True)
class Event:
    """A row of `card_events`."""

    id: str
    card_id: str
    event: str
    status: str
    recorded_at: datetime


@dataclass(frozen=True)
class Kept:
    """A row of `idempotency`."""

    key: str
    status: int
    answer: dict[str, Any]


@dataclass
class Stored:
    """Everything, rows as they are.

    `read` holds GET's answers by the verification's identifier, `replayed` the answers to operations that were sent
    again, by their key; `used_nonces` are the keys of operations whose nonce is used up.
    """

    decisions: list[Decided] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    card_status: dict[str, str] = field(default_factory=dict)
    templates: dict[str, int] = field(default_factory=dict)
    nonces: int = 0
    used_nonces: set[str] = field(default_factory=set)
    read: dict[str, Answer | None] = field(default_factory=dict)
    replayed: dict[str, Answer | None] = field(default_factory=dict)


def collect(connection: Connection, keys: Keys, operations: Iterable[Operation]) -> Stored:
    """Read every row. Of nonces only hashes are stored: the operations' are hashed to look for them."""
    public_key = keys.signing.public_key().public_bytes_raw()
    used = set(connection.execute(select(nonces.c.nonce_hash).where(nonces.c.used_at.is_not(None))).scalars())
    found = Stored(
        kept=[Kept(row.key, row.status_code, row.answer) for row in connection.execute(select(idempotency))],
        card_status={str(row.id): row.status for row in connection.execute(select(cards.c.id, cards.c.status))},
        nonces=len(used),
        used_nonces={
            one.key
            for one in operations
            if one.kind == "verification" and keyed_hash(keys.index, "nonce", one.body["nonce"]) in used
        },
    )
    for row in connection.execute(select(verifications)):
        found.decisions.append(Decided(str(row.id), _text(row.card_id), row.decision, row.decided_at, row.answer))
    for row in connection.execute(
        select(evidence, evidence_texts)
        .join(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
        .order_by(evidence.c.seq)
    ):
        sound = row.leaf_hash == leaves.leaf_hash(row.leaf) and leaves.verify(
            public_key, row.leaf, row.include_by.isoformat(), row.signature
        )
        found.leaves.append(Leaf(row.kind, str(row.subject_id), json.loads(row.leaf), row.leaf, sound))
    for row in connection.execute(select(card_events)):
        found.events.append(Event(str(row.id), str(row.card_id), row.event, row.status, row.recorded_at))
    for card_id in connection.execute(select(templates.c.card_id)).scalars():
        found.templates[str(card_id)] = found.templates.get(str(card_id), 0) + 1
    return found


def ask_again(found: Stored, clients: Sequence[Client], operations: Iterable[Operation]) -> None:
    """Send acknowledged operations again under their keys, and read their decisions."""
    for one in operations:
        if one.acknowledged and one.answer is not None:
            found.replayed[one.key] = clients[one.client].send(one)
            if one.kind == "verification":
                told = json.loads(one.answer.content)["id"]
                found.read[told] = clients[one.client].read(told)


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
