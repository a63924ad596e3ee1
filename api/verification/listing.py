"""Decisions read again: one by its identifier, or page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, tuple_

from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.sight import verifications_seen
from api.storage.tables import verifications

SUMMARY = (
    verifications.c.id,
    verifications.c.decided_at,
    verifications.c.decision,
    verifications.c.document_status,
    verifications.c.person_verdict,
    verifications.c.channel,
    verifications.c.purpose,
    verifications.c.terminal_id,
    verifications.c.operator_id,
    verifications.c.institution_id,
)


@dataclass(frozen=True)
class Wanted:
    """Which decisions are asked for; None: any. `since` is inclusive, `until` is not."""

    decision: str | None = None
    terminal_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(connection: Connection, caller: Caller, verification_id: UUID) -> dict[str, Any] | None:
    """The answer as it was given; None for one that is not the caller's to see, and for an unknown one.

    Raises `ServiceError` `removed_by_retention` where its time is over.
    """
    asked = select(verifications.c.answer, verifications.c.removed_at)
    row = connection.execute(
        asked.where(verifications.c.id == verification_id, verifications_seen(caller))
    ).one_or_none()
    if row is None:
        return None
    if row.removed_at is not None:
        raise ServiceError("removed_by_retention")
    found: dict[str, Any] = row.answer
    return found


def page(
    connection: Connection, caller: Caller, wanted: Wanted, *, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Summaries, newest first, and which to name for those that follow."""
    place = tuple_(verifications.c.decided_at, verifications.c.id)
    seen = select(*SUMMARY).where(verifications_seen(caller))
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing, not even its time.
        last = (
            select(verifications.c.decided_at, verifications.c.id)
            .where(verifications_seen(caller), verifications.c.id == after)
            .subquery()
        )
        seen = seen.where(place < select(last.c.decided_at, last.c.id).scalar_subquery())
    filters = {
        verifications.c.decision: wanted.decision,
        verifications.c.terminal_id: wanted.terminal_id,
    }
    seen = seen.where(*(column == value for column, value in filters.items() if value is not None))
    if wanted.since is not None:
        seen = seen.where(verifications.c.decided_at >= wanted.since)
    if wanted.until is not None:
        seen = seen.where(verifications.c.decided_at < wanted.until)
    rows: list[Row[Any]] = list(
        connection.execute(seen.order_by(verifications.c.decided_at.desc(), verifications.c.id.desc()).limit(limit + 1))
    )
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None
