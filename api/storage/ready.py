"""Connections that lie ready: taken from the pool, and not given back to it before somebody else needs one.

To take a connection from SQLAlchemy's pool and to give it back takes longer than a short statement takes the driver.
Lines leave theirs here, and the next line takes it up. They count among the pool's as if they were in it: whoever goes
to the pool itself finds all of them there, and while anybody waits there nobody leaves one here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, PoolProxiedConnection

USED_AT, LYING_SINCE = "used_at", "lying_since"
"""What a connection's record in the pool notes, in monotonic seconds."""


class Ready:
    """Those of one engine; shared among threads. One that lies for longer than `trusted_s` goes by way of the pool,
    which asks whether it still lives."""

    def __init__(self, engine: Engine, trusted_s: float) -> None:
        self._engine, self._trusted_s = engine, trusted_s
        self._lock = threading.Lock()
        self._lying: list[PoolProxiedConnection] = []
        self._wanting = 0

    def __len__(self) -> int:
        return len(self._lying)

    def take(self) -> PoolProxiedConnection:
        """The connection that was left last, or one of the pool's. Raises as `Engine.raw_connection`."""
        with self._lock:
            held = self._lying.pop() if self._lying else None
        if held is not None:
            if time.monotonic() - held.info[LYING_SINCE] < self._trusted_s:
                del held.info[LYING_SINCE]
                return held
            held.close()
        with self.wanted():
            return self._engine.raw_connection()

    def leave(self, held: PoolProxiedConnection) -> None:
        """Give a connection back in which no transaction is open."""
        with self._lock:
            free = not self._wanting
            if free:
                held.info[LYING_SINCE] = time.monotonic()
                self._lying.append(held)
        if not free:
            held.close()

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Somebody goes to the pool in the block, and finds there what lies ready."""
        with self._lock:
            self._wanting += 1
            lying, self._lying = self._lying, []
        try:
            for held in lying:
                held.close()
            yield
        finally:
            with self._lock:
                self._wanting -= 1

    def let_go(self, *, doubted: bool = False) -> None:
        """Give all of them back to the pool; what is `doubted` it asks whether it still lives."""
        with self._lock:
            lying, self._lying = self._lying, []
        for held in lying:
            if doubted:
                held.info[LYING_SINCE] = 0.0
            held.close()
