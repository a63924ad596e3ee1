"""Making, reading and deleting the keys of records.

No person's key is kept in memory: a person comes to a counter a few times a year, so that a cache would hit nobody, and
it would have to hear of every deletion before the next question. To read one is a look-up by its primary key, one
journey. Those that stand for long are kept (`standing.py`).
"""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, select

from api.storage.database import Database
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.parameters import BATCH
from api.storage.recordkeys.tables import key_store, record_keys
from api.storage.sealing import KEY_BYTES
from api.storage.statements import Statement

if TYPE_CHECKING:
    from api.storage.recordkeys.standing import Kept

FoundKeys = Mapping[UUID, bytes | None]
"""Keys by their identifiers: none for one that was deleted, None for one that does not unwrap."""

# None is written where another master key was chosen meanwhile: whoever rotates waits for those that were first, and
# finds them; who comes later wraps anew.
_ADD = Statement(
    """
    INSERT INTO record_keys (id, wrapped, master_key_id) SELECT %(id)s, %(wrapped)s, %(master)s FROM (
        SELECT 1 FROM key_store WHERE coalesce(master_key_id, %(first)s) = %(master)s FOR SHARE
    ) AS chosen
    """
)
_READ = Statement("SELECT id, wrapped, master_key_id FROM record_keys WHERE id = ANY(%(ids)s)")
# In one statement: a key that is gone and might be brought back by a backup does not exist.
_FORGET = Statement(
    """
    WITH noted AS (
        INSERT INTO erased_keys (id) SELECT unnest(%(ids)s::uuid[]) ON CONFLICT DO NOTHING
    )
    DELETE FROM record_keys WHERE id = ANY(%(ids)s)
    """
)


class RecordKeys:
    """The store; `masters` are the master keys that this process can use. `of_texts` is the texts' key, which is asked
    for again after `of_texts_until` (monotonic seconds; see `texts.py`)."""

    def __init__(self, database: Database, masters: MasterKeys) -> None:
        self.database = database
        self.masters = masters
        self.standing: dict[UUID, Kept] = {}
        self.of_texts: UUID | None = None
        self.of_texts_until = 0.0

    @property
    def chosen(self) -> str:
        """The name of the master key that wraps new keys. Raises `DatabaseUnavailable`."""
        with self.database.single() as connection:
            return self._chosen(connection)

    def make(self) -> tuple[UUID, bytes]:
        """A new key, on disk when this returns: nothing is ever sealed under one that may get lost.

        Raises `DatabaseUnavailable`, `MasterKeyUnavailable`.
        """
        key_id, key = uuid4(), os.urandom(KEY_BYTES)
        while True:
            name = self.chosen
            (wrapped,) = self.masters.named(name).wrap([(key_id, key)])
            values = {"id": key_id, "wrapped": wrapped, "master": name, "first": self.masters.first}
            with self.database.line() as connection:
                if _ADD.run(connection, **values).rowcount:
                    return key_id, key

    def read(self, ids: Collection[UUID]) -> FoundKeys:
        """The keys that there are. Raises `DatabaseUnavailable`, `MasterKeyUnavailable`."""
        if not ids:
            return {}
        with self.database.line() as connection:
            rows = _READ.run(connection, ids=list(ids)).fetchall()
        found: dict[UUID, bytes | None] = {}
        for name in {row.master_key_id for row in rows}:
            wrapped = [(row.id, row.wrapped) for row in rows if row.master_key_id == name]
            keys = self.masters.named(name).unwrap(wrapped)
            found.update(zip((key_id for key_id, _ in wrapped), keys, strict=True))
        return found

    def forget(self, ids: Iterable[UUID]) -> int:
        """Delete keys for good; gives how many there were. Raises `DatabaseUnavailable`."""
        asked, gone = list(ids), 0
        for start in range(0, len(asked), BATCH):
            with self.database.line() as connection:
                gone += _FORGET.run(connection, ids=asked[start : start + BATCH]).rowcount
        return gone

    def by_master(self) -> dict[str, int]:
        """How many keys each master key wraps."""
        with self.database.begin() as connection:
            counted = select(record_keys.c.master_key_id, func.count().label("held")).group_by(
                record_keys.c.master_key_id
            )
            return {row.master_key_id: row.held for row in connection.execute(counted)}

    def _chosen(self, connection: Connection) -> str:
        name: str | None = connection.execute(select(key_store.c.master_key_id)).scalar_one()
        return name or self.masters.first

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
