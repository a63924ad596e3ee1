"""Making snapshots in the background: a thread a replica; whichever holds the lock makes the one that is due."""

import hashlib
import logging
import threading
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, text

from api.feed import records
from api.feed.snapshots import building, publishing, reading
from api.feed.snapshots.building import FilterNotBuilt
from api.feed.snapshots.parameters import (
    AGE_S,
    CHANGED_AGE_S,
    CHANGES,
    ERROR_PAUSE_S,
    LOOK_S,
    PAUSE_S,
    STATEMENT_TIMEOUT_S,
)
from api.feed.snapshots.publishing import Copies, Published
from api.feed.snapshots.reading import TagsIncomplete
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.terminal.naming import key_id
from api.terminal.snapshot import Head, sign

_log = logging.getLogger(__name__)
_LOCK = text("SELECT pg_try_advisory_xact_lock(8245935277855764326)")  # "rznfuseF"


class SnapshotMaker:
    """Runs between `start` and `stop`; `copies` are this replica's files of what was made, here or elsewhere."""

    def __init__(self, database: Database, keys: Keys, folder: Path) -> None:
        """The making has connections of its own: one that holds the lock, one that reads for long."""
        self._database = Database(database.url, pool_size=2, timeout_s=STATEMENT_TIMEOUT_S)
        self._keys = keys
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.copies = Copies(database, folder)

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, after the snapshot in hand."""
        if self._thread is not None:
            self._ended.set()
            self._wake.set()
            self._thread.join()
            self._thread = None
        self._database.close()

    def make_if_due(self) -> bool:
        """Make one if it is due and nobody else makes one; gives whether it was made.

        Raises `TagsIncomplete`, `FilterNotBuilt` and `DatabaseUnavailable`.
        """
        if not self._is_due():
            return False
        with self._database.begin() as holder:
            if not holder.execute(_LOCK).scalar_one() or not self._is_due():
                return False
            self.make()
        return True

    def make(self) -> None:
        """Make one now. Raises as `make_if_due`."""
        invalid = reading.read_invalid(self._database)
        if invalid.key_id != key_id(self._keys.feed):
            raise TagsIncomplete
        built = building.build(invalid.keys)
        with self._database.begin() as connection:
            head = Head(
                shape=built.shape,
                deployment=publishing.deployment_id(connection),
                key_id=invalid.key_id,
                seq=invalid.seq,
                as_of=invalid.as_of,
                count=built.count,
                body_sha256=hashlib.sha256(built.body).digest(),
                signing_id=self._keys.signing_id,
            )
            publishing.publish(connection, head, sign(head, self._keys.signing) + built.body)
        _log.info("a snapshot of %d invalid cards was made, up to %d", built.count, invalid.seq)

    def _run(self) -> None:
        while not self._ended.is_set():
            pause = LOOK_S
            try:
                self.make_if_due()
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one snapshot meets
                self._tell(error)
                pause = ERROR_PAUSE_S
            self._wake.wait(pause)

    def _is_due(self) -> bool:
        with self._database.begin() as connection:
            now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            head = records.head(connection)
            newest = publishing.newest(connection, key_id(self._keys.feed))
        return newest is None or newest.signing_key_id != self._keys.signing_id or is_due(newest, head.seq, now)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, StorageError | TagsIncomplete):
            _log.warning("no snapshot now: %s", type(error).__name__)
        elif isinstance(error, FilterNotBuilt):
            _log.error("no snapshot: %s", error)
        else:
            _log.error("no snapshot: %s", type(error).__name__)


def is_due(newest: Published, head: int, now: datetime) -> bool:
    """Whether enough changed since a snapshot, or it is old enough."""
    age_s = (now - newest.as_of).total_seconds()
    changes = head - newest.seq
    # Made while the database's clock was ahead: terminals cannot tell how old it is.
    if age_s < 0:
        return True
    if age_s < PAUSE_S:
        return False
    return changes >= CHANGES or (changes > 0 and age_s >= CHANGED_AGE_S) or age_s >= AGE_S
