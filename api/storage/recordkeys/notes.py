"""Which keys of records are to be deleted: noted in the transaction that makes them useless, deleted after it.

The note comes first and stays until the key is gone, so that a crash in between leaves no key of somebody who was told
to be forgotten: whoever finds the note, at the latest the service's clock, deletes it. Done notes stay for good: no
backup of the keys brings one of them back.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.storage.recordkeys.parameters import BATCH
from api.storage.sealing import record_key_of
from api.storage.tables import key_erasures

_WAITING: Select[Any] = (
    select(key_erasures.c.key_id).where(key_erasures.c.done_at.is_(None)).order_by(key_erasures.c.asked_at).limit(BATCH)
)


def note(connection: Connection, envelopes: Iterable[bytes]) -> set[UUID]:
    """Have the keys of these envelopes deleted; gives their identifiers."""
    ids = {key_id for envelope in envelopes if (key_id := record_key_of(envelope)) is not None}
    note_ids(connection, ids)
    return ids


def note_ids(connection: Connection, ids: Collection[UUID]) -> None:
    """Have keys deleted."""
    if ids:
        connection.execute(upsert(key_erasures).on_conflict_do_nothing(), [{"key_id": key_id} for key_id in ids])


def waiting(connection: Connection) -> list[UUID]:
    """Keys that have still to be deleted, a batch at most."""
    return list(connection.execute(_WAITING).scalars())


def claim(connection: Connection, ids: Iterable[UUID]) -> list[UUID]:
    """Those of the keys that are still noted as waiting, noted as done now: nobody else tells of them."""
    done = update(key_erasures).where(key_erasures.c.key_id.in_(list(ids)), key_erasures.c.done_at.is_(None))
    told = done.values(done_at=func.clock_timestamp()).returning(key_erasures.c.key_id)
    return list(connection.execute(told).scalars())


def noted(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the keys that are deleted, or are to be."""
    found = select(key_erasures.c.key_id).where(key_erasures.c.key_id.in_(list(ids)))
    return set(connection.execute(found).scalars())
