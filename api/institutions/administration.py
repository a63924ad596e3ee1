"""What people administer over HTTP: who may make, see and end whom. Each act is one transaction with its leaf.

Others' institutions and principals are not there for the asker (`not_found`), whatever is asked of them.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, select, true

from api.errors import ServiceError
from api.evidence import receipts
from api.institutions import credentials, principals, rotation
from api.institutions import institutions as places
from api.institutions.caller import Caller
from api.institutions.credentials import Issued
from api.institutions.principals import Administration
from api.institutions.roles import ENDS, ROLE_SCOPES, Role, Scope, grantable, makes
from api.institutions.schemas import KeyBody, PrincipalBody, RotationBody
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer
from api.storage.keys import Keys
from api.storage.tables import credentials as keys_table
from api.storage.tables import institutions
from api.storage.tables import principals as principals_table

Act = Callable[[Connection, Keys], dict[str, Any]]
KEY_FIELD = "key"


def once(
    service: Service, caller: Caller, attempt: Attempt, act: Act, *, status: int = 201, alone: bool = False
) -> StoredAnswer:
    """Carry an act out under the caller's key, at most once for an idempotency key.

    An answer with a new key in it is shown this once and stored without the key; asked again, that is told
    (`key_shown_once`), and nothing is done.
    """
    return receipts.completed(service, _once(service, caller, attempt, act, status, alone))


def _once(service: Service, caller: Caller, attempt: Attempt, act: Act, status: int, alone: bool) -> StoredAnswer:
    with service.database.begin() as connection:
        if caller.role is Role.ADMINISTRATOR:
            # Before the rows are held: two administrators who end one another would each hold what the other waits for.
            idempotency.lock(connection, "administrators")
        credentials.hold(connection, caller, alone=alone)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            if KEY_FIELD in _secret_holder(given.answer):
                raise ServiceError("key_shown_once")
            return given
        answer = act(connection, service.keys)
        idempotency.store(connection, attempt, status, _without_secret(answer))
        return StoredAnswer(status, answer, new=True)


def reach(caller: Caller, column: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether the institution in `column` is within the caller's reach: everywhere for who manages institutions, else
    the caller's own and its branches."""
    if Scope.MANAGE_INSTITUTIONS in caller.scopes:
        return true()
    return places.within(column, caller.institution_id)


def add_institution(
    connection: Connection, keys: Keys, caller: Caller, name: str, parent_id: UUID | None
) -> dict[str, Any]:
    """Make an institution, or a branch of one that the caller reaches."""
    if parent_id is not None:
        _require_institution(connection, caller, parent_id)
    made = places.add(connection, keys, name, parent_id, actor_id=caller.principal_id, actor_key_id=caller.key_id)
    return {
        "id": str(made.id),
        "name": made.name,
        "parent_id": None if made.parent_id is None else str(made.parent_id),
        "created_at": made.created_at.isoformat(),
        "receipt": made.receipt.as_json(),
    }


def add_principal(connection: Connection, keys: Keys, caller: Caller, wish: PrincipalBody) -> dict[str, Any]:
    """Make a principal with its first key."""
    institution_id = caller.institution_id if wish.institution_id is None else wish.institution_id
    _require_institution(connection, caller, institution_id)
    made = principals.add_to(
        connection,
        keys,
        institution_id,
        wish.name,
        wish.role,
        channel=wish.channel,
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        scopes=_granted(caller, wish.role, wish.key.scopes),
        lifetime_s=wish.key.expires_in_s,
        latest=_latest(connection, caller, wish.role),
        public_key=wish.key.public_key,
    )
    return {
        "id": str(made.id),
        "institution_id": str(made.institution_id),
        "name": made.name,
        "role": wish.role.value,
        "channel": wish.channel,
        "created_at": made.created_at.isoformat(),
        "receipt": made.receipt.as_json(),
        "credential": described(made.issued),
    }


def add_key(connection: Connection, keys: Keys, caller: Caller, principal_id: UUID, wish: KeyBody) -> dict[str, Any]:
    """Give a principal another key."""
    found = require_principal(connection, caller, principal_id)
    if found.disabled_at is not None:
        raise credentials.AlreadyRevoked
    issued = credentials.issue(
        connection,
        keys,
        principal_id,
        found.institution_id,
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        scopes=_granted(caller, Role(found.role), wish.scopes),
        lifetime_s=wish.expires_in_s,
        latest=_latest(connection, caller, Role(found.role)),
        public_key=wish.public_key,
    )
    return described(issued)


def end_principal(connection: Connection, keys: Keys, caller: Caller, principal_id: UUID) -> dict[str, Any]:
    """Disable a principal with all its keys."""
    found = require_principal(connection, caller, principal_id)
    _require_power(caller, found)
    before = _administration(connection, Role(found.role))
    ended = principals.end(connection, keys, principal_id, actor_id=caller.principal_id, actor_key_id=caller.key_id)
    _require_administrator(connection, before)
    return {"id": str(principal_id), "ended_at": ended.at.isoformat(), "receipt": ended.receipt.as_json()}


def end_key(connection: Connection, keys: Keys, caller: Caller, principal_id: UUID, key_id: UUID) -> dict[str, Any]:
    """Revoke one key of a principal."""
    found = require_principal(connection, caller, principal_id)
    owned = select(keys_table.c.id).where(keys_table.c.id == key_id, keys_table.c.principal_id == principal_id)
    if connection.execute(owned).first() is None:
        raise ServiceError("not_found")
    _require_power(caller, found)
    before = _administration(connection, Role(found.role))
    ended = credentials.revoke(
        connection, keys, key_id, found.institution_id, actor_id=caller.principal_id, actor_key_id=caller.key_id
    )
    _require_administrator(connection, before)
    return {"id": str(key_id), "ended_at": ended.at.isoformat(), "receipt": ended.receipt.as_json()}


def rotate_own_key(connection: Connection, keys: Keys, caller: Caller, wish: RotationBody) -> dict[str, Any]:
    """Give the caller a new key in place of the one in use."""
    issued = rotation.rotate(
        connection,
        keys,
        caller.key_id,
        caller.institution_id,
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        overlap_s=wish.overlap_s,
        public_key=wish.public_key,
    )
    return described(issued)


def described(issued: Issued) -> dict[str, Any]:
    """A new key as answered. The key itself is never stored, see `once`."""
    return {
        "id": str(issued.id),
        KEY_FIELD: issued.text,
        "scopes": issued.scopes,
        "signed_by": issued.signed_by,
        "expires_at": None if issued.expires_at is None else issued.expires_at.isoformat(),
        "receipt": issued.receipt.as_json(),
    }


def require_principal(connection: Connection, caller: Caller, principal_id: UUID) -> Row[Any]:
    """A principal within the caller's reach. Raises `not_found`."""
    found = connection.execute(
        select(principals_table).where(
            principals_table.c.id == principal_id, reach(caller, principals_table.c.institution_id)
        )
    ).first()
    if found is None:
        raise ServiceError("not_found")
    return found


def _require_institution(connection: Connection, caller: Caller, institution_id: UUID) -> None:
    found = select(institutions.c.id).where(institutions.c.id == institution_id, reach(caller, institutions.c.id))
    if connection.execute(found).first() is None:
        raise ServiceError("not_found")


def _granted(caller: Caller, role: Role, wish: Collection[Scope] | None) -> Collection[Scope] | None:
    """The rights of a new key, None for all of its role's."""
    if role not in makes(caller.role, caller.scopes):
        raise ServiceError("role_not_allowed")
    wanted = ROLE_SCOPES[role] if wish is None else frozenset(wish)
    if not wanted <= grantable(caller.role, caller.scopes, role):
        raise ServiceError("scopes_not_allowed")
    return wish


def _latest(connection: Connection, caller: Caller, role: Role) -> datetime | None:
    """When a new key has to end: one of the caller's own role not after the key in use, which a successor of the same
    rights would outlive for good. Read here, where the key is held: a rotation may have shortened its time."""
    return credentials.ends_at(connection, caller.key_id) if role is caller.role else None


def _require_power(caller: Caller, found: Row[Any]) -> None:
    if Role(found.role) not in ENDS.get(caller.role, frozenset()):
        raise ServiceError("role_not_allowed")


def _administration(connection: Connection, ending: Role) -> Administration | None:
    """Who administers before somebody of a role ends; None where that changes nothing."""
    return principals.administration(connection) if ending is Role.ADMINISTRATOR else None


def _require_administrator(connection: Connection, before: Administration | None) -> None:
    if before is not None and not principals.administrator_stays(connection, before):
        raise ServiceError("last_administrator")


def _secret_holder(answer: dict[str, Any]) -> dict[str, Any]:
    held: dict[str, Any] = answer.get("credential", answer)
    return held


def _without_secret(answer: dict[str, Any]) -> dict[str, Any]:
    if KEY_FIELD not in _secret_holder(answer):
        return answer
    if "credential" in answer:
        return answer | {"credential": answer["credential"] | {KEY_FIELD: None}}
    return answer | {KEY_FIELD: None}
