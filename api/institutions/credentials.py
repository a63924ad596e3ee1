"""Bearer keys: issuing, holding, revoking at once. Of a key's 32 random bytes only the SHA-256 is stored.

A plain hash is enough for a key that cannot be guessed; what needs stretching are passwords.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update

from api.evidence.leaves import Receipt
from api.institutions import acts
from api.institutions.caller import Caller
from api.institutions.errors import AdministrationError
from api.institutions.roles import Scope
from api.storage.keys import Keys
from api.storage.statements import Statement
from api.storage.tables import credentials, principals

KEY_PREFIX = "rz_"


class KeyRevoked(Exception):
    """The key was revoked, or its holder disabled, or its time ran out, since the request came in."""


class OperatorRevoked(KeyRevoked):
    """As above, of the operator at the counter: the terminal's own key is good."""


class AlreadyRevoked(AdministrationError):
    """The key, or whoever holds it, was ended before."""

    text = "此前已停用。\nIt was ended before."


@dataclass(frozen=True)
class Issued:
    """A new key; `text` is shown this once. `signed_by` is its public key's fingerprint, None without one."""

    id: UUID
    text: str
    scopes: list[str] | None
    signed_by: str | None
    expires_at: datetime | None
    receipt: Receipt


@dataclass(frozen=True)
class Ended:
    """When a key or its holder was ended, and the receipt."""

    at: datetime
    receipt: Receipt


@dataclass(frozen=True)
class KeyState:
    """What is known of a key. `signed_by` is its public key's fingerprint, None where requests need no signature."""

    id: UUID
    live: bool
    scopes: list[str] | None
    signed_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    replaced_by: UUID | None


def live() -> ColumnElement[bool]:
    """Whether a key works, and its holder with it; for statements over both tables."""
    return and_(
        credentials.c.revoked_at.is_(None),
        or_(credentials.c.expires_at.is_(None), credentials.c.expires_at > func.clock_timestamp()),
        principals.c.disabled_at.is_(None),
    )


# Built once: they are part of every decision.
_HELD = (
    select(credentials.c.id)
    .join(principals, principals.c.id == credentials.c.principal_id)
    .where(credentials.c.id == bindparam("key_id"), live())
)
HELD = _HELD.with_for_update(read=True)
HOLD = Statement(HELD)
_HOLD_ALONE = Statement(_HELD.with_for_update(key_share=True))


def hold(connection: Connection, caller: Caller, *, alone: bool = False) -> None:
    """Hold the caller's key and principal as they are until the transaction ends; its first statement.

    Whoever revokes takes the exclusive lock: either this transaction commits before the revocation, or it waits and
    finds the key revoked. Once a revocation is acknowledged, nothing is decided under that key. `alone` keeps other
    requests under the same key out, for what changes the key itself. Raises `KeyRevoked`.
    """
    held = (_HOLD_ALONE if alone else HOLD).run(connection, key_id=caller.key_id)
    if held.fetchone() is None:
        raise KeyRevoked


def issue(
    connection: Connection,
    keys: Keys,
    principal_id: UUID,
    institution_id: UUID,
    *,
    actor_id: UUID | None,
    scopes: Collection[Scope] | None = None,
    lifetime_s: float | None = None,
    latest: datetime | None = None,
    public_key: bytes | None = None,
    actor_key_id: UUID | None = None,
) -> Issued:
    """Make a key. `scopes` None: all of the role's. With a `public_key` (Ed25519, 32 bytes) requests must be signed.

    It lives for `lifetime_s`, None: until it is revoked; but never longer than until `latest`.
    """
    lifetime = None if lifetime_s is None else timedelta(seconds=lifetime_s)
    kept = None if scopes is None else sorted(scope.value for scope in scopes)
    key_id, text, expires_at = insert_key(connection, principal_id, kept, lifetime, public_key, latest)
    receipt = acts.record(
        connection,
        keys,
        "key_issued",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=institution_id,
        subject_id=principal_id,
        details=described(key_id, kept, expires_at, public_key),
    )
    return Issued(key_id, text, kept, signer(public_key), expires_at, receipt)


def revoke(
    connection: Connection,
    keys: Keys,
    key_id: UUID,
    institution_id: UUID,
    *,
    actor_id: UUID | None,
    actor_key_id: UUID | None = None,
) -> Ended:
    """End a key from this transaction's commit on; waits for what is being decided under it.

    Raises `AlreadyRevoked`.
    """
    row = connection.execute(
        update(credentials)
        .where(credentials.c.id == key_id, credentials.c.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
        .returning(credentials.c.principal_id, credentials.c.revoked_at)
    ).first()
    if row is None:
        raise AlreadyRevoked
    receipt = acts.record(
        connection,
        keys,
        "key_revoked",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=institution_id,
        subject_id=row.principal_id,
        details={"key": str(key_id)},
    )
    return Ended(row.revoked_at, receipt)


def of_principal(connection: Connection, principal_id: UUID) -> list[KeyState]:
    """A principal's keys, newest first."""
    rows = connection.execute(
        select(credentials, live().label("live"))
        .join(principals, principals.c.id == credentials.c.principal_id)
        .where(credentials.c.principal_id == principal_id)
        .order_by(credentials.c.created_at.desc(), credentials.c.id)
    )
    return [
        KeyState(
            row.id,
            row.live,
            row.scopes,
            signer(row.public_key),
            row.created_at,
            row.expires_at,
            row.revoked_at,
            row.used_at,
            row.replaced_by,
        )
        for row in rows
    ]


def hash_of(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def fingerprint(public_key: bytes) -> str:
    """The short name of a public key, as a signature's `keyid`: the start of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signer(public_key: bytes | None) -> str | None:
    """As `fingerprint`, None for a key whose requests need no signature."""
    return None if public_key is None else fingerprint(public_key)


def insert_key(
    connection: Connection,
    principal_id: UUID,
    scopes: list[str] | None,
    lifetime: timedelta | None,
    public_key: bytes | None,
    latest: datetime | None = None,
) -> tuple[UUID, str, datetime | None]:
    """Make and store a key that ends by `latest`: its identifier, its text, and when it ends."""
    key_id, text = uuid4(), KEY_PREFIX + secrets.token_urlsafe(32)
    expires_at: datetime | None = connection.execute(
        insert(credentials)
        .values(
            id=key_id,
            principal_id=principal_id,
            key_hash=hash_of(text),
            scopes=scopes,
            public_key=public_key,
            # The earlier one; a null is passed over.
            expires_at=func.least(None if lifetime is None else func.now() + lifetime, _moment(latest)),
        )
        .returning(credentials.c.expires_at)
    ).scalar_one()
    return key_id, text, expires_at


def ends_at(connection: Connection, key_id: UUID) -> datetime | None:
    """When a key runs out, None for one that lives until it is revoked."""
    end: datetime | None = connection.execute(
        select(credentials.c.expires_at).where(credentials.c.id == key_id)
    ).scalar_one()
    return end


def _moment(at: datetime | None) -> ColumnElement[datetime | None]:
    return bindparam(None, at, type_=credentials.c.expires_at.type)


def described(
    key_id: UUID, scopes: list[str] | None, expires_at: datetime | None, public_key: bytes | None
) -> dict[str, Any]:
    """What a leaf says of a key: all but the key."""
    return {
        "key": str(key_id),
        "scopes": scopes,
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "signed_by": signer(public_key),
    }
