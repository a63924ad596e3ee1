"""The sequencer: one thread a replica; whichever holds the lock places the waiting leaves, batch after batch.

It looks at once when this process wrote a leaf, and now and then for those that nobody told it of. An error leaves the
leaves waiting; the next look tries again. Promises that are broken are logged as errors and counted.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

from api.evidence import log
from api.evidence.log import Growth, LogDamaged, Tip
from api.evidence.parameters import (
    BATCH_INTERVAL_S,
    BATCH_LEAVES,
    ERROR_PAUSE_S,
    LOCKED_PAUSE_S,
    POLL_S,
    REMEMBERED_GROWTHS,
    REMEMBERED_LEAVES,
    STATEMENT_TIMEOUT_S,
    WATCH_S,
)
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What a sequencer did: batches that it saw the log grow by, leaves that it placed, those of them placed after
    their promised time, and how long the oldest leaf of the last batch had waited, in seconds."""

    growths: int = 0
    placed: int = 0
    late: int = 0
    waited_s: float = 0.0


class Sequencer:
    """Runs between `start` and `stop`, on a connection of its own: what requests do to the pool does not touch it."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = Database(database.url, pool_size=1, timeout_s=STATEMENT_TIMEOUT_S)
        self._keys = keys
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._grown = threading.Condition()
        self._thread: threading.Thread | None = None
        self._tip: Tip | None = None
        self._size = 0
        self._growths: deque[Growth] = deque()
        self._placed: dict[bytes, Growth] = {}
        self._watched = 0.0
        self.counts = Counts()
        self.failing = False

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand; what waits is placed after the next start, here or on another replica."""
        if self._thread is not None:
            self._ended.set()
            self._wake.set()
            self._thread.join()
            self._thread = None
        self._database.close()

    def wake(self) -> None:
        """Say that a leaf was committed."""
        self._wake.set()

    def wait_for_growth(self, seen: int, timeout_s: float) -> int:
        """Wait until the log grew more than `seen` times, or the time is over; gives how often it grew."""
        with self._grown:
            self._grown.wait_for(lambda: self.counts.growths > seen, timeout_s)
            return self.counts.growths

    def growth_with(self, leaf_hash: bytes) -> Growth | None:
        """What this process added to the log together with a leaf, if it was it, and not long ago: who has just written
        the leaf proves it from that, and asks the database nothing."""
        with self._grown:
            return self._placed.get(leaf_hash)

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self._wake.clear()
            pause = self._turn()
            if pause > BATCH_INTERVAL_S:
                self._wake.wait(pause)
            # Acts that are committed meanwhile go into one batch.
            self._ended.wait(max(0.0, began + min(pause, BATCH_INTERVAL_S) - time.monotonic()))

    def _turn(self) -> float:
        """One batch; gives how long to pause in seconds, unless woken."""
        try:
            pause = self._batch()
            self._watch()
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one batch meets
            self._tell(error)
            self.failing = True
            self._ended.wait(ERROR_PAUSE_S)
            return 0.0
        self.failing = False
        return pause

    def _batch(self) -> float:
        with self._database.line(transaction=True) as connection:
            batch = log.sequence(connection, self._keys, self._tip, commit=True)
        if batch is None:
            return LOCKED_PAUSE_S
        if self._tip is None or batch.size != self._size:
            self._note(batch)
        return 0.0 if batch.placed == BATCH_LEAVES else POLL_S

    def _note(self, batch: log.Batch) -> None:
        """The log grew, here or by another replica."""
        self._tip, self._size = batch.tip, batch.size
        if batch.placed:
            self.counts.waited_s = batch.waited_s
        if batch.late:
            _log.error("promises broken: %d leaves were placed after their promised time", batch.late)
        with self._grown:
            if batch.growth is not None:
                self._remember(batch.growth)
            self.counts.placed += batch.placed
            self.counts.late += batch.late
            self.counts.growths += 1
            self._grown.notify_all()

    def _remember(self, growth: Growth) -> None:
        self._growths.append(growth)
        self._placed.update(dict.fromkeys(growth.hashes, growth))
        while len(self._growths) > REMEMBERED_GROWTHS or len(self._placed) > REMEMBERED_LEAVES:
            for leaf_hash in self._growths.popleft().hashes:
                del self._placed[leaf_hash]

    def _watch(self) -> None:
        """Look now and then for leaves that wait past their promised time."""
        if time.monotonic() - self._watched < WATCH_S:
            return
        self._watched = time.monotonic()
        with self._database.begin() as connection:
            standing = log.standing(connection)
        if standing.overdue:
            _log.error("promises broken: %d leaves wait past their promised time", standing.overdue)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, StorageError):
            _log.warning("the evidence log waits: %s", error)
        elif isinstance(error, LogDamaged):
            _log.error("the evidence log is damaged and takes nothing more, see `renzheng fsck`: %s", error)
        else:
            _log.error("the evidence log waits: %s", type(error).__name__)


def drain(database: Database, keys: Keys) -> int:
    """Place everything that waits, without a thread; gives the tree's size. Raises `LogDamaged`."""
    tip: Tip | None = None
    while True:
        with database.begin() as connection:
            batch = log.sequence(connection, keys, tip)
        if batch is None:
            time.sleep(LOCKED_PAUSE_S)
        elif batch.placed == 0:
            return batch.size
        else:
            tip = batch.tip
