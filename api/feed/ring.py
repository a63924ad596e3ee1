"""The newest events at hand, for all streams of a replica: filled by one thread, read by others."""

import threading
from collections.abc import Sequence

from api.feed.frames import Framed
from api.feed.parameters import KEPT_EVENTS


class Ring:
    """Events without a gap up to `last`; those that were there longest go when there are too many."""

    def __init__(self, last: int, keep: int = KEPT_EVENTS) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._before = last
        self._events: list[Framed] = []

    @property
    def last(self) -> int:
        """The newest number."""
        with self._lock:
            return self._before + len(self._events)

    def add(self, events: Sequence[Framed]) -> None:
        """Add the events that follow. Raises ValueError where they do not follow without a gap."""
        with self._lock:
            follows = self._before + len(self._events) + 1
            if [one.seq for one in events] != list(range(follows, follows + len(events))):
                raise ValueError(f"the feed has a gap after {follows - 1}")
            self._events.extend(events)
            # Now and then a good piece, rather than one for every one that comes.
            if len(self._events) > 2 * self._keep:
                gone = len(self._events) - self._keep
                self._before += gone
                del self._events[:gone]

    def after(self, seq: int, limit: int) -> list[Framed] | None:
        """The events after a number, at most `limit`, none where it is the newest; None where they are not at hand."""
        with self._lock:
            if seq < self._before:
                return None
            place = seq - self._before
            return self._events[place : place + limit]
