"""The holds' storage: what they may be put on, rows written and read, and whether cards are held."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, tuple_, update

from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.institutions.roles import READ_ALL_ACCOUNTS
from api.institutions.sight import cards_seen, duplicates_seen, holds_seen, impostors_seen, verifications_seen
from api.personal.holds.words import HoldState, Subject
from api.storage.tables import cards, duplicate_cases, holds, impostors, institutions, principals, verifications

_NOW = func.clock_timestamp()


def number_of(connection: Connection, caller: Caller, card_id: UUID) -> bytes | None:
    """The keyed hash of the number of a card that the caller sees."""
    found: bytes | None = connection.execute(
        select(cards.c.number_index).where(cards.c.id == card_id, cards_seen(caller))
    ).scalar_one_or_none()
    return found


def is_there(connection: Connection, caller: Caller, subject: Subject, subject_id: UUID) -> bool:
    """Whether the caller may hold this: what they see, and of institutions their own and its branches; who reads the
    accounts of all institutions holds the records of any."""
    every = caller.role in READ_ALL_ACCOUNTS
    wanted: Select[Any]
    if subject is Subject.INSTITUTION:
        wanted = select(institutions.c.id).where(institutions.c.id == subject_id)
        wanted = wanted if every else wanted.where(within(institutions.c.id, caller.institution_id))
    elif subject is Subject.VERIFICATION:
        wanted = select(verifications.c.id).where(verifications.c.id == subject_id)
        wanted = wanted if every else wanted.where(verifications_seen(caller))
    elif subject is Subject.IMPOSTOR:
        wanted = select(impostors.c.id).where(impostors.c.id == subject_id, impostors_seen(caller))
    elif subject is Subject.DUPLICATE:
        wanted = select(duplicate_cases.c.id).where(duplicate_cases.c.id == subject_id, duplicates_seen(caller))
    else:
        return number_of(connection, caller, subject_id) is not None
    return connection.execute(wanted).first() is not None


def add(connection: Connection, row: dict[str, Any]) -> Row[Any]:
    """Write a hold that is put on; gives its row."""
    placed = insert(holds).values(**row, state=HoldState.STANDING.value, placed_at=_NOW)
    return connection.execute(placed.returning(holds)).one()


def change(connection: Connection, hold_id: UUID, **values: Any) -> Row[Any]:
    """Change a hold; gives its row."""
    return connection.execute(update(holds).where(holds.c.id == hold_id).values(**values).returning(holds)).one()


def find(connection: Connection, caller: Caller, hold_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """A hold that the caller sees; with `lock` under the exclusive lock of its row."""
    statement = select(holds).where(holds.c.id == hold_id, holds_seen(caller))
    return connection.execute(statement.with_for_update() if lock else statement).first()


def page(
    connection: Connection, caller: Caller, *, state: HoldState | None, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Holds that the caller sees, newest first, and which to name for those that follow."""
    seen = select(holds).where(holds_seen(caller))
    place = tuple_(holds.c.placed_at, holds.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing.
        last = seen.with_only_columns(holds.c.placed_at, holds.c.id).where(holds.c.id == after).subquery()
        seen = seen.where(place < select(last.c.placed_at, last.c.id).scalar_subquery())
    if state is not None:
        seen = seen.where(holds.c.state == state.value)
    rows = list(connection.execute(seen.order_by(holds.c.placed_at.desc(), holds.c.id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def on_cards(connection: Connection, card_ids: Collection[UUID]) -> bool:
    """Whether a hold keeps what is held of one of these cards: of its person, or of who registered it."""
    place = (
        select(func.unnest(institutions.c.path))
        .join(principals, principals.c.institution_id == institutions.c.id)
        .where(principals.c.id == cards.c.registered_by)
        .correlate(cards)
    )
    of_institution = (holds.c.subject == Subject.INSTITUTION.value) & holds.c.subject_id.in_(place)
    keeps = select(holds.c.id).where(
        holds.c.state != HoldState.LIFTED.value, or_(holds.c.number_index == cards.c.number_index, of_institution)
    )
    held = select(cards.c.id).where(cards.c.id.in_(list(card_ids)), keeps.correlate(cards).exists())
    return connection.execute(held.limit(1)).first() is not None
