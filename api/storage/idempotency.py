"""Idempotency: the answer to a key is stored in the transaction of the act, and given again to the same request."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Json
from sqlalchemy import Connection, Select, bindparam, insert, select, text

from api.storage.tables import idempotency

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")

# An answer of this status made nothing, and is forgotten after some days: see `forgetting.py`.
MAKES_NOTHING = 200
# From this status on an answer is a refusal.
_REFUSED = 400

# For statements that do more; parameters `principal_id` and `key`.
GIVEN: Select[Any] = select(idempotency.c.request_digest, idempotency.c.status_code, idempotency.c.answer).where(
    idempotency.c.principal_id == bindparam("principal_id"), idempotency.c.key == bindparam("key")
)
# As `store`, in the driver's words, with the values of `stored`.
STORE = """
    INSERT INTO idempotency (principal_id, key, request_digest, status_code, answer)
    VALUES (%(principal_id)s, %(key)s, %(request_digest)s, %(status_code)s, %(answer)s)
"""


class KeyReused(Exception):
    """The key belongs to another request."""


class RefusedBefore(Exception):
    """The request was refused under this key, and is refused again: `code` of the catalogue and `details` as then."""

    def __init__(self, code: str, details: list[dict[str, str]]) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Attempt:
    """A request under its key; `digest` (32 bytes) stands for the whole request. `asked` (hex) does so for who sent it,
    if they want to find it in the evidence (`api.client.asking`)."""

    principal_id: UUID
    key: str
    digest: bytes
    asked: str | None = None

    @property
    def told(self) -> dict[str, str]:
        """What a leaf of evidence says of it besides."""
        return {} if self.asked is None else {"asked": self.asked}


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as it is kept under its key; `new`: this request made it, else it was given before."""

    status_code: int
    answer: dict[str, Any]
    new: bool = False


def find(connection: Connection, attempt: Attempt) -> StoredAnswer | None:
    """The answer given to this request before.

    Raises `KeyReused` when the key was used for another, and `RefusedBefore` when the answer was a refusal.
    """
    row = connection.execute(GIVEN, {"principal_id": attempt.principal_id, "key": attempt.key}).first()
    return None if row is None else given(row, attempt)


def given(row: Any, attempt: Attempt) -> StoredAnswer:
    """The answer in a row of `GIVEN`. Raises `KeyReused` and `RefusedBefore`."""
    if row.request_digest != attempt.digest:
        raise KeyReused
    if row.status_code >= _REFUSED:
        raise RefusedBefore(row.answer["refused"], row.answer["details"])
    return StoredAnswer(row.status_code, row.answer)


def claim(connection: Connection, attempt: Attempt) -> StoredAnswer | None:
    """As `find`, after waiting for any other transaction that works on the same key."""
    connection.execute(_LOCK, {"name": claim_name(attempt)})
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


def refuse(
    connection: Connection, attempt: Attempt, status_code: int, code: str, details: list[dict[str, str]]
) -> None:
    """Keep a refusal, after which no copy of the request is done any more. There is no act, and so no evidence."""
    store(connection, attempt, status_code, {"refused": code, "details": details})


def stored(attempt: Attempt, status_code: int, answer: dict[str, Any]) -> dict[str, Any]:
    """The values of `STORE`."""
    return {
        "principal_id": attempt.principal_id,
        "key": attempt.key,
        "request_digest": attempt.digest,
        "status_code": status_code,
        "answer": Json(answer, dumps=_as_text),
    }


def claim_name(attempt: Attempt) -> str:
    """The name of the lock that `claim` holds."""
    return lock_name("idempotency", str(attempt.principal_id), attempt.key)


def lock(connection: Connection, *parts: str) -> None:
    """Hold an advisory lock named by `parts` until the transaction ends."""
    connection.execute(_LOCK, {"name": lock_name(*parts)})


def lock_name(*parts: str) -> str:
    """How `lock` names a lock; PostgreSQL takes its `hashtextextended`."""
    return "\x1f".join(parts)


def _as_text(answer: dict[str, Any]) -> str:
    """Chinese as it is: escaped it takes twice the bytes."""
    return json.dumps(answer, ensure_ascii=False)
