"""The open streams of a replica: who holds how many, whose key ended, and waking them when there is something to send.

Streams live in event loops, the feed is read by a thread. A stream has no queue: it knows the number that it sent last
and takes what follows from the ring, when its client has taken what it was sent before. So a slow client costs its own
buffer, and nobody waits for it.
"""

import asyncio
import threading
from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from api.feed.parameters import HEARTBEAT_S, LINGERING_EACH, STREAMS_EACH

# Woken at once; other work of the loop comes between.
_SLICE = 100
_TURNS = round(HEARTBEAT_S)


class StreamsFull(Exception):
    """This replica, or whoever asks, holds as many streams as it may."""


class Listening(Protocol):
    """A stream, as the hub knows it. Its methods are called in its own loop."""

    principal_id: UUID
    key_id: UUID
    loop: asyncio.AbstractEventLoop
    ending: bool
    sent: int

    def wake(self) -> None:
        """There may be something to send."""

    def beat(self) -> None:
        """Send a heartbeat."""

    def end(self) -> None:
        """End in order, which lasts as long as the client takes nothing."""


class Hub:
    """All methods may be called from any thread."""

    def __init__(self, most: int) -> None:
        """`most` streams are held at once."""
        self._most = most
        self._lock = threading.Lock()
        # In the order in which they came, each with the second in which it has its heartbeats.
        self._streams: dict[Listening, int] = {}
        self._closed = self._retired = False
        self._came = self._turn = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._streams)

    def streams(self) -> list[Listening]:
        """Those that are open, in the order in which they came."""
        with self._lock:
            return list(self._streams)

    def enter(self, stream: Listening) -> None:
        """Hold a stream; the oldest of the same terminal ends when it holds too many. Raises `StreamsFull`."""
        with self._lock:
            own = [one for one in self._streams if one.principal_id == stream.principal_id]
            if self._closed or len(self._streams) >= self._most or len(own) >= LINGERING_EACH:
                raise StreamsFull
            self._came += 1
            self._streams[stream] = self._came % _TURNS
            open_ones = [one for one in own if not one.ending]
        for one in open_ones[: max(0, len(open_ones) + 1 - STREAMS_EACH)]:
            _call(one, "end")

    def leave(self, stream: Listening) -> None:
        """Let go of a stream; a no-op when it is not held."""
        with self._lock:
            self._streams.pop(stream, None)

    def wake(self) -> None:
        """Wake every stream, those of a loop a slice at a time."""
        for loop, streams in self._by_loop().items():
            _soon(loop, _wake_slice, loop, streams, 0)

    def tick(self) -> None:
        """Once a second: the heartbeats that are due, spread over the time between two."""
        with self._lock:
            self._turn = (self._turn + 1) % _TURNS
            due = [one for one, turn in self._streams.items() if turn == self._turn]
        for one in due:
            _call(one, "beat")

    def keys(self) -> set[UUID]:
        """The keys that streams were opened with."""
        with self._lock:
            return {one.key_id for one in self._streams}

    def end_keys(self, key_ids: Collection[UUID]) -> None:
        """End the streams of keys that live no longer."""
        with self._lock:
            ended = [one for one in self._streams if one.key_id in key_ids]
        for one in ended:
            _call(one, "end")

    def close(self) -> None:
        """End every stream, and take no more: the service ends, or what it tells is not to be trusted."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for one in streams:
            _call(one, "end")

    def retire(self) -> None:
        """Close for good: this replica ends."""
        with self._lock:
            self._retired = True
        self.close()

    @property
    def retired(self) -> bool:
        """Whether streams end because the replica does, and another one takes them."""
        return self._retired

    def reopen(self) -> None:
        """Take streams again; a no-op where they are taken, and where the replica ends."""
        with self._lock:
            self._closed = self._retired

    def _by_loop(self) -> dict[asyncio.AbstractEventLoop, list[Listening]]:
        with self._lock:
            found: dict[asyncio.AbstractEventLoop, list[Listening]] = {}
            for one in self._streams:
                found.setdefault(one.loop, []).append(one)
            return found


def _wake_slice(loop: asyncio.AbstractEventLoop, streams: list[Listening], start: int) -> None:
    for one in streams[start : start + _SLICE]:
        one.wake()
    if start + _SLICE < len(streams):
        loop.call_soon(_wake_slice, loop, streams, start + _SLICE)


def _call(stream: Listening, what: str) -> None:
    _soon(stream.loop, getattr(stream, what))


def _soon(loop: asyncio.AbstractEventLoop, *call: object) -> None:
    try:
        loop.call_soon_threadsafe(*call)  # type: ignore[arg-type]
    except RuntimeError:  # the loop is closed, and its streams with it
        return
