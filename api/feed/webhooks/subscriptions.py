"""Subscriptions: made and removed, each an act with its leaf, and seen with how far they are."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update

from api.cards.leaves import written
from api.errors import ServiceError
from api.feed import frames, records
from api.feed.parameters import SECRET_BYTES, SUBSCRIPTIONS_EACH
from api.feed.webhooks import signing
from api.institutions import acts, institutions
from api.institutions.caller import Caller
from api.storage import idempotency
from api.storage.keys import Keys
from api.storage.recordkeys.texts import seal_text
from api.storage.tables import principals, webhooks


def add(connection: Connection, keys: Keys, *, caller: Caller, url: str, after: int | None) -> dict[str, Any]:
    """Subscribe the caller's institution, from the number `after` on, or from now; `key` is shown this once.

    Raises `ServiceError` `webhooks_too_many` and `feed_position_unknown`.
    """
    idempotency.lock(connection, "webhooks", str(caller.institution_id))
    own = select(func.count()).where(
        webhooks.c.institution_id == caller.institution_id, webhooks.c.removed_at.is_(None)
    )
    if connection.execute(own).scalar_one() >= SUBSCRIPTIONS_EACH:
        raise ServiceError("webhooks_too_many")
    head = records.head(connection).seq
    if after is not None and after > head:
        raise ServiceError("feed_position_unknown")
    webhook_id, secret = uuid4(), secrets.token_bytes(SECRET_BYTES)
    begin = head if after is None else after
    names_cards = frames.reader(caller) is not None
    row = connection.execute(
        insert(webhooks)
        .values(
            id=webhook_id,
            institution_id=caller.institution_id,
            principal_id=caller.principal_id,
            url=url,
            secret_sealed=seal_text(keys, secret, sealed_as(webhook_id)),
            names_cards=names_cards,
            acknowledged_seq=begin,
            next_try_at=func.clock_timestamp(),
        )
        .returning(webhooks)
    ).one()
    details = {"after": begin, "names_cards": names_cards}
    receipt = _record(connection, keys, caller, "webhook_added", row, details)
    return {**shown(row), "key": signing.written(secret), "receipt": receipt}


def remove(connection: Connection, keys: Keys, *, caller: Caller, webhook_id: UUID) -> dict[str, Any]:
    """End a subscription that the caller sees. Raises `ServiceError` `not_found` and `already_revoked`."""
    found = select(webhooks).where(webhooks.c.id == webhook_id, seen_by(caller)).with_for_update()
    row = connection.execute(found).first()
    if row is None:
        raise ServiceError("not_found")
    if row.removed_at is not None:
        raise ServiceError("already_revoked")
    at: datetime = connection.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(removed_at=func.clock_timestamp(), lease=None, leased_until=None)
        .returning(webhooks.c.removed_at)
    ).scalar_one()
    receipt = _record(connection, keys, caller, "webhook_removed", row, {"acknowledged": row.acknowledged_seq})
    return {"id": str(webhook_id), "removed_at": written(at), "receipt": receipt}


def page(connection: Connection, caller: Caller, after: UUID | None, limit: int) -> dict[str, Any]:
    """The subscriptions that the caller sees and that were not removed, newest first."""
    asked = (
        select(webhooks, principals.c.disabled_at)
        .join(principals, principals.c.id == webhooks.c.principal_id)
        .where(seen_by(caller), webhooks.c.removed_at.is_(None))
    )
    place = tuple_(webhooks.c.created_at, webhooks.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing.
        last = select(webhooks.c.created_at, webhooks.c.id).where(webhooks.c.id == after, seen_by(caller)).subquery()
        asked = asked.where(place < select(last.c.created_at, last.c.id).scalar_subquery())
    ordered = asked.order_by(webhooks.c.created_at.desc(), webhooks.c.id.desc()).limit(limit + 1)
    rows = connection.execute(ordered).all()
    items = [{**shown(row), "ended": row.disabled_at is not None} for row in rows[:limit]]
    return {"items": items, "next": items[-1]["id"] if len(rows) > limit else None}


def seen_by(caller: Caller) -> Any:
    """Whether a subscription is of the caller's institution or one of its branches."""
    return institutions.within(webhooks.c.institution_id, caller.institution_id)


def shown(row: Row[Any]) -> dict[str, Any]:
    """A subscription as it is answered; never its secret."""
    return {
        "id": str(row.id),
        "institution_id": str(row.institution_id),
        "url": row.url,
        "names_cards": row.names_cards,
        "created_at": written(row.created_at),
        "acknowledged_seq": row.acknowledged_seq,
        "acknowledged_at": None if row.acknowledged_at is None else written(row.acknowledged_at),
        "failures": row.failures,
        "last_failure": row.last_failure,
        "next_try_at": written(row.next_try_at),
    }


def sealed_as(webhook_id: UUID) -> str:
    """The record that a secret's envelope belongs to."""
    return f"webhook:{webhook_id}:secret"


def _record(
    connection: Connection, keys: Keys, caller: Caller, act: str, row: Row[Any], details: dict[str, Any]
) -> dict[str, str]:
    return acts.record(
        connection,
        keys,
        act,
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        institution_id=row.institution_id,
        subject_id=row.id,
        details=details,
    ).as_json()
