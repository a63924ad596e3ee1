"""Terminals and their bearer keys. A key is 32 random bytes; only its SHA-256 is stored.

A plain hash is enough for a key that cannot be guessed; what needs stretching are passwords.
"""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.storage.tables import institutions, terminals

KEY_PREFIX = "rz_"


class Role(StrEnum):
    """What a key may do: a terminal verifies, an authority also registers cards and reports events."""

    TERMINAL = "terminal"
    AUTHORITY = "authority"


@dataclass(frozen=True)
class Caller:
    """A signed-in terminal."""

    terminal_id: UUID
    institution_id: UUID
    role: Role


class TerminalExists(Exception):
    """The institution has a terminal of that name."""


def create(connection: Connection, institution: str, name: str, role: Role) -> str:
    """Make a terminal, and its institution when new; gives the key, shown this once. Raises `TerminalExists`."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    connection.execute(upsert(institutions).values(id=uuid4(), name=institution).on_conflict_do_nothing())
    institution_id = connection.execute(
        select(institutions.c.id).where(institutions.c.name == institution)
    ).scalar_one()
    row = (
        upsert(terminals)
        .values(id=uuid4(), institution_id=institution_id, name=name, role=role.value, key_hash=_hash(key))
        .on_conflict_do_nothing()
        .returning(terminals.c.id)
    )
    if connection.execute(row).first() is None:
        raise TerminalExists(f"{institution} has a terminal of that name")
    return key


def authenticate(connection: Connection, key: str) -> Caller | None:
    """The terminal that a key belongs to, None when it is unknown or revoked."""
    row = connection.execute(
        select(terminals.c.id, terminals.c.institution_id, terminals.c.role).where(
            terminals.c.key_hash == _hash(key), terminals.c.revoked_at.is_(None)
        )
    ).first()
    return None if row is None else Caller(row.id, row.institution_id, Role(row.role))


def revoke(connection: Connection, institution: str, name: str) -> bool:
    """Revoke a terminal's key from this transaction's commit on; False when there is no such live key."""
    owner = select(institutions.c.id).where(institutions.c.name == institution).scalar_subquery()
    done = connection.execute(
        update(terminals)
        .where(terminals.c.institution_id == owner, terminals.c.name == name, terminals.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(terminals.c.id)
    )
    return done.first() is not None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
