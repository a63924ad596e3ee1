"""What a caller may see of institutions and principals, page by page."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Table, select, tuple_

from api.institutions.administration import reach
from api.institutions.caller import Caller
from api.institutions.credentials import signer
from api.institutions.roles import Role
from api.storage.tables import credentials, institutions, principals


def me(connection: Connection, caller: Caller) -> dict[str, Any]:
    """The caller as the service sees it."""
    row = connection.execute(
        select(principals.c.name, credentials.c.expires_at)
        .join(credentials, credentials.c.principal_id == principals.c.id)
        .where(credentials.c.id == caller.key_id)
    ).one()
    own = connection.execute(select(institutions).where(institutions.c.id == caller.institution_id)).one()
    return {
        "id": caller.principal_id,
        "name": row.name,
        "role": caller.role,
        "channel": caller.channel,
        "institution": _institution(caller, own),
        "scopes": sorted(caller.scopes),
        "key": {"id": caller.key_id, "expires_at": row.expires_at, "signed_by": signer(caller.public_key)},
    }


def institutions_page(connection: Connection, caller: Caller, after: UUID | None, limit: int) -> dict[str, Any]:
    """Institutions within the caller's reach."""
    seen = select(institutions).where(reach(caller, institutions.c.id))
    rows, following = _page(connection, institutions, seen, after, limit)
    return {"items": [_institution(caller, row) for row in rows], "next": following}


def principals_page(
    connection: Connection,
    caller: Caller,
    institution_id: UUID | None,
    role: Role | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Principals within the caller's reach; of one institution or role where asked for."""
    seen = select(principals).where(reach(caller, principals.c.institution_id))
    if institution_id is not None:
        seen = seen.where(principals.c.institution_id == institution_id)
    if role is not None:
        seen = seen.where(principals.c.role == role.value)
    rows, following = _page(connection, principals, seen, after, limit)
    return {"items": [principal(row) for row in rows], "next": following}


def principal(row: Row[Any]) -> dict[str, Any]:
    """A row of `principals` as answered."""
    return {
        name: getattr(row, name)
        for name in ("id", "institution_id", "name", "role", "channel", "created_at", "disabled_at")
    }


def _institution(caller: Caller, row: Row[Any]) -> dict[str, Any]:
    # Whose branch one's own institution is lies beyond one's reach.
    own = row.id == caller.institution_id
    return {
        "id": row.id,
        "name": row.name,
        "parent_id": None if own else row.parent_id,
        "created_at": row.created_at,
    }


def _page(
    connection: Connection, table: Table, seen: Select[Any], after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Rows after the one named `after`, oldest first, and whom to name for those that follow."""
    place = tuple_(table.c.created_at, table.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing, not even its age.
        last = seen.with_only_columns(table.c.created_at, table.c.id).where(table.c.id == after).subquery()
        seen = seen.where(place > select(last.c.created_at, last.c.id).scalar_subquery())
    rows = list(connection.execute(seen.order_by(table.c.created_at, table.c.id).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None
