"""Another master key: what the store holds, wrapped anew, while everything goes on.

First the store says that new keys are wrapped by the new master key; then the others are rewrapped, a batch to a
transaction. Each key is at any moment wrapped by one of the two, and says by which. A run that is killed has done whole
batches, and the next goes on with what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, update

from api.storage.errors import MasterKeyUnavailable
from api.storage.recordkeys.parameters import BATCH
from api.storage.recordkeys.store import RecordKeys
from api.storage.recordkeys.tables import key_store
from api.storage.recordkeys.wrapping import MasterKey, Wrapped
from api.storage.statements import Statement

_BATCH = Statement(
    """
    SELECT id, wrapped FROM record_keys WHERE master_key_id = %(master)s AND id > %(after)s
    ORDER BY id LIMIT %(rows)s FOR UPDATE
    """
)
_REWRAP = Statement(
    """
    UPDATE record_keys SET wrapped = one.wrapped, master_key_id = %(master)s
    FROM unnest(%(ids)s::uuid[], %(wrapped)s::bytea[]) AS one (id, wrapped) WHERE record_keys.id = one.id
    """
)
_FIRST = UUID(int=0)
_TRIAL: Wrapped = (UUID(int=1), bytes(32))


@dataclass(frozen=True)
class Rotated:
    """How many keys were rewrapped, and how many do not unwrap and were left as they are."""

    rewrapped: int
    left: int


def rotate(
    store: RecordKeys, name: str, progress: Callable[[int], None] = lambda _: None, *, rows_at_once: int = BATCH
) -> Rotated:
    """Have everything wrapped by the master key `name`. `progress` is told how many more keys were looked at.

    Raises `MasterKeyUnavailable` before anything is changed where that key does not wrap and unwrap, and later where
    the service of keys ends in between; `DatabaseUnavailable`.
    """
    master = store.masters.named(name)
    (wrapped,) = master.wrap([_TRIAL])
    if master.unwrap([(_TRIAL[0], wrapped)]) != [_TRIAL[1]]:
        raise MasterKeyUnavailable(f"the master key {name} does not unwrap what it wrapped")
    with store.database.begin() as connection:
        connection.execute(update(key_store).values(master_key_id=name))
    rewrapped = left = 0
    for other in sorted(set(store.by_master()) - {name}):
        after = _FIRST
        while True:
            with store.database.begin() as connection:
                rows = _BATCH.run(connection, master=other, after=after, rows=rows_at_once).fetchall()
                done = _rewrap(connection, store.masters.named(other), master, rows) if rows else 0
            if not rows:
                break
            after = rows[-1].id
            rewrapped, left = rewrapped + done, left + len(rows) - done
            progress(len(rows))
    return Rotated(rewrapped, left)


def _rewrap(connection: Connection, other: MasterKey, master: MasterKey, rows: list[Any]) -> int:
    opened = zip(rows, other.unwrap([(row.id, row.wrapped) for row in rows]), strict=True)
    keys = [(row.id, key) for row, key in opened if key is not None]
    if keys:
        wrapped = master.wrap(keys)
        _REWRAP.run(connection, master=master.id, ids=[key_id for key_id, _ in keys], wrapped=wrapped)
    return len(keys)
