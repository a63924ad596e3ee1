"""Idempotency: the answer to a key is stored in the transaction of the act, and given again to the same request."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from api.storage.tables import idempotency

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class KeyReused(Exception):
    """The key belongs to another request."""


@dataclass(frozen=True)
class Attempt:
    """A request under its key; `digest` (32 bytes) stands for the whole request."""

    principal_id: UUID
    key: str
    digest: bytes


@dataclass(frozen=True)
class StoredAnswer:
    """An answer that was given before."""

    status_code: int
    answer: dict[str, Any]


def find(connection: Connection, attempt: Attempt) -> StoredAnswer | None:
    """The answer given to this request before. Raises `KeyReused` when the key was used for another."""
    row = connection.execute(
        select(idempotency.c.request_digest, idempotency.c.status_code, idempotency.c.answer).where(
            idempotency.c.principal_id == attempt.principal_id, idempotency.c.key == attempt.key
        )
    ).first()
    if row is None:
        return None
    if row.request_digest != attempt.digest:
        raise KeyReused
    return StoredAnswer(row.status_code, row.answer)


def claim(connection: Connection, attempt: Attempt) -> StoredAnswer | None:
    """As `find`, after waiting for any other transaction that works on the same key."""
    lock(connection, "idempotency", str(attempt.principal_id), attempt.key)
    return find(connection, attempt)


def store(connection: Connection, attempt: Attempt, status_code: int, answer: dict[str, Any]) -> None:
    """Keep the answer; it is there if and only if the act is."""
    connection.execute(
        insert(idempotency).values(
            principal_id=attempt.principal_id,
            key=attempt.key,
            request_digest=attempt.digest,
            status_code=status_code,
            answer=answer,
        )
    )


def lock(connection: Connection, *parts: str) -> None:
    """Hold an advisory lock named by `parts` until the transaction ends."""
    name = "\x1f".join(parts)
    connection.execute(_LOCK, {"name": name})
