"""Administrative acts: recorded, each with its leaf of evidence, in the transaction that carries them out."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert

from api.evidence import leaves
from api.evidence.leaves import Receipt
from api.storage.idempotency import Attempt
from api.storage.keys import Keys
from api.storage.tables import acts

KIND = "administration"


def record(
    connection: Connection,
    keys: Keys,
    act: str,
    *,
    actor_id: UUID | None,
    institution_id: UUID | None,
    subject_id: UUID | None,
    details: dict[str, Any],
    actor_key_id: UUID | None = None,
    attempt: Attempt | None = None,
) -> Receipt:
    """Record an act. `actor_id` None stands for the deployment itself or its command line; `details` hold no names.

    `actor_key_id` is the key that the actor signed in with, which tells later what was done under a stolen one;
    `attempt` the request by which they asked for it.
    """
    act_id = uuid4()
    at = connection.execute(
        insert(acts)
        .values(
            id=act_id,
            act=act,
            actor_id=actor_id,
            institution_id=institution_id,
            subject_id=subject_id,
            details=details,
            at=func.clock_timestamp(),
        )
        .returning(acts.c.at)
    ).scalar_one()
    body = {
        "at": at.isoformat(),
        "act": act,
        "actor": _text(actor_id),
        "actor_key": _text(actor_key_id),
        "institution": _text(institution_id),
        "subject": _text(subject_id),
        "details": details,
        **({} if attempt is None else attempt.told),
    }
    return leaves.append(connection, keys, KIND, act_id, at, body)


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
