"""The overrides' storage: what was decided, whether the card may be used at all, rows written and read."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_, update

from api.institutions.caller import Caller
from api.institutions.sight import overrides_seen, verifications_seen
from api.storage.tables import cards, overrides, verifications

_NOW = func.clock_timestamp()
_DECISION: Select[Any] = select(
    verifications.c.id,
    verifications.c.institution_id,
    verifications.c.terminal_id,
    verifications.c.card_id,
    verifications.c.decision,
    verifications.c.document_status,
    verifications.c.decided_at,
    _NOW.label("now"),
)


def decision(connection: Connection, caller: Caller, verification_id: UUID) -> Row[Any] | None:
    """A decision that the caller sees, with the time of now (`now`)."""
    return connection.execute(
        _DECISION.where(verifications.c.id == verification_id, verifications_seen(caller))
    ).first()


def decision_of(connection: Connection, verification_id: UUID) -> Row[Any]:
    """As `decision`, of an override that the caller sees."""
    return connection.execute(_DECISION.where(verifications.c.id == verification_id)).one()


def card_status(connection: Connection, card_id: UUID | None) -> str | None:
    """What the register says of the card now, under a share lock on its row; None where it does not hold it."""
    if card_id is None:
        return None
    found: str = connection.execute(
        select(cards.c.status).where(cards.c.id == card_id).with_for_update(read=True)
    ).scalar_one()
    return found


def standing(connection: Connection, verification_id: UUID) -> bool:
    """Whether somebody went past the decision already, or wants to."""
    wanted = select(overrides.c.id).where(overrides.c.verification_id == verification_id)
    return connection.execute(wanted.where(overrides.c.state != "refused")).first() is not None


def add(connection: Connection, row: dict[str, Any]) -> Row[Any]:
    """Write an override that was entered; gives its row."""
    return connection.execute(
        insert(overrides).values(**row, state="entered", entered_at=_NOW).returning(overrides)
    ).one()


def decide(connection: Connection, override_id: UUID, state: str, decided_by: UUID) -> Row[Any]:
    """Approve or refuse an override; gives its row."""
    return _update(connection, override_id, state=state, decided_by=decided_by, decided_at=_NOW)


def note_leaf(connection: Connection, override_id: UUID, **leaf: bytes) -> None:
    """Keep the hash of a leaf, by which it is found: `entered_leaf` or `decided_leaf`."""
    _update(connection, override_id, **leaf)


def find(connection: Connection, caller: Caller, override_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """An override that the caller sees; with `lock` under the exclusive lock of its row."""
    wanted = select(overrides).where(overrides.c.id == override_id, overrides_seen(caller))
    return connection.execute(wanted.with_for_update() if lock else wanted).first()


def page(
    connection: Connection,
    caller: Caller,
    *,
    state: str | None,
    verification_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> tuple[list[Row[Any]], UUID | None]:
    """Overrides that the caller sees, newest first, and which to name for those that follow."""
    seen = select(overrides).where(overrides_seen(caller))
    place = tuple_(overrides.c.entered_at, overrides.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing.
        last = seen.with_only_columns(overrides.c.entered_at, overrides.c.id).where(overrides.c.id == after).subquery()
        seen = seen.where(place < select(last.c.entered_at, last.c.id).scalar_subquery())
    if state is not None:
        seen = seen.where(overrides.c.state == state)
    if verification_id is not None:
        seen = seen.where(overrides.c.verification_id == verification_id)
    ordered = seen.order_by(overrides.c.entered_at.desc(), overrides.c.id.desc())
    rows = list(connection.execute(ordered.limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _update(connection: Connection, override_id: UUID, **values: Any) -> Row[Any]:
    return connection.execute(
        update(overrides).where(overrides.c.id == override_id).values(**values).returning(overrides)
    ).one()
