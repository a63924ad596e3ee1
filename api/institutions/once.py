"""An act that somebody does over HTTP: under their key, at most once for an idempotency key, with its evidence and its
answer, all or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer

MADE, CHANGED = 201, 200


@dataclass(frozen=True)
class Done:
    """What was done, before its evidence: the act's name as in the log, whose it is, what it is about, and the answer
    that lacks only the receipt. `note` keeps the hash of the evidence's leaf (32 bytes) beside the changed row."""

    act: str
    institution_id: UUID
    subject_id: UUID
    details: dict[str, Any]
    answer: dict[str, Any]
    status: int = CHANGED
    note: Callable[[bytes], object] | None = None


def once(service: Service, caller: Caller, attempt: Attempt, do: Callable[[Connection], Done]) -> StoredAnswer:
    """Carry out `do` in one transaction with its evidence; a copy of the request is given the same answer.

    Raises what `do` raises, `KeyRevoked` where the caller's key ended meanwhile, and `KeyReused`.
    """
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        return given or _kept(connection, service, caller, attempt, do(connection))


def _kept(connection: Connection, service: Service, caller: Caller, attempt: Attempt, done: Done) -> StoredAnswer:
    receipt = acts.record(
        connection,
        service.keys,
        done.act,
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        institution_id=done.institution_id,
        subject_id=done.subject_id,
        details=done.details,
        attempt=attempt,
    )
    if done.note is not None:
        done.note(bytes.fromhex(receipt.leaf_hash))
    answer = {**done.answer, "receipt": receipt.as_json()}
    idempotency.store(connection, attempt, done.status, answer)
    return StoredAnswer(done.status, answer, new=True)
