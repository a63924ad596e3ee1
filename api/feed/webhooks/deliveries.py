"""What is to be delivered next, and what came of it: only an acknowledgement moves a subscription on.

A replica holds a subscription by a lease, which runs out when the replica is killed. What is sent is fixed before the
first attempt: the same message, under the same identifier, until it is acknowledged.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, func, text, update

from api.feed import frames, records
from api.feed.parameters import ATTEMPTS_AT_ONCE, FIRST_PAUSE_S, LEASE, LONGEST_PAUSE_S, MESSAGE_EVENTS
from api.feed.webhooks.subscriptions import sealed_as
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text
from api.storage.statements import Statement
from api.storage.tables import webhooks

_CLAIM = text(f"""
    UPDATE webhooks SET
        lease = :lease,
        leased_until = clock_timestamp() + make_interval(secs => {LEASE.total_seconds()}),
        pending_seq = coalesce(webhooks.pending_seq, least(webhooks.acknowledged_seq + {MESSAGE_EVENTS}, feed_head.seq))
    FROM feed_head WHERE webhooks.id IN (
        SELECT due.id FROM webhooks AS due JOIN principals ON principals.id = due.principal_id, feed_head AS head
        WHERE due.removed_at IS NULL AND principals.disabled_at IS NULL AND due.acknowledged_seq < head.seq
            AND due.next_try_at <= clock_timestamp()
            AND (due.leased_until IS NULL OR due.leased_until < clock_timestamp())
        ORDER BY due.next_try_at LIMIT :most FOR UPDATE OF due SKIP LOCKED
    )
    RETURNING webhooks.*
""").bindparams(bindparam("lease"))  # noqa: S608 - numbers of our own

# Asked every second, for as long as a replica lives, and mostly in vain.
_ANY = Statement("SELECT EXISTS (SELECT FROM webhooks WHERE removed_at IS NULL) AS any")

# After a restore to an earlier point, what was acknowledged lies ahead of the head: numbers will be given again, to
# other changes, which have to be sent.
_BRING_BACK = text("""
    UPDATE webhooks SET acknowledged_seq = feed_head.seq, pending_seq = NULL
    FROM feed_head WHERE webhooks.acknowledged_seq > feed_head.seq
""")


@dataclass(frozen=True)
class Delivery:
    """A message that is due: everything that an attempt needs."""

    webhook_id: UUID
    lease: UUID
    url: str
    secret: bytes
    message_id: str
    body: bytes
    last: int
    failures: int


def any_at_all(connection: Connection) -> bool:
    """Whether there is a subscription; without one there is nothing to claim."""
    found: bool = _ANY.run(connection).fetchone().any
    return found


def claim(connection: Connection, keys: Keys, most: int = ATTEMPTS_AT_ONCE) -> list[Delivery]:
    """Take what is due and held by nobody else, the longest waiting first.

    What cannot be sent now (its events are being tagged anew, its secret does not open) is put off, and holds up
    nobody else.
    """
    connection.execute(_BRING_BACK)
    rows = connection.execute(_CLAIM, {"lease": uuid4(), "most": most}).all()
    return [found for row in rows if (found := _delivery(connection, keys, row)) is not None]


def acknowledge(connection: Connection, delivery: Delivery) -> None:
    """It was taken: the next message follows at once. Nothing where the lease is another's by now."""
    _settle(
        connection,
        delivery,
        acknowledged_seq=delivery.last,
        acknowledged_at=func.clock_timestamp(),
        pending_seq=None,
        failures=0,
        last_failure=None,
        next_try_at=func.clock_timestamp(),
    )


def fail(connection: Connection, delivery: Delivery, failure: str) -> None:
    """It was not: again after a pause that doubles with every failure, and never never."""
    pause = timedelta(seconds=pause_s(delivery.failures))
    _settle(
        connection,
        delivery,
        failures=webhooks.c.failures + 1,
        last_failure=failure,
        next_try_at=func.clock_timestamp() + pause,
    )


def pause_s(failures: int) -> float:
    """The pause after so many failures before this one; drawn, so that many do not come back at the same moment."""
    longest: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 30))
    return longest * SystemRandom().uniform(0.5, 1.0)


def _settle(connection: Connection, delivery: Delivery, **values: Any) -> None:
    _release(connection, delivery.webhook_id, delivery.lease, **values)


def _release(connection: Connection, webhook_id: UUID, lease: UUID, **values: Any) -> None:
    held = (webhooks.c.id == webhook_id) & (webhooks.c.lease == lease)
    connection.execute(update(webhooks).where(held).values(lease=None, leased_until=None, **values))


def _delivery(connection: Connection, keys: Keys, row: Any) -> Delivery | None:
    reader = row.institution_id if row.names_cards else None
    first, last = row.acknowledged_seq + 1, row.pending_seq
    events = [frames.shown(one, reader) for one in records.page(connection, first - 1, last - first + 1, last)]
    if len(events) != last - first + 1:
        _put_off(connection, row, "events_not_ready")
        return None
    try:
        secret = open_text(keys, row.secret_sealed, sealed_as(row.id))
    except SealBroken:
        _put_off(connection, row, "secret_unreadable")
        return None
    body = {"type": "feed.events", "first": first, "last": last, "events": events}
    return Delivery(
        webhook_id=row.id,
        lease=row.lease,
        url=row.url,
        secret=secret,
        message_id=f"{row.id}.{first}-{last}",
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        last=last,
        failures=row.failures,
    )


def _put_off(connection: Connection, row: Any, failure: str) -> None:
    later = func.clock_timestamp() + timedelta(seconds=pause_s(row.failures))
    _release(connection, row.id, row.lease, failures=webhooks.c.failures + 1, last_failure=failure, next_try_at=later)
