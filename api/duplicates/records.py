"""The storage of cases: written by searches, ranked, decided by people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update

from api.duplicates.content import Member
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen, duplicates_seen
from api.storage.tables import (
    cards,
    duplicate_cases,
    duplicate_members,
    duplicate_pairs,
    principals,
)

WAITING = ("open", "proposed")
"""The states of cases that nobody has decided."""


@dataclass(frozen=True)
class Known:
    """A pair of an earlier search: `first` and `second` are numbers' keyed hashes; `same` is what was decided of it,
    None where nothing was."""

    case_id: UUID
    state: str
    opened_at: Any
    first: bytes
    second: bytes
    compared: bytes
    same: bool | None


def known(connection: Connection) -> list[Known]:
    """Every pair of every case that was not superseded, the oldest cases first."""
    one, other = duplicate_members.alias("one"), duplicate_members.alias("other")
    statement = (
        select(
            duplicate_cases.c.id,
            duplicate_cases.c.state,
            duplicate_cases.c.opened_at,
            one.c.number_index.label("first"),
            other.c.number_index.label("second"),
            duplicate_pairs.c.compared,
            (one.c.same & other.c.same).label("both"),
        )
        .join(duplicate_pairs, duplicate_pairs.c.case_id == duplicate_cases.c.id)
        .join(one, one.c.id == duplicate_pairs.c.first)
        .join(other, other.c.id == duplicate_pairs.c.second)
        .where(duplicate_cases.c.state != "superseded")
        .order_by(duplicate_cases.c.opened_at, duplicate_cases.c.id)
    )
    return [
        Known(
            row.id,
            row.state,
            row.opened_at,
            bytes(row.first),
            bytes(row.second),
            bytes(row.compared),
            None if row.state in WAITING else bool(row.both),
        )
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True)
class MemberPair:
    """Two members of a case; `compared` stands for the templates."""

    first: UUID
    second: UUID
    kind: str
    llr: float
    scores: dict[str, Any] = field(repr=False)
    compared: bytes


def hold_waiting(connection: Connection) -> None:
    """Keep everybody from deciding a case until the transaction ends."""
    connection.execute(
        select(duplicate_cases.c.id)
        .where(duplicate_cases.c.state.in_(WAITING))
        .order_by(duplicate_cases.c.id)
        .with_for_update()
    ).all()


def members(connection: Connection, case_id: UUID) -> list[Row[Any]]:
    """The people of a case, in the order of their identifiers."""
    held = select(duplicate_members).where(duplicate_members.c.case_id == case_id)
    return list(connection.execute(held.order_by(duplicate_members.c.id)))


def add(connection: Connection, case_id: UUID, **values: Any) -> None:
    """Open a case; its content is written by `fill`."""
    connection.execute(
        insert(duplicate_cases).values(id=case_id, state="open", revision=1, opened_at=func.clock_timestamp(), **values)
    )


def fill(connection: Connection, case_id: UUID, people: Sequence[Member], pairs: Sequence[MemberPair]) -> None:
    """Put members and pairs in the place of what a case holds."""
    connection.execute(delete(duplicate_pairs).where(duplicate_pairs.c.case_id == case_id))
    connection.execute(delete(duplicate_members).where(duplicate_members.c.case_id == case_id))
    rows = [{"id": one.id, "case_id": case_id, "number_index": one.number} for one in people]
    connection.execute(insert(duplicate_members), rows)
    connection.execute(insert(duplicate_pairs), [{"case_id": case_id, **vars(one)} for one in pairs])


def change(connection: Connection, case_id: UUID, **values: Any) -> Row[Any]:
    """Change a case; gives its row."""
    return connection.execute(
        update(duplicate_cases).where(duplicate_cases.c.id == case_id).values(**values).returning(duplicate_cases)
    ).one()


def take_for_same(connection: Connection, case_id: UUID, same: Collection[UUID] | None) -> None:
    """Note which members a decision takes for one person; None: no decision stands."""
    verdict = None if same is None else duplicate_members.c.id.in_(same)
    connection.execute(update(duplicate_members).where(duplicate_members.c.case_id == case_id).values(same=verdict))


def find(connection: Connection, caller: Caller, case_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """A case that the caller reaches; with `lock` under the exclusive lock of its row."""
    statement = select(duplicate_cases).where(duplicate_cases.c.id == case_id, duplicates_seen(caller))
    return connection.execute(statement.with_for_update() if lock else statement).first()


def page(
    connection: Connection, caller: Caller, *, state: str | None, kind: str | None, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Cases that the caller reaches, the strongest first, and which to name for those that follow."""
    seen = select(duplicate_cases).where(duplicates_seen(caller))
    place = tuple_(duplicate_cases.c.llr, duplicate_cases.c.id)
    if after is not None:
        # Looked up among what the caller reaches: another's identifier tells nothing.
        columns = (duplicate_cases.c.llr, duplicate_cases.c.id)
        last = seen.with_only_columns(*columns).where(duplicate_cases.c.id == after).subquery()
        seen = seen.where(place < select(last.c.llr, last.c.id).scalar_subquery())
    if state is not None:
        seen = seen.where(duplicate_cases.c.state == state)
    if kind is not None:
        seen = seen.where(duplicate_cases.c.kind == kind)
    ranked = seen.order_by(duplicate_cases.c.llr.desc(), duplicate_cases.c.id.desc())
    rows = list(connection.execute(ranked.limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def people_of(connection: Connection, caller: Caller, case_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Who is in cases: the cards of each that the caller sees, and which institutions registered any."""
    own = func.array_agg(cards.c.id.distinct()).filter(cards_seen(caller))
    statement = (
        select(
            duplicate_members.c.id,
            duplicate_members.c.case_id,
            duplicate_members.c.same,
            own.label("cards"),
            func.array_agg(principals.c.institution_id.distinct()).label("institutions"),
        )
        .join(cards, cards.c.number_index == duplicate_members.c.number_index)
        .join(principals, principals.c.id == cards.c.registered_by)
        .where(duplicate_members.c.case_id.in_(case_ids))
        .group_by(duplicate_members.c.id)
        .order_by(duplicate_members.c.id)
    )
    found: dict[UUID, list[dict[str, Any]]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(statement):
        found[row.case_id].append(
            {
                "id": str(row.id),
                "same": row.same,
                "cards": sorted(str(one) for one in row.cards or ()),
                "institutions": sorted(str(one) for one in row.institutions),
            }
        )
    return found


def pairs_of(connection: Connection, case_ids: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The pairs of cases, the strongest first."""
    statement = (
        select(duplicate_pairs)
        .where(duplicate_pairs.c.case_id.in_(case_ids))
        .order_by(duplicate_pairs.c.llr.desc(), duplicate_pairs.c.first, duplicate_pairs.c.second)
    )
    found: dict[UUID, list[Row[Any]]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(statement):
        found[row.case_id].append(row)
    return found
