"""Institutions and their branches. `path` leads from the uppermost institution down to each, so that one look tells
whose branch it is; a branch never moves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.evidence.leaves import Receipt
from api.institutions import acts, naming
from api.institutions.errors import AdministrationError
from api.institutions.parameters import MOST_LEVELS
from api.storage.keys import Keys
from api.storage.tables import institutions


class InstitutionExists(AdministrationError):
    """There is an institution, or a branch of the same one, of that name."""

    text = "已有同名机构。\nThere is an institution of that name."


class BranchesTooDeep(AdministrationError):
    """The branch would lie deeper than branches go."""

    text = (
        f"机构层级最多 {MOST_LEVELS} 级，含最上级。\n"
        f"Branches go {MOST_LEVELS} levels deep, the uppermost institution included."
    )


@dataclass(frozen=True)
class Added:
    """A new institution."""

    id: UUID
    name: str
    parent_id: UUID | None
    created_at: datetime
    receipt: Receipt


def add(
    connection: Connection,
    keys: Keys,
    name: str,
    parent_id: UUID | None,
    *,
    actor_id: UUID | None,
    actor_key_id: UUID | None = None,
) -> Added:
    """Make an institution, or a branch of `parent_id`, which has to be there.

    Raises `NameInvalid`, `InstitutionExists` and `BranchesTooDeep`.
    """
    institution_id, name = uuid4(), naming.sound(name)
    path = [*_path(connection, parent_id), institution_id]
    if len(path) > MOST_LEVELS:
        raise BranchesTooDeep
    made = connection.execute(
        upsert(institutions)
        .values(id=institution_id, name=name, parent_id=parent_id, path=path)
        .on_conflict_do_nothing()
        .returning(institutions.c.created_at)
    ).first()
    if made is None:
        raise InstitutionExists
    receipt = acts.record(
        connection,
        keys,
        "institution_added",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=institution_id,
        subject_id=institution_id,
        details={"parent": None if parent_id is None else str(parent_id)},
    )
    return Added(institution_id, name, parent_id, made.created_at, receipt)


def find(connection: Connection, path: str) -> UUID | None:
    """The institution at a path such as `Bank/Branch`, None when there is none. Raises `NameInvalid`."""
    found: UUID | None = None
    for name in naming.split(path):
        found = _child(connection, found, name)
        if found is None:
            return None
    return found


def at(connection: Connection, keys: Keys, path: str, *, actor_id: UUID | None) -> UUID:
    """The institution at a path; those on the way that are new are made. Raises `NameInvalid`, `BranchesTooDeep`."""
    found: UUID | None = None
    for name in naming.split(path):
        child = _child(connection, found, name)
        if child is None:
            try:
                child = add(connection, keys, name, found, actor_id=actor_id).id
            except InstitutionExists:  # made by somebody else since
                child = _child(connection, found, name)
                assert child is not None
        found = child
    assert found is not None
    return found


def written(connection: Connection) -> dict[UUID, str]:
    """Every institution's path as people write it, in that order."""
    rows = connection.execute(select(institutions.c.id, institutions.c.name, institutions.c.path)).all()
    names = {row.id: row.name for row in rows}
    paths = {row.id: naming.SEPARATOR.join(names[step] for step in row.path) for row in rows}
    return dict(sorted(paths.items(), key=lambda entry: entry[1]))


def within(column: ColumnElement[UUID], institution_id: UUID) -> ColumnElement[bool]:
    """Whether the institution in `column` is `institution_id` or one of its branches, at any depth."""
    branches = select(institutions.c.id).where(institutions.c.path.contains([institution_id]))
    return column.in_(branches)


def is_within(connection: Connection, inner_id: UUID, outer_id: UUID) -> bool:
    """Whether an institution is another one or one of its branches, at any depth."""
    return inner_id == outer_id or (
        connection.execute(select(literal(1)).where(within(literal(inner_id), outer_id))).first() is not None
    )


def _child(connection: Connection, parent_id: UUID | None, name: str) -> UUID | None:
    found: UUID | None = connection.execute(
        select(institutions.c.id).where(
            institutions.c.name == name, institutions.c.parent_id.is_not_distinct_from(parent_id)
        )
    ).scalar_one_or_none()
    return found


def _path(connection: Connection, parent_id: UUID | None) -> list[UUID]:
    if parent_id is None:
        return []
    path: list[UUID] = connection.execute(
        select(institutions.c.path).where(institutions.c.id == parent_id)
    ).scalar_one()
    return path
