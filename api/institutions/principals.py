"""Terminals and people: making them, disabling them, and finding out who holds a key."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.evidence.leaves import Receipt
from api.institutions import acts, buckets, credentials, naming
from api.institutions import institutions as places
from api.institutions.caller import Caller
from api.institutions.credentials import AlreadyRevoked, Ended, Issued
from api.institutions.errors import AdministrationError
from api.institutions.roles import AT_THE_COUNTER, FULL_ADMINISTRATION, ROLE_SCOPES, Role, Scope
from api.storage import idempotency
from api.storage.keys import Keys
from api.storage.statements import Carrier, Statement
from api.storage.tables import credentials as keys_table
from api.storage.tables import principals


class PrincipalExists(AdministrationError):
    """The institution has a terminal or a member of staff of that name."""

    text = "该机构已有同名终端或人员。\nThe institution has a terminal or a person of that name."


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
_SIGN_IN = Statement(_HOLDER)
_ASKING = """(
    SELECT id, coalesce(requests_per_minute, %(per_minute)s)::float8 AS burst FROM holder WHERE public_key IS NULL
) AS asking"""
_SIGN_IN_AND_TAKE = Statement(
    f"""
    WITH holder AS ({_SIGN_IN.text}), taken AS ({buckets.taking(_ASKING)})
    SELECT holder.*, EXISTS (SELECT FROM taken) AS taken FROM holder
    """  # noqa: S608 - our own expressions
)
_NOTE_USE = Statement(
    update(keys_table)
    .where(keys_table.c.id == bindparam("held_key"), keys_table.c.used_at.is_(None))
    .values(used_at=func.clock_timestamp())
)


@dataclass(frozen=True)
class Added:
    """A new principal with its first key, shown this once."""

    id: UUID
    institution_id: UUID
    name: str
    created_at: datetime
    issued: Issued
    receipt: Receipt

    @property
    def key(self) -> str:
        """The first key's text."""
        return self.issued.text


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
    scopes: Collection[Scope] | None = None,
    lifetime_s: float | None = None,
    public_key: bytes | None = None,
) -> Added:
    """As `add_to`, for an institution at a path such as `Bank/Branch`, made when new."""
    return add_to(
        connection,
        keys,
        places.at(connection, keys, institution, actor_id=actor_id),
        name,
        role,
        channel=channel,
        requests_per_minute=requests_per_minute,
        actor_id=actor_id,
        scopes=scopes,
        lifetime_s=lifetime_s,
        public_key=public_key,
    )


def add_to(
    connection: Connection,
    keys: Keys,
    institution_id: UUID,
    name: str,
    role: Role,
    *,
    channel: str | None = None,
    requests_per_minute: int | None = None,
    actor_id: UUID | None = None,
    scopes: Collection[Scope] | None = None,
    lifetime_s: float | None = None,
    latest: datetime | None = None,
    public_key: bytes | None = None,
    actor_key_id: UUID | None = None,
) -> Added:
    """Make a principal with a first key (see `credentials.issue`). Raises `NameInvalid` and `PrincipalExists`."""
    principal_id, name = uuid4(), naming.sound(name)
    made = connection.execute(
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
        .returning(principals.c.created_at)
    ).first()
    if made is None:
        raise PrincipalExists
    receipt = acts.record(
        connection,
        keys,
        "principal_added",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=institution_id,
        subject_id=principal_id,
        details={"role": role.value, "channel": channel, "requests_per_minute": requests_per_minute},
    )
    issued = credentials.issue(
        connection,
        keys,
        principal_id,
        institution_id,
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        scopes=scopes,
        lifetime_s=lifetime_s,
        latest=latest,
        public_key=public_key,
    )
    return Added(principal_id, institution_id, name, made.created_at, issued, receipt)


def authenticate(connection: Carrier, key: str) -> Caller | None:
    """Who holds a key; None for an unknown, revoked or expired one, and for a disabled principal's."""
    row = _SIGN_IN.run(connection, key_hash=credentials.hash_of(key)).fetchone()
    return None if row is None else _caller(connection, row)


def authenticate_and_take(connection: Carrier, key: str, per_minute: int) -> tuple[Caller | None, bool]:
    """As `authenticate`, and takes a request from the holder's bucket: whether there was one.

    `per_minute` counts for those who have no number of their own. Nothing is taken under a key that needs signatures.
    """
    row = _SIGN_IN_AND_TAKE.run(connection, key_hash=credentials.hash_of(key), per_minute=per_minute).fetchone()
    return (None, False) if row is None else (_caller(connection, row), row.taken)


def _caller(connection: Carrier, row: Any) -> Caller:
    if row.used_at is None:
        _NOTE_USE.run(connection, held_key=row.key_id)
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


def find(connection: Connection, institution: str, name: str) -> Row[Any] | None:
    """The principal of that name at an institution's path, disabled or not. Raises `NameInvalid`."""
    institution_id = places.find(connection, institution)
    return connection.execute(
        select(principals).where(principals.c.institution_id == institution_id, principals.c.name == naming.sound(name))
    ).first()


def end(
    connection: Connection, keys: Keys, principal_id: UUID, *, actor_id: UUID | None, actor_key_id: UUID | None = None
) -> Ended:
    """End a principal with all its keys, from this transaction's commit on; waits for what is being decided under them.

    Raises `AlreadyRevoked`.
    """
    row = connection.execute(
        update(principals)
        .where(principals.c.id == principal_id, principals.c.disabled_at.is_(None))
        .values(disabled_at=func.clock_timestamp())
        .returning(principals.c.institution_id, principals.c.disabled_at)
    ).first()
    if row is None:
        raise AlreadyRevoked
    receipt = acts.record(
        connection,
        keys,
        "principal_disabled",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=row.institution_id,
        subject_id=principal_id,
        details={},
    )
    return Ended(row.disabled_at, receipt)


def disable(connection: Connection, keys: Keys, institution: str, name: str, *, actor_id: UUID | None = None) -> bool:
    """As `end`, by institution and name. False when there is none of that name that still works."""
    found = find(connection, institution, name)
    if found is None or found.disabled_at is not None:
        return False
    end(connection, keys, found.id, actor_id=actor_id)
    return True


class Administration(IntEnum):
    """How long somebody can still administer everything."""

    NONE = 0
    UNTIL_KEYS_EXPIRE = 1
    LASTING = 2


def administration(connection: Connection) -> Administration:
    """Whether somebody can administer everything, and whether under a key that runs out.

    One such transaction at a time: two that end one another would both find the other one there. A key that was
    rotated does not count, for it makes room for another.
    """
    idempotency.lock(connection, "administrators")
    wanted = [scope.value for scope in sorted(FULL_ADMINISTRATION)]
    found = (
        select(func.bool_or(keys_table.c.expires_at.is_(None)))
        .join(principals, principals.c.id == keys_table.c.principal_id)
        .where(
            principals.c.role == Role.ADMINISTRATOR.value,
            or_(keys_table.c.scopes.is_(None), keys_table.c.scopes.contains(wanted)),
            keys_table.c.replaced_by.is_(None),
            credentials.live(),
        )
    )
    lasting: bool | None = connection.execute(found).scalar_one()
    if lasting is None:
        return Administration.NONE
    return Administration.LASTING if lasting else Administration.UNTIL_KEYS_EXPIRE


def administrator_stays(connection: Connection, before: Administration) -> bool:
    """Whether somebody can still administer everything after what this transaction did, and no shorter than `before`.

    Where all keys run out anyway, one of them may be revoked while another works: a stolen key has to end.
    """
    after = administration(connection)
    return after is not Administration.NONE and after >= before
