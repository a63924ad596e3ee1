"""The disputes' storage: opened at a counter, read by those who answer for the check, resolved once."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_, update

from api.institutions.caller import Caller
from api.institutions.sight import accounts_seen
from api.storage.tables import check_disputes, verifications

_NOW = func.clock_timestamp()


def check(connection: Connection, number: bytes, verification_id: UUID) -> Row[Any] | None:
    """A check of this number, wherever it was made."""
    row = verifications.c
    wanted: Select[Any] = select(row.id, row.institution_id, row.terminal_id)
    return connection.execute(wanted.where(row.id == verification_id, row.number_index == number)).first()


def is_open(connection: Connection, verification_id: UUID) -> bool:
    """Whether the check is disputed already."""
    row = check_disputes.c
    wanted = select(row.id).where(row.verification_id == verification_id, row.state == "open")
    return connection.execute(wanted).first() is not None


def add(connection: Connection, row: dict[str, Any]) -> Row[Any]:
    """Write a dispute; gives its row."""
    return connection.execute(
        insert(check_disputes).values(**row, state="open", opened_at=_NOW).returning(check_disputes)
    ).one()


def resolve(connection: Connection, dispute_id: UUID, state: str, resolved_by: UUID, note_sealed: bytes) -> Row[Any]:
    """End a dispute as upheld or rejected; gives its row."""
    return _update(
        connection, dispute_id, state=state, resolved_by=resolved_by, resolved_at=_NOW, note_sealed=note_sealed
    )


def note_leaf(connection: Connection, dispute_id: UUID, **leaf: bytes) -> None:
    """Keep the hash of a leaf: `opened_leaf` or `resolved_leaf`."""
    _update(connection, dispute_id, **leaf)


def find(connection: Connection, caller: Caller, dispute_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """A dispute of a check for which the caller answers; with `lock` under the exclusive lock of its row."""
    wanted = select(check_disputes).where(
        check_disputes.c.id == dispute_id, accounts_seen(caller, check_disputes.c.institution_id)
    )
    return connection.execute(wanted.with_for_update() if lock else wanted).first()


def page(
    connection: Connection, caller: Caller, *, state: str | None, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Disputes within the caller's reach, newest first, and which to name for those that follow."""
    row = check_disputes.c
    seen = select(check_disputes).where(accounts_seen(caller, row.institution_id))
    place = tuple_(row.opened_at, row.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing.
        last = seen.with_only_columns(row.opened_at, row.id).where(row.id == after).subquery()
        seen = seen.where(place < select(last.c.opened_at, last.c.id).scalar_subquery())
    if state is not None:
        seen = seen.where(row.state == state)
    rows = list(connection.execute(seen.order_by(row.opened_at.desc(), row.id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _update(connection: Connection, dispute_id: UUID, **values: Any) -> Row[Any]:
    return connection.execute(
        update(check_disputes).where(check_disputes.c.id == dispute_id).values(**values).returning(check_disputes)
    ).one()
