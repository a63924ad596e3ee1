"""Ending in order: first whoever sends requests here is told to go elsewhere, then what is under way ends, then all.

SIGTERM makes `/readyz` say 503 (`service_ending`), so that a load balancer sends nothing new; closes the feed's streams
with a hint when to come back; and has every answer close its connection, so that a client's next request goes to
another replica. What arrives all the same is answered as ever, for the settings' `drain_s`. Then the sockets close, and
what is under way gets its answer.
"""

import asyncio
import signal
import socket
import time
from types import FrameType

import uvicorn

from api.service import Service

GRACE_S = 20
"""Seconds that requests under way may still take when nothing new is taken."""

CALM_TICKS = 5
_TICK_S = 0.1
_COUNTED = 864_000  # of a day


class Server(uvicorn.Server):
    """uvicorn's server, for a service that is drained."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._leave_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first SIGTERM begins the draining; a second one, or Ctrl-C, ends it."""
        drain_s = self._service.settings.drain_s
        if sig != signal.SIGTERM or self._service.draining.begun or drain_s == 0:
            self._service.draining.begin()
            super().handle_exit(sig, frame)
            return
        self._service.draining.begin()
        self._leave_at = time.monotonic() + drain_s

    async def main_loop(self) -> None:
        """As uvicorn's, which looks ten times a second whether it is to end. Each look wakes a thread that has nothing
        to do: in order to begin to end, twice a second will do."""
        counter = 0
        while not await self.on_tick(counter):
            ticks = 1 if self._service.draining.begun else CALM_TICKS
            counter = (counter + ticks) % _COUNTED
            await asyncio.sleep(ticks * _TICK_S)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end; `counter`: of tenths of a second."""
        if self._service.draining.begun:
            # Not in the handler of the signal: whatever it interrupted may hold the hub's lock.
            self._service.feed.hub.retire()
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self._leave_at = None
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the feed's streams first, which would else last as long as their clients stay."""
        self._service.feed.hub.retire()
        await super().shutdown(sockets)
