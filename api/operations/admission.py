"""Admission: a verification that would be answered too late is refused at the door, before any work was done for it.

Without that, more requests than can be answered pile up in the service until every answer comes too late for whoever
waits for it. The estimate follows from Little's law: what is inside leaves at the rate of answers, so that the next one
waits for as many times as are inside, each the time of an answer over how many were inside with it. It is learned from
the answers themselves, and so it holds whether processors, the database or another register is what is short.

That is the mean, and half of those let in would wait for longer. So the estimate is held against a share of the bound,
which falls with every one that was late, and rises a hundredth as much with every one that was not. And whose turn
comes so late that the answer can hardly be in time is turned away then, before the engines begin.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.errors import ServiceError
from api.operations.metrics import counters
from api.operations.parameters import (
    ALWAYS_FOR_EACH_THREAD,
    LATE,
    LEARNED_SHARE,
    LEAST_SHARE,
    MOST_AT_LEAST,
    MOST_FOR_EACH_THREAD,
    REST_FACTOR,
    SHARE_STEP,
)


@dataclass(frozen=True)
class Place:
    """A request that is inside: since when (a monotonic clock, s), and with how many, itself included."""

    since: float
    among: int


class Admission:
    """Counts what is inside, and gives turns. Shared among threads; only `turn` waits."""

    def __init__(self, threads: int = 1, most_wait_s: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`threads` compare; nobody who would wait for longer than `most_wait_s` is let in. `clock` is for turns."""
        self._always = ALWAYS_FOR_EACH_THREAD * threads
        self.most = max(MOST_AT_LEAST, MOST_FOR_EACH_THREAD * threads)
        self._most_wait_s = most_wait_s
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = self._at_work = 0
        self._waiting: deque[threading.Event] = deque()
        self._each_s = 0.0
        self._share = 1.0

    @property
    def inside(self) -> int:
        """Admitted and not answered yet."""
        return self._inside

    @property
    def waiting(self) -> int:
        """Inside, and waiting for a turn."""
        return len(self._waiting)

    def wait_s(self) -> float:
        """What the next one would wait for its answer, in seconds: the mean. 0 before the first answer."""
        return (self._inside + 1) * self._each_s

    def enter(self, now: float) -> Place:
        """Let a request in; `leave` has to follow. Raises `ServiceError` `service_overloaded`."""
        with self._lock:
            late = self._inside >= self._always and self.wait_s() > self._share * self._most_wait_s
            if late or self._inside >= self.most:
                raise self._shed()
            self._inside += 1
            return Place(now, self._inside)

    @contextmanager
    def turn(self, place: Place) -> Iterator[None]:
        """Wait, in the order of coming, until an engine is about to be free, and be at work inside.

        Raises `ServiceError` `service_overloaded` where that was so long that the answer would be late.
        """
        mine: threading.Event | None = None
        with self._lock:
            if self._at_work < self._always:
                self._at_work += 1
            else:
                mine = threading.Event()
                self._waiting.append(mine)
        if mine is not None:
            mine.wait()
        try:
            self._check(place)
            yield
        finally:
            with self._lock:
                # Handed on, as many are at work as before.
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._at_work -= 1

    def leave(self, place: Place, now: float, *, answered: bool) -> None:
        """A request is done. What was refused for a fault of its own (not `answered`) says nothing of the load."""
        with self._lock:
            # How many it was among is seen when it comes and when it goes: what came in between has both.
            each_s = (now - place.since) / ((place.among + self._inside) / 2)
            self._inside -= 1
            if not answered:
                return
            share = LEARNED_SHARE if self._each_s else 1.0
            self._each_s += share * (each_s - self._each_s)
            self._tell(place, late=now - place.since > self._most_wait_s)

    def _check(self, place: Place) -> None:
        with self._lock:
            waited_s = self._clock() - place.since
            # It leaves after those that are at work, which take as long as so many do that follow each other.
            rest_s = REST_FACTOR * self._always * self._each_s
            if place.among > self._always and waited_s + rest_s > self._most_wait_s:
                self._tell(place, late=True)
                raise self._shed()

    def _tell(self, place: Place, *, late: bool) -> None:
        # Those who are let in at any rate say nothing of the bound.
        if place.among > self._always:
            change = -(1.0 - LATE) if late else LATE
            self._share = min(1.0, max(LEAST_SHARE, self._share + SHARE_STEP * change))

    def _shed(self) -> ServiceError:
        counters.shed()
        return ServiceError("service_overloaded", retry_after_s=max(1, math.ceil(self.wait_s())))
