"""Terminals and people: making them, disabling them, and finding out who holds a key."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.institutions import acts, credentials
from api.institutions import institutions as places
from api.institutions.caller import Caller
from api.institutions.roles import AT_THE_COUNTER, ROLE_SCOPES, Role, Scope
from api.storage.keys import Keys
from api.storage.tables import credentials as keys_table
from api.storage.tables import institutions, principals


class PrincipalExists(Exception):
    """The institution has a terminal or a member of staff of that name."""


# Built once: it is part of every request.
_HOLDER = (
    select(
        principals.c.id,
        principals.c.institution_id,
        principals.c.role,
        principals.c.channel,
        principals.c.requests_per_minute,
        keys_table.c.id.label("key_id"),
        keys_table.c.scopes,
        keys_table.c.public_key,
        keys_table.c.used_at,
    )
    .join(principals, principals.c.id == keys_table.c.principal_id)
    .where(keys_table.c.key_hash == bindparam("key_hash"), credentials.live())
)


@dataclass(frozen=True)
class Added:
    """A new principal with its first key, shown this once."""

    id: UUID
    institution_id: UUID
    key: str


def add(
    connection: Connection,
    keys: Keys,
    institution: str,
    name: str,
    role: Role,
    *,
    channel: str | None = None,
    requests_per_minute: int | None = None,
    actor_id: UUID | None = None,
) -> Added:
    """Make a principal, and its institution (an uppermost one) when new. Raises `PrincipalExists`."""
    institution_id = places.uppermost(connection, keys, institution, actor_id=actor_id)
    principal_id = uuid4()
    row = (
        upsert(principals)
        .values(
            id=principal_id,
            institution_id=institution_id,
            name=name,
            role=role.value,
            channel=channel,
            requests_per_minute=requests_per_minute,
        )
        .on_conflict_do_nothing()
        .returning(principals.c.id)
    )
    if connection.execute(row).first() is None:
        raise PrincipalExists(f"{institution} has a terminal or a person of that name")
    acts.record(
        connection,
        keys,
        "principal_added",
        actor_id=actor_id,
        institution_id=institution_id,
        subject_id=principal_id,
        details={"role": role.value, "channel": channel},
    )
    key = credentials.issue(connection, keys, principal_id, institution_id, actor_id=actor_id)
    return Added(principal_id, institution_id, key.text)


def authenticate(connection: Connection, key: str) -> Caller | None:
    """Who holds a key; None for an unknown, revoked or expired one, and for a disabled principal's."""
    row = connection.execute(_HOLDER, {"key_hash": credentials.hash_of(key)}).first()
    if row is None:
        return None
    if row.used_at is None:
        connection.execute(
            update(keys_table)
            .where(keys_table.c.id == row.key_id, keys_table.c.used_at.is_(None))
            .values(used_at=func.clock_timestamp())
        )
    role = Role(row.role)
    held = ROLE_SCOPES[role] if row.scopes is None else ROLE_SCOPES[role] & {Scope(scope) for scope in row.scopes}
    return Caller(
        row.id, row.institution_id, role, row.key_id, held, row.channel, row.requests_per_minute, row.public_key
    )


def attending(connection: Connection, key: str, terminal: Caller) -> Caller | None:
    """The operator who holds a key and works where the terminal stands; None for anybody else.

    That is: in the terminal's institution, in one that it is a branch of, or in one of its branches. Staff who relieve
    each other belong to the house above, and terminals of a branch are often registered with it; two branches beside
    each other have nothing to do with one another. A key that needs signatures cannot be lent to a terminal.
    """
    operator = authenticate(connection, key)
    if operator is None or operator.role not in AT_THE_COUNTER or operator.public_key is not None:
        return None
    near = places.is_within(connection, operator.institution_id, terminal.institution_id) or places.is_within(
        connection, terminal.institution_id, operator.institution_id
    )
    return operator if near else None


def disable(connection: Connection, keys: Keys, institution: str, name: str, *, actor_id: UUID | None = None) -> bool:
    """End a principal of an uppermost institution, with all its keys, from this transaction's commit on.

    False when there is none of that name that still works.
    """
    owner = select(institutions.c.id).where(institutions.c.name == institution, institutions.c.parent_id.is_(None))
    row = connection.execute(
        update(principals)
        .where(
            principals.c.institution_id == owner.scalar_subquery(),
            principals.c.name == name,
            principals.c.disabled_at.is_(None),
        )
        .values(disabled_at=func.clock_timestamp())
        .returning(principals.c.id, principals.c.institution_id)
    ).first()
    if row is None:
        return False
    acts.record(
        connection,
        keys,
        "principal_disabled",
        actor_id=actor_id,
        institution_id=row.institution_id,
        subject_id=row.id,
        details={},
    )
    return True
