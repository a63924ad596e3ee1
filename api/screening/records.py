"""The impostor list's storage: entries, the numbers of its changes, and what a replica reads of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, insert, literal_column, select, text, tuple_, update

from api.institutions.caller import Caller
from api.institutions.sight import impostors_seen
from api.storage.statements import Statement
from api.storage.tables import impostor_list, impostor_templates, impostors

SEQUENCE = select(impostor_list.c.sequence).scalar_subquery()
"""The number of the last change, for statements that ask for more."""

_NEXT = text("UPDATE impostor_list SET sequence = sequence + 1 RETURNING sequence")
# The clock of the statement: of `clock_timestamp()` no index is searched, for it may change from row to row.
_DAY = "(statement_timestamp() AT TIME ZONE 'Asia/Shanghai')::date"
_TODAY: ColumnElement[date] = literal_column(_DAY)
_TEMPLATE = """
    t.id AS template_id, t.impostor_id, t.modality, t.position, t.engine, t.template_sealed,
    i.listed_seq, i.unlisted_seq, i.expires_on, i.institution_id
"""
# What happened after a number, and the number that this comes to: one statement sees one state of the list.
CHANGES = Statement(
    f"""
    SELECT list.sequence, {_TEMPLATE}
    FROM impostor_list AS list
    LEFT JOIN impostors AS i ON i.listed_seq > %(after)s OR i.unlisted_seq > %(after)s
    LEFT JOIN impostor_templates AS t ON t.impostor_id = i.id AND i.unlisted_seq IS NULL
    ORDER BY i.listed_seq
    """  # noqa: S608 - our own expressions
)
# Parameter `keys`: the entries under them that are still listed, today.
CANDIDATES = Statement(
    f"""
    SELECT {_TEMPLATE}, i.id
    FROM impostors AS i JOIN impostor_templates AS t ON t.impostor_id = i.id
    WHERE i.listed_seq = ANY(%(keys)s) AND i.unlisted_seq IS NULL
        AND i.expires_on >= {_DAY}
    """  # noqa: S608 - as above
)
# The whole list, read as it comes; parameter `modality`.
WHOLE = text(
    f"""
    SELECT {_TEMPLATE}
    FROM impostors AS i JOIN impostor_templates AS t ON t.impostor_id = i.id
    WHERE i.listed_seq IS NOT NULL AND i.unlisted_seq IS NULL AND t.modality = :modality
    ORDER BY i.listed_seq, t.position
    """  # noqa: S608 - as above
)
# Which list it is that has a number: a database that was brought back gives its numbers once more, to other changes.
# Asked every second, for as long as a replica lives.
_LAST = Statement(select(SEQUENCE.label("sequence")))
_MARK = Statement(
    """
    SELECT concat(id, ' ', extract(epoch FROM
        CASE WHEN unlisted_seq = %(number)s THEN ended_at ELSE approved_at END)) AS mark
    FROM impostors WHERE listed_seq = %(number)s OR unlisted_seq = %(number)s
    """
)
_LISTED = (
    select(impostor_templates.c.modality, impostor_templates.c.engine, func.count().label("templates"))
    .join(impostors, impostors.c.id == impostor_templates.c.impostor_id)
    .where(impostors.c.listed_seq.is_not(None), impostors.c.unlisted_seq.is_(None))
    .group_by(impostor_templates.c.modality, impostor_templates.c.engine)
)


@dataclass(frozen=True)
class Entered:
    """An entry as it is proposed."""

    id: UUID
    ground: str
    case_sealed: bytes
    review_on: date
    expires_on: date


def today(connection: Connection) -> date:
    """The day in Asia/Shanghai, by the database's clock."""
    day: date = connection.execute(select(_TODAY)).scalar_one()
    return day


def mark(connection: Connection, sequence: int) -> str:
    """The change that took a number of the list, by its entry and its moment; nothing where none did."""
    found = _MARK.run(connection, number=sequence).fetchone()
    return "" if found is None else str(found.mark)


def last(connection: Connection) -> int:
    """The number of the list's last change."""
    found: int = _LAST.run(connection).fetchone().sequence
    return found


def add(connection: Connection, entered: Entered, caller: Caller) -> Row[Any]:
    """Write a proposed entry; gives its row."""
    return connection.execute(
        insert(impostors)
        .values(
            id=entered.id,
            state="proposed",
            ground=entered.ground,
            case_sealed=entered.case_sealed,
            institution_id=caller.institution_id,
            entered_by=caller.principal_id,
            entered_at=func.clock_timestamp(),
            review_on=entered.review_on,
            expires_on=entered.expires_on,
        )
        .returning(impostors)
    ).one()


def find(connection: Connection, caller: Caller, impostor_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """An entry that the caller reaches, with the day of today; with `lock` under the exclusive lock of its row."""
    statement = select(impostors, _TODAY.label("today")).where(impostors.c.id == impostor_id, impostors_seen(caller))
    return connection.execute(statement.with_for_update(of=impostors) if lock else statement).first()


def page(
    connection: Connection, caller: Caller, *, state: str | None, due: bool, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Entries that the caller reaches, newest first, and whom to name for those that follow; `due`: for a review."""
    seen = select(impostors, _TODAY.label("today")).where(impostors_seen(caller))
    place = tuple_(impostors.c.entered_at, impostors.c.id)
    if after is not None:
        # Looked up among what the caller reaches: another's identifier tells nothing.
        last = seen.with_only_columns(impostors.c.entered_at, impostors.c.id).where(impostors.c.id == after).subquery()
        seen = seen.where(place < select(last.c.entered_at, last.c.id).scalar_subquery())
    if state is not None:
        seen = seen.where(impostors.c.state == state)
    if due:
        seen = seen.where(impostors.c.state == "approved", impostors.c.review_on <= _TODAY)
    rows = list(
        connection.execute(seen.order_by(impostors.c.entered_at.desc(), impostors.c.id.desc()).limit(limit + 1))
    )
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def templates_of(connection: Connection, impostor_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """What is held of entries: modality, position and engine of each template."""
    columns = (impostor_templates.c.modality, impostor_templates.c.position, impostor_templates.c.engine)
    rows = connection.execute(
        select(impostor_templates.c.impostor_id, *columns)
        .where(impostor_templates.c.impostor_id.in_(impostor_ids))
        .order_by(impostor_templates.c.modality, impostor_templates.c.position)
    )
    found: dict[UUID, list[dict[str, Any]]] = {one: [] for one in impostor_ids}
    for row in rows:
        found[row.impostor_id].append({"modality": row.modality, "position": row.position, "engine": row.engine})
    return found


def take_number(connection: Connection) -> int:
    """The number of a change of the list: it follows the order of the commits, for the row is held to the commit.

    To be taken after every other lock, so that nobody waits for an entry while holding it.
    """
    number: int = connection.execute(_NEXT).scalar_one()
    return number


def approve(connection: Connection, impostor_id: UUID, approved_by: UUID) -> Row[Any]:
    """Put a proposed entry on the list; gives its row, as all that follow."""
    number = take_number(connection)
    return _update(
        connection,
        impostor_id,
        state="approved",
        approved_by=approved_by,
        approved_at=func.clock_timestamp(),
        listed_seq=number,
    )


def end(
    connection: Connection, impostor_id: UUID, state: str, ended_by: UUID | None, reason: str | None, *, listed: bool
) -> Row[Any]:
    """End an entry; `listed`: it was on the list, whose number moves on."""
    number = take_number(connection) if listed else None
    return _update(
        connection,
        impostor_id,
        state=state,
        ended_by=ended_by,
        ended_at=func.clock_timestamp(),
        reason=reason,
        unlisted_seq=number,
    )


def review(connection: Connection, impostor_id: UUID, review_on: date) -> Row[Any]:
    """Set when somebody has to look at an entry next."""
    return _update(connection, impostor_id, review_on=review_on)


def overdue(connection: Connection, limit: int) -> list[Row[Any]]:
    """Entries whose time is over, each locked; those that somebody holds are passed over."""
    rows: Iterable[Row[Any]] = connection.execute(
        select(impostors.c.id, impostors.c.state, impostors.c.institution_id)
        .where(impostors.c.state.in_(("proposed", "approved")), impostors.c.expires_on < _TODAY)
        .order_by(impostors.c.expires_on)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [*rows]


def listed(connection: Connection) -> dict[tuple[str, str], int]:
    """How many templates of each modality and engine the list holds."""
    return {(row.modality, row.engine): row.templates for row in connection.execute(_LISTED)}


def _update(connection: Connection, impostor_id: UUID, **values: Any) -> Row[Any]:
    return connection.execute(
        update(impostors).where(impostors.c.id == impostor_id).values(**values).returning(impostors)
    ).one()
