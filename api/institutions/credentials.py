"""Bearer keys. A key is 32 random bytes; only its SHA-256 is stored.

A plain hash is enough for a key that cannot be guessed; what needs stretching are passwords.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert

from api.institutions import acts
from api.storage.keys import Keys
from api.storage.tables import credentials

KEY_PREFIX = "rz_"


@dataclass(frozen=True)
class Issued:
    """A new key; `text` is shown this once."""

    id: UUID
    text: str


def issue(
    connection: Connection, keys: Keys, principal_id: UUID, institution_id: UUID, *, actor_id: UUID | None
) -> Issued:
    """Make a key with all rights of the principal's role."""
    issued = Issued(uuid4(), KEY_PREFIX + secrets.token_urlsafe(32))
    connection.execute(
        insert(credentials).values(id=issued.id, principal_id=principal_id, key_hash=hash_of(issued.text))
    )
    acts.record(
        connection,
        keys,
        "key_issued",
        actor_id=actor_id,
        institution_id=institution_id,
        subject_id=principal_id,
        details={"key": str(issued.id)},
    )
    return issued


def hash_of(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()
