"""The alerts' storage: raised with what they are about, read by those they are for, closed once."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, func, select, tuple_, update
from sqlalchemy import insert as insert_row

from api.institutions import institutions
from api.institutions.caller import Caller
from api.storage.tables import alerts


def insert(
    connection: Connection,
    kind: str,
    institution_id: UUID,
    *,
    card_id: UUID | None,
    details: dict[str, Any],
    at: datetime,
) -> UUID:
    """Raise an alert for an institution. `details` hold no names and no numbers; `card_id` is a card of its own."""
    alert_id = uuid4()
    row = {"id": alert_id, "kind": kind, "institution_id": institution_id, "card_id": card_id}
    connection.execute(insert_row(alerts).values(**row, details=details, raised_at=at))
    return alert_id


def seen_by(caller: Caller) -> ColumnElement[bool]:
    """Whether an alert is for the caller's institution or one of its branches."""
    return institutions.within(alerts.c.institution_id, caller.institution_id)


def find(connection: Connection, caller: Caller, alert_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """An alert that the caller may see; with `lock` under the exclusive lock of its row."""
    statement = select(alerts).where(alerts.c.id == alert_id, seen_by(caller))
    return connection.execute(statement.with_for_update() if lock else statement).first()


def page(
    connection: Connection, caller: Caller, *, still_open: bool | None, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Alerts that the caller may see, newest first, and whom to name for those that follow."""
    seen = select(alerts).where(seen_by(caller))
    place = tuple_(alerts.c.raised_at, alerts.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing.
        last = seen.with_only_columns(alerts.c.raised_at, alerts.c.id).where(alerts.c.id == after).subquery()
        seen = seen.where(place < select(last.c.raised_at, last.c.id).scalar_subquery())
    if still_open is not None:
        seen = seen.where(alerts.c.closed_at.is_(None) if still_open else alerts.c.closed_at.is_not(None))
    rows = list(connection.execute(seen.order_by(alerts.c.raised_at.desc(), alerts.c.id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def close(connection: Connection, alert_id: UUID, closed_by: UUID, note: str) -> datetime:
    """Close an open alert; gives the time."""
    closed_at: datetime = connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id)
        .values(closed_at=func.clock_timestamp(), closed_by=closed_by, note=note)
        .returning(alerts.c.closed_at)
    ).scalar_one()
    return closed_at
