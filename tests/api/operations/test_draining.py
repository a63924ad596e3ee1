"""Ending in order: nothing that arrives is lost, and whoever sends is told to go elsewhere."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn

from api.feed.broadcast import Broadcaster
from api.http.app import create_app
from api.institutions.roles import Role
from api.operations.draining import Server
from api.operations.ending import Draining
from api.operations.parameters import DRAIN_RETRY_MS
from api.service import Service
from tests.api.bodies import fresh, fresh_key, new_card
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.scripted import ScriptedComparer

DRAIN_S = 600.0
WAIT_S = 120.0


@dataclass
class Replica:
    """A replica on a port, in a thread: signals are handed to it by `terminate`."""

    service: Service
    server: Server
    thread: threading.Thread
    url: str

    def terminate(self) -> None:
        self.server.handle_exit(signal.SIGTERM, None)

    @property
    def drains_for_s(self) -> float:
        """How long it still takes what comes."""
        assert self.server._leave_at is not None
        return self.server._leave_at - time.monotonic()

    def be_drained(self) -> None:
        """Have that time be over."""
        self.server._leave_at = time.monotonic()

    @property
    def ends(self) -> bool:
        """Whether it takes nothing more."""
        return self.server.should_exit


@pytest.fixture
def replica(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    """One that shares everything with the shared service but what ends: its feed and itself."""
    feed = Broadcaster(service.database, service.keys, 10)
    feed.start()
    settings = service.settings.model_copy(update={"drain_s": DRAIN_S})
    own = replace(service, settings=settings, feed=feed, draining=Draining(), comparer=ScriptedComparer())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(uvicorn.Config(create_app(own), log_config=None, ws="none"), own)
        # Raised again at the end, in a process of its own; here it would end the tests.
        monkeypatch.setattr(signal, "raise_signal", lambda _: None)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Replica(own, server, thread, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        thread.join(WAIT_S)
    feed.stop()
    assert not thread.is_alive()


def test_no_request_is_lost(replica: Replica, service: Service, new_client: NewClient) -> None:
    """One is under way when the signal comes, others follow until the sockets close: all are answered."""
    waiting, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        waiting.set()
        assert go_on.wait(WAIT_S)

    assert isinstance(replica.service.comparer, ScriptedComparer)
    replica.service.comparer.meanwhile = wait
    key = new_key(service.database, service.keys, Role.TERMINAL)
    told: list[httpx.Response] = []
    terminal = new_client(service=replica.service)
    body: Any = None
    with closing(
        httpx.Client(base_url=replica.url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_S)
    ) as client:
        nonce = client.post("/v1/captures").json()["nonce"]
        body = fresh(terminal, new_card()) | {"nonce": nonce}
        assert client.get("/readyz").status_code == 200

        def verify() -> None:
            told.append(client.post("/v1/verifications", json=body, headers=fresh_key()))

        under_way = threading.Thread(target=verify)
        under_way.start()
        assert waiting.wait(WAIT_S)
        replica.terminate()
        assert 0 < replica.drains_for_s <= DRAIN_S, "it listens for as long as the settings say"
        ready = httpx.get(f"{replica.url}/readyz", timeout=WAIT_S)
        assert (ready.status_code, ready.json()["code"]) == (503, "service_ending")
        assert ready.headers["connection"] == "close"
        assert httpx.get(f"{replica.url}/healthz", timeout=WAIT_S).status_code == 200, "it lives"
        assert client.post("/v1/captures").status_code == 201
        assert not replica.ends
        replica.be_drained()
        while True:
            try:
                assert client.post("/v1/captures").status_code == 201
            except httpx.TransportError:
                break  # nothing listens any more: by then a balancer has gone elsewhere
        assert not told, "the one under way is waited for"
        go_on.set()
        under_way.join(WAIT_S)
    assert [one.status_code for one in told] == [200]
    replica.thread.join(WAIT_S)
    assert not replica.thread.is_alive()


def test_streams_are_told_when_to_come_back(replica: Replica, service: Service) -> None:
    key = new_key(service.database, service.keys, Role.TERMINAL)
    with (
        closing(httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_S)) as client,
        client.stream("GET", f"{replica.url}/v1/feed", headers={"Accept": "text/event-stream"}) as stream,
    ):
        assert stream.status_code == 200
        received = stream.iter_text()
        assert "event: head" in next(received)
        replica.terminate()
        last = "".join(received)
    retries = [int(line.removeprefix("retry: ")) for line in last.splitlines() if line.startswith("retry: ")]
    assert len(retries) == 1
    assert DRAIN_RETRY_MS[0] <= retries[0] < DRAIN_RETRY_MS[1]
    again = httpx.get(
        f"{replica.url}/v1/feed",
        headers={"Authorization": f"Bearer {key}", "Accept": "text/event-stream"},
        timeout=WAIT_S,
    )
    assert (again.status_code, again.json()["code"]) == (503, "service_busy")


def test_a_second_signal_ends_the_wait(replica: Replica) -> None:
    ends = []
    for _ in range(2):
        replica.terminate()
        ends.append(replica.ends)
    assert ends == [False, True]
    replica.thread.join(WAIT_S)
    assert not replica.thread.is_alive()


def test_who_does_not_end_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The date in every answer is that of a second all the same, which uvicorn makes at every tenth tick."""
    slept, ticks = list[float](), list[int]()

    class Watched(Server):
        async def on_tick(self, counter: int) -> bool:
            ticks.append(counter)
            if len(ticks) == 7:
                self._service.draining.begin()
            return len(ticks) == 10

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    service = SimpleNamespace(draining=Draining())
    server = Watched(uvicorn.Config("none", ws="none", log_config=None), service)  # type: ignore[arg-type]
    asyncio.run(server.main_loop())
    assert ticks == [0, 5, 10, 15, 20, 25, 30, 31, 32, 33]
    assert slept == pytest.approx([0.5] * 6 + [0.1] * 3)
