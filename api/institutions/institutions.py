"""Institutions and their branches. `path` leads from the uppermost institution down to each, so that one look tells
whose branch it is; a branch never moves."""

from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.institutions import acts
from api.storage.keys import Keys
from api.storage.tables import institutions


def uppermost(connection: Connection, keys: Keys, name: str, *, actor_id: UUID | None) -> UUID:
    """The uppermost institution of that name, made when new."""
    institution_id = uuid4()
    made = connection.execute(
        upsert(institutions)
        .values(id=institution_id, name=name, path=[institution_id])
        .on_conflict_do_nothing()
        .returning(institutions.c.id)
    ).first()
    if made is None:
        found: UUID = connection.execute(
            select(institutions.c.id).where(institutions.c.name == name, institutions.c.parent_id.is_(None))
        ).scalar_one()
        return found
    acts.record(
        connection,
        keys,
        "institution_added",
        actor_id=actor_id,
        institution_id=institution_id,
        subject_id=institution_id,
        details={},
    )
    return institution_id


def within(column: ColumnElement[UUID], institution_id: UUID) -> ColumnElement[bool]:
    """Whether the institution in `column` is `institution_id` or one of its branches, at any depth."""
    branches = select(institutions.c.id).where(institutions.c.path.contains([institution_id]))
    return column.in_(branches)


def is_within(connection: Connection, inner_id: UUID, outer_id: UUID) -> bool:
    """Whether an institution is another one or one of its branches, at any depth."""
    if inner_id == outer_id:
        return True
    found = select(institutions.c.id).where(institutions.c.id == inner_id, institutions.c.path.contains([outer_id]))
    return connection.execute(found).first() is not None
