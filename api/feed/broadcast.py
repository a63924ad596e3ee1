"""The broadcaster: one thread a replica, which reads every new event once and wakes the streams.

A commit wakes it (LISTEN); it looks every second too, so that a notification that is lost, or that a pooler does not
pass on, costs a second and no event: what counts are the numbers. An error leaves the streams open; their heartbeats
say how old the newest number is.
"""

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import Connection

from api.feed import frames, records
from api.feed.hub import Hub
from api.feed.parameters import (
    CHANNEL,
    ERROR_PAUSE_S,
    KEPT_EVENTS,
    KEYS_CHECKED_S,
    PAGE_EVENTS,
    POLL_S,
    READERS,
    STATEMENT_TIMEOUT_S,
)
from api.feed.ring import Ring
from api.institutions import credentials
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.storage.tables import credentials as keys_table
from api.storage.tables import feed_head, principals
from api.terminal.naming import key_id

_log = logging.getLogger(__name__)

_HEAD = sa.select(feed_head.c.seq, feed_head.c.key_id, sa.func.statement_timestamp().label("now"))
_LIVE = (
    sa.select(keys_table.c.id)
    .join(principals, principals.c.id == keys_table.c.principal_id)
    .where(keys_table.c.id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid))), credentials.live())
)


class Broadcaster:
    """Runs between `start` and `stop`, on a connection of its own."""

    def __init__(
        self, database: Database, keys: Keys, most_streams: int, *, on_news: Callable[[], None] = lambda: None
    ) -> None:
        """`on_news` is called when there are new events."""
        self._database = Database(database.url, pool_size=1, timeout_s=STATEMENT_TIMEOUT_S)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        self._notified = False
        self._ticked = self._checked = 0.0
        self._on_news = on_news
        self.key_id = key_id(keys.feed)
        self.hub = Hub(most_streams)
        self.readers = ThreadPoolExecutor(READERS, thread_name_prefix="feed-reader")
        self.ring = Ring(0)
        self.as_of: datetime | None = None
        self.failing = False

    def start(self) -> None:
        """Begin with the newest events at hand; a no-op when it runs. Raises `DatabaseUnavailable`."""
        if self._thread is not None:
            return
        with self._database.begin() as connection:
            self.ring = Ring(max(0, records.head(connection).seq - KEPT_EVENTS))
            self._read(connection)
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="broadcaster", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every stream and the thread."""
        self.hub.close()
        if self._thread is not None:
            self._ended.set()
            os.write(self._wake_writer, b"\0")
            self._thread.join()
            self._thread = None
        self.readers.shutdown(cancel_futures=True)
        self._database.close()
        for end in (self._wake_reader, self._wake_writer):
            os.close(end)

    def heartbeat(self) -> bytes:
        """The heartbeat of this moment."""
        # The time first: a number that the other thread takes in between is then newer than the time, and never older.
        as_of = self.as_of
        return frames.heartbeat(self.ring.last, as_of, self.key_id)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it meets
                self._tell(error)
                self.failing = True
                self._database.engine.dispose()
                self._tick()
                self._ended.wait(ERROR_PAUSE_S)

    def _follow(self) -> None:
        """Read as long as the connection lasts."""
        with self._database.single() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            raw.add_notify_handler(self._note)
            raw.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while not self._ended.is_set():
                self._notified = False
                self._read(connection)
                self.failing = False
                self._check_keys(connection)
                self._tick()
                if not self._notified:
                    self._await(raw)

    def _note(self, _: psycopg.Notify) -> None:
        """Called while the driver takes something in, a query's answer or a notification by itself."""
        self._notified = True

    def _await(self, raw: "psycopg.Connection[tuple[object, ...]]") -> None:
        ready, _, _ = select.select([raw.fileno(), self._wake_reader], [], [], POLL_S)
        if raw.fileno() in ready:
            raw.pgconn.consume_input()
            while raw.pgconn.notifies() is not None:
                pass

    def _read(self, connection: Connection) -> None:
        """Take in what is new, and wake the streams for it."""
        asked = connection.execute(_HEAD).one()
        if asked.key_id not in {None, self.key_id}:
            # Heartbeats would name a key that the tags are no longer made with: nobody would find a card by it.
            self.hub.close()
            raise ValueError("the feed's key was replaced, and this replica has to be started anew")
        if asked.seq < self.ring.last:
            self._begin_again(asked.seq)
        if not self._ended.is_set():
            self.hub.reopen()
        while self.ring.last < asked.seq:
            events = records.page(connection, self.ring.last, PAGE_EVENTS)
            if not events:
                raise ValueError(f"the feed has a gap after {self.ring.last}")
            self.ring.add(frames.framed(events))
            self.hub.wake()
            self._on_news()
        self.as_of = asked.now

    def _begin_again(self, seq: int) -> None:
        """The register was brought back to an earlier point, and numbers that were told will be given again: whoever
        heard them has to ask, and is told so (`feed_position_unknown`)."""
        _log.error("the feed went back from %d to %d: was the database restored?", self.ring.last, seq)
        self.hub.close()
        self.ring = Ring(seq)

    def _check_keys(self, connection: Connection) -> None:
        """End the streams of keys that were revoked, or ran out, or whose holder was disabled."""
        if time.monotonic() - self._checked < KEYS_CHECKED_S:
            return
        self._checked = time.monotonic()
        held = self.hub.keys()
        if held:
            live: set[UUID] = set(connection.execute(_LIVE, {"ids": list(held)}).scalars())
            self.hub.end_keys(held - live)

    def _tick(self) -> None:
        if time.monotonic() - self._ticked >= 1.0:
            self._ticked = time.monotonic()
            self.hub.tick()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, StorageError):
            _log.warning("the feed waits: %s", error)
        elif isinstance(error, ValueError):
            _log.error("the feed waits: %s", error)
        else:
            _log.warning("the feed waits: %s", type(error).__name__)
