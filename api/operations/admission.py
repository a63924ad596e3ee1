"""Admission: a verification that would be answered too late is refused at the door, before any work was done for it.

Without that, more requests than can be answered pile up in the service until every answer comes too late for whoever
waits for it. The estimate follows from Little's law: what is inside leaves at the rate of answers, so that the next one
waits for as many times as are inside, each the time of an answer over how many were inside with it. It is learned from
the answers themselves, and so it holds whether processors, the database or another register is what is short.
"""

import math
import threading
from dataclasses import dataclass

from api.errors import ServiceError
from api.operations.metrics import counters
from api.operations.parameters import ALWAYS_FOR_EACH_THREAD, LEARNED_SHARE, MOST_AT_LEAST, MOST_FOR_EACH_THREAD


@dataclass(frozen=True)
class Place:
    """A request that is inside: since when (a monotonic clock, s), and with how many, itself included."""

    since: float
    among: int


class Admission:
    """Counts what is inside. Shared among threads; nothing here waits."""

    def __init__(self, threads: int = 1, most_wait_s: float = 2.0) -> None:
        """`threads` compare; nobody who would wait for longer than `most_wait_s` is let in."""
        self._always = ALWAYS_FOR_EACH_THREAD * threads
        self.most = max(MOST_AT_LEAST, MOST_FOR_EACH_THREAD * threads)
        self._most_wait_s = most_wait_s
        self._lock = threading.Lock()
        self._inside = 0
        self._each_s = 0.0

    @property
    def inside(self) -> int:
        """Admitted and not answered yet."""
        return self._inside

    def wait_s(self) -> float:
        """What the next one would wait for its answer, in seconds; 0 before the first answer."""
        return (self._inside + 1) * self._each_s

    def enter(self, now: float) -> Place:
        """Let a request in; `leave` has to follow. Raises `ServiceError` `service_overloaded`."""
        with self._lock:
            wait_s = self.wait_s()
            if self._inside >= self.most or (self._inside >= self._always and wait_s > self._most_wait_s):
                counters.shed()
                raise ServiceError("service_overloaded", retry_after_s=max(1, math.ceil(wait_s)))
            self._inside += 1
            return Place(now, self._inside)

    def leave(self, place: Place, now: float, *, answered: bool) -> None:
        """A request is done. What was refused for a fault of its own (not `answered`) says nothing of the load."""
        with self._lock:
            # How many it was among is seen when it comes and when it goes: what came in between has both.
            each_s = (now - place.since) / ((place.among + self._inside) / 2)
            self._inside -= 1
            if answered:
                share = LEARNED_SHARE if self._each_s else 1.0
                self._each_s += share * (each_s - self._each_s)
