"""The deliverer: one thread a replica, with an event loop in which an endpoint that hangs keeps nobody else waiting."""

import asyncio
import logging
import threading
from collections.abc import Sequence

import httpx

from api.feed.parameters import ATTEMPTS_AT_ONCE, ERROR_PAUSE_S, POLL_S, STATEMENT_TIMEOUT_S, TOLD_AFTER_FAILURES
from api.feed.webhooks import deliveries
from api.feed.webhooks.addresses import Network
from api.feed.webhooks.deliveries import Delivery
from api.feed.webhooks.sending import open_client, send
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys

_log = logging.getLogger(__name__)


class Deliverer:
    """Runs between `start` and `stop`, on a connection of its own."""

    def __init__(self, database: Database, keys: Keys, networks: Sequence[Network]) -> None:
        self._database = Database(database.url, pool_size=1, timeout_s=STATEMENT_TIMEOUT_S)
        self._keys, self._networks = keys, networks
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None
        self._ended = threading.Event()
        self._ready = threading.Event()

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="deliverer", daemon=True)
            self._thread.start()
            self._ready.wait()

    def stop(self) -> None:
        """End. What is under way is broken off, and sent again by whoever comes next."""
        if self._thread is not None:
            self._ended.set()
            self.wake()
            self._thread.join()
            self._thread = None
        self._database.close()

    def wake(self) -> None:
        """There may be something to deliver; from any thread."""
        if self._loop is not None and self._woken is not None:
            try:
                self._loop.call_soon_threadsafe(self._woken.set)
            except RuntimeError:  # it has ended
                return

    async def _run(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        under_way: set[asyncio.Task[None]] = set()
        async with open_client() as client:
            while not self._ended.is_set():
                self._woken.clear()
                room = ATTEMPTS_AT_ONCE - len(under_way)
                for delivery in await asyncio.to_thread(self._claim, room) if room else []:
                    task = asyncio.create_task(self._attempt(client, delivery))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                await self._pause()
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _pause(self) -> None:
        assert self._woken is not None
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        failure = await send(client, delivery, self._networks)
        await asyncio.to_thread(self._settle, delivery, failure)
        if failure is None:
            self.wake()

    def _claim(self, most: int) -> list[Delivery]:
        try:
            with self._database.single() as connection:
                if not deliveries.any_at_all(connection):
                    return []
            with self._database.begin() as connection:
                return deliveries.claim(connection, self._keys, most)
        except StorageError as error:
            _log.warning("webhooks wait: %s", error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one look meets
            _log.error("webhooks wait: %s", type(error).__name__)
        self._ended.wait(ERROR_PAUSE_S)
        return []

    def _settle(self, delivery: Delivery, failure: str | None) -> None:
        """Where this is not noted, the lease runs out and the message is sent again."""
        try:
            with self._database.begin() as connection:
                if failure is None:
                    deliveries.acknowledge(connection, delivery)
                else:
                    deliveries.fail(connection, delivery, failure)
            if failure is not None and delivery.failures + 1 == TOLD_AFTER_FAILURES:
                _log.warning("webhook %s keeps failing: %s", delivery.webhook_id, failure)
        except StorageError as error:
            _log.warning("webhooks wait: %s", error)
