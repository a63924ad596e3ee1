"""Rotation: a new key in place of one that lives on for a while; a terminal changes over between two customers."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update

from api.institutions import acts
from api.institutions.credentials import Issued, described, insert_key, signer
from api.institutions.errors import AdministrationError
from api.institutions.parameters import OVERLAP_S
from api.storage.keys import Keys
from api.storage.tables import credentials


class KeyRotated(AdministrationError):
    """The key was rotated, and its replacement is in use."""

    text = "该密钥此前已更换，新密钥正在使用。\nThe key was rotated before, and its replacement is in use."


def rotate(
    connection: Connection,
    keys: Keys,
    key_id: UUID,
    institution_id: UUID,
    *,
    actor_id: UUID | None,
    overlap_s: float = OVERLAP_S,
    public_key: bytes | None = None,
    actor_key_id: UUID | None = None,
) -> Issued:
    """Make a key with the same rights and the same lifetime in place of a live one, which lives on for `overlap_s`.

    The new key works at once. It signs with the same public key unless given another: nobody sheds the signatures by
    rotating. A replacement that was never used, because its answer was lost, makes room for another one; one that was
    used does not (`KeyRotated`), or whoever found the old key could take over from the holder of the new one.
    """
    old = _locked(connection, key_id)
    model = old if old.replaced_by is None else _unused_replacement(connection, old.replaced_by)
    lifetime = None if model.expires_at is None else model.expires_at - model.created_at
    public = public_key or model.public_key
    new_id, text, expires_at = insert_key(connection, old.principal_id, model.scopes, lifetime, public)
    until = connection.execute(
        update(credentials)
        .where(credentials.c.id == key_id)
        .values(
            replaced_by=new_id,
            expires_at=func.least(
                credentials.c.expires_at, func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, overlap_s)
            ),
        )
        .returning(credentials.c.expires_at)
    ).scalar_one()
    lost = {} if model is old else {"revokes": str(model.id)}
    receipt = acts.record(
        connection,
        keys,
        "key_rotated",
        actor_id=actor_id,
        actor_key_id=actor_key_id,
        institution_id=institution_id,
        subject_id=old.principal_id,
        details=described(new_id, model.scopes, expires_at, public)
        | {"replaces": str(key_id), "until": until.isoformat()}
        | lost,
    )
    return Issued(new_id, text, model.scopes, signer(public), expires_at, receipt)


def _locked(connection: Connection, key_id: UUID) -> Row[Any]:
    found = select(credentials).where(credentials.c.id == key_id)
    return connection.execute(found.with_for_update(key_share=True)).one()


def _unused_replacement(connection: Connection, key_id: UUID) -> Row[Any]:
    lost = _locked(connection, key_id)
    if lost.used_at is not None or lost.revoked_at is not None:
        raise KeyRotated
    connection.execute(update(credentials).where(credentials.c.id == key_id).values(revoked_at=func.clock_timestamp()))
    return lost
