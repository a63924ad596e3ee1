"""What the feed tells after a setback: a new key, a database that was brought back, tags that are being made anew."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from api.feed import tagging
from api.feed.broadcast import Broadcaster
from api.feed.hub import Listening, StreamsFull
from api.feed.webhooks import addresses, deliveries
from api.http.app import create_app
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import feed_events, feed_head, webhooks
from tests.api.bodies import register, report
from tests.api.clients import KeyedClient
from tests.api.conftest import NewDatabase
from tests.api.elsewhere import over
from tests.api.entries import new_key
from tests.api.feed.receiver import until


class Stream:
    """A stream as the hub knows it, which notes what it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.principal_id, self.key_id = uuid4(), uuid4()
        self.loop, self.ending, self.sent = loop, False, 0

    def wake(self) -> None: ...

    def beat(self) -> None: ...

    def end(self) -> None:
        self.ending = True


@pytest.fixture
def alone(service: Service, new_database: NewDatabase) -> Service:
    """A service over a database of its own, whose feed a test may break."""
    database = new_database(migrated=True)
    tagging.retag(database, service.keys)
    return over(service, database)


def client(alone: Service, role: Role) -> TestClient:
    made = KeyedClient(create_app(alone))
    made.headers["Authorization"] = f"Bearer {new_key(alone.database, alone.keys, role)}"
    return made


@pytest.fixture
def authority(alone: Service) -> TestClient:
    return client(alone, Role.AUTHORITY)


@pytest.fixture
def broadcaster(alone: Service) -> Iterator[Broadcaster]:
    made = Broadcaster(alone.database, alone.keys, 10)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def stream(broadcaster: Broadcaster) -> Iterator[Callable[[], Stream]]:
    """Streams in a loop of their own, run where a test asks whether they have ended."""
    loop = asyncio.new_event_loop()

    def entered() -> Stream:
        made: Listening = Stream(loop)
        broadcaster.hub.enter(made)
        return made  # type: ignore[return-value]

    yield entered
    loop.close()


def has_ended(stream: Stream) -> bool:
    stream.loop.run_until_complete(asyncio.sleep(0))
    return stream.ending


def lose(authority: TestClient, cards: int) -> None:
    for _ in range(cards):
        card_id, _ = register(authority)
        report(authority, card_id, "reported_lost")


def test_a_replica_with_an_old_key_tells_nobody_anything(
    alone: Service, authority: TestClient, broadcaster: Broadcaster, stream: Callable[[], Stream]
) -> None:
    lose(authority, 2)
    until(lambda: broadcaster.ring.last == 2)
    open_one = stream()
    tagging.retag(alone.database, replace(alone.keys, feed=bytes(32)))
    until(lambda: broadcaster.failing)
    until(lambda: has_ended(open_one))
    before = broadcaster.heartbeat()
    with pytest.raises(StreamsFull):
        stream()
    time.sleep(1.2)
    assert broadcaster.heartbeat() == before, "it does not say that it is up to date"
    tagging.retag(alone.database, alone.keys)
    until(lambda: not broadcaster.failing)
    assert not has_ended(stream())


def test_numbers_that_are_given_again_are_told_again(
    alone: Service, authority: TestClient, broadcaster: Broadcaster, stream: Callable[[], Stream]
) -> None:
    lose(authority, 4)
    until(lambda: broadcaster.ring.last == 4)
    open_one = stream()
    with alone.database.begin() as connection:
        connection.execute(text("DELETE FROM feed_events WHERE seq > 2"))
        connection.execute(update(feed_head).values(seq=2))
    until(lambda: broadcaster.ring.last == 2)
    until(lambda: has_ended(open_one))
    until(lambda: not broadcaster.failing)
    lose(authority, 1)
    until(lambda: broadcaster.ring.last == 3)
    with alone.database.begin() as connection:
        tag = connection.execute(select(feed_events.c.tag).where(feed_events.c.seq == 3)).scalar_one()
    [told] = broadcaster.ring.after(2, 10) or []
    assert tag.hex().encode() in told.everybody


def subscribed(alone: Service, url: str = "https://hooks.example/feed") -> str:
    answer = client(alone, Role.SUPERVISOR).post("/v1/feed/webhooks", json={"url": url, "after": 0})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def due(alone: Service) -> list[deliveries.Delivery]:
    with alone.database.begin() as connection:
        connection.execute(update(webhooks).values(next_try_at=text("clock_timestamp()")))
    with alone.database.begin() as connection:
        return deliveries.claim(connection, alone.keys)


def test_no_message_leaves_events_out(alone: Service, authority: TestClient) -> None:
    """While tags are made anew, a message that was begun waits for all that it says it holds."""
    lose(authority, 4)
    subscribed(alone)
    with alone.database.begin() as connection:
        tags = connection.execute(select(feed_events.c.seq, feed_events.c.tag)).all()
        connection.execute(update(feed_events).where(feed_events.c.seq > 2).values(tag=None))
    assert due(alone) == []
    with alone.database.begin() as connection:
        assert connection.execute(select(webhooks.c.last_failure)).scalar_one() == "events_not_ready"
        for row in tags:
            connection.execute(update(feed_events).where(feed_events.c.seq == row.seq).values(tag=row.tag))
    [message] = due(alone)
    assert (message.last, message.body.count(b'"tag"')) == (4, 4)


def test_a_secret_that_does_not_open_holds_up_nobody_else(alone: Service, authority: TestClient) -> None:
    broken, sound = subscribed(alone), subscribed(alone)
    lose(authority, 1)
    with alone.database.begin() as connection:
        connection.execute(update(webhooks).where(webhooks.c.id == broken).values(secret_sealed=b"?" * 60))
    assert [str(one.webhook_id) for one in due(alone)] == [sound]
    with alone.database.begin() as connection:
        told = connection.execute(select(webhooks.c.last_failure).where(webhooks.c.id == broken)).scalar_one()
    assert told == "secret_unreadable"


def test_after_a_restore_what_comes_is_sent(alone: Service, authority: TestClient) -> None:
    """What was acknowledged lies ahead of the head: the numbers up to it will be given to other changes."""
    subscribed(alone)
    lose(authority, 3)
    with alone.database.begin() as connection:
        connection.execute(update(webhooks).values(acknowledged_seq=3))
        connection.execute(text("DELETE FROM feed_events WHERE seq > 1"))
        connection.execute(update(feed_head).values(seq=1))
    assert due(alone) == []
    lose(authority, 1)
    [message] = due(alone)
    assert message.last == 2
    assert b'"seq":2' in message.body


def test_names_that_are_not_answered_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many look-ups as the loop's own threads hang; another is answered, and other work of those threads is done."""
    real, let_go = socket.getaddrinfo, asyncio.Event()

    def slow(host: str, *arguments: object, **named: object) -> object:
        deadline = time.monotonic() + 120
        while host.endswith("slow.example") and time.monotonic() < deadline and not let_go.is_set():
            time.sleep(0.01)
        return real("127.0.0.1", *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    loopback = [ip_network("127.0.0.0/8")]

    async def looked_up() -> None:
        hanging = [
            asyncio.create_task(addresses.resolve(f"a{number}.slow.example", 443, loopback)) for number in range(40)
        ]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(60):
            await addresses.resolve("hooks.example", 443, loopback)
            await asyncio.to_thread(int)
        assert not any(task.done() for task in hanging)
        let_go.set()
        await asyncio.gather(*hanging)

    asyncio.run(looked_up())
