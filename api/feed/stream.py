"""`GET /v1/feed` as a stream: server-sent events (WHATWG HTML, 9.2), from the ring or, further back, from the table."""

import asyncio
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.errors import ServiceError
from api.feed import frames, records
from api.feed.broadcast import Broadcaster
from api.feed.frames import Framed
from api.feed.hub import StreamsFull
from api.feed.parameters import BURST_EVENTS, FULL_RETRY_S, PAGE_EVENTS
from api.institutions.caller import Caller
from api.storage.database import Database
from api.storage.errors import StorageError

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # Proxies that gather answers would hold every event back.
    "X-Accel-Buffering": "no",
}


class FeedStream(Response):
    """The answer that lasts: one task that sends, and one that notices when the client goes."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        database: Database,
        caller: Caller,
        after: int,
        until: datetime | None = None,
    ) -> None:
        """To be made in the loop that serves it. `until`: when its page's session ends, and it too."""
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._broadcaster, self._database = broadcaster, database
        self._institution_id = frames.reader(caller)
        self.sent = after
        self._until = until
        self._page: list[Framed] = []
        self._waiter: asyncio.Future[None] | None = None
        self._beating = False
        self.ending = False
        self.principal_id, self.key_id = caller.principal_id, caller.key_id
        self.loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """There may be something to send."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def beat(self) -> None:
        """Send a heartbeat."""
        self._beating = True
        self.wake()

    def end(self) -> None:
        """End in order, after what is being sent."""
        self.ending = True
        self.wake()

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes, the key ends or the service does. Raises `ServiceError` `service_busy`."""
        try:
            self._broadcaster.hub.enter(self)
        except StreamsFull as error:
            raise ServiceError("service_busy", retry_after_s=FULL_RETRY_S) from error
        listener = asyncio.create_task(self._listen(receive))
        ending = None
        if self._until is not None:
            ending = self.loop.call_later((self._until - datetime.now(UTC)).total_seconds(), self.end)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _send(send, frames.greeting() + self._broadcaster.heartbeat())
            await self._run(send)
            await _send(send, frames.parting() if self._broadcaster.hub.retired else b"", more=False)
        finally:
            self._broadcaster.hub.leave(self)
            listener.cancel()
            if ending is not None:
                ending.cancel()

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()

    async def _run(self, send: Send) -> None:
        while not self.ending:
            events = await self._next()
            if events:
                self.sent = events[-1].seq
                await _send(send, b"".join([one.to(self._institution_id) for one in events]))
            if self._beating:
                self._beating = False
                await _send(send, self._broadcaster.heartbeat())
            elif not events and not self.ending:
                # Nothing comes between the look and the waiting: both are one step of this loop.
                self._waiter = self.loop.create_future()
                await self._waiter

    async def _next(self) -> list[Framed]:
        """What follows what was sent, a burst at most; nothing when there is nothing new."""
        if not self._page:
            found = self._broadcaster.ring.after(self.sent, BURST_EVENTS)
            if found is not None:
                return found
            self._page = await self.loop.run_in_executor(self._broadcaster.readers, self._read)
        events, self._page = self._page[:BURST_EVENTS], self._page[BURST_EVENTS:]
        return events

    def _read(self) -> list[Framed]:
        """From the table; nothing when it cannot be read now, and then the next heartbeat tries again."""
        try:
            with self._database.begin() as connection:
                return frames.framed(records.page(connection, self.sent, PAGE_EVENTS, self._broadcaster.ring.last))
        except StorageError:
            return []


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    """Waits while the client's buffer is full."""
    await send({"type": "http.response.body", "body": body, "more_body": more})
