"""Connections that do not wait for ever: uvicorn's own protocol, with an end to what a request may take to arrive.

uvicorn takes headers of any length for any time, from whoever connects: a few thousand connections that send a byte now
and then (slow loris), or one that sends headers without end, would take its descriptors or its memory. A proxy in front
has such limits; a service that is reached without one needs its own.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.parameters import BODY_S, GRACE_S, HEAD_BYTES, HEAD_S

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request does not arrive in time, or is head without end."""

    head_s = HEAD_S
    arrival_s = BODY_S + GRACE_S
    head_bytes = HEAD_BYTES

    def __init__(self, *how: Any, **named: Any) -> None:
        super().__init__(*how, **named)
        # When it is over, and the timer that looks: a request sets the time several times, and a timer costs more.
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        # Bytes of the request under way, apart from its body's, and of its body.
        self._around = self._within = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request may be waited for as long as its headers may take."""
        super().connection_made(transport)
        self._allow(self.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._allow(None)
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self._around = self._within = 0
        self._allow(self.head_s)

    def on_headers_complete(self) -> None:
        """The body may take its time, which `BodyLimit` measures; this is for who goes on after it was answered."""
        self._allow(self.arrival_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body. What is handed over in one part is kept as it is, instead of copied twice."""
        self._within += len(body)
        if not self.cycle.body:
            self.cycle.body = b""  # type: ignore[assignment]
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there; the next one has keep-alive's time to begin."""
        self._allow(None)
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; no more than so much of it may be no body."""
        before = self._within
        super().data_received(data)
        self._around += max(0, len(data) - max(0, self._within - before))
        if self._around > self.head_bytes + self._within and self._due is not None:
            if not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
            self._close()

    def _allow(self, seconds: float | None) -> None:
        if seconds is None:
            self._due = None
            return
        self._due = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._look)
        else:
            self._close()

    def _close(self) -> None:
        self._allow(None)
        if not self.transport.is_closing():
            self.transport.close()
