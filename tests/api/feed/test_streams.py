"""Streams: every event once and in order, from where a client left off, also for one that is slow; and their ends."""

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from starlette.testclient import TestClient

from api.feed import records
from api.feed.broadcast import Broadcaster
from api.feed.parameters import STREAMS_EACH
from api.feed.ring import Ring
from api.institutions import credentials, principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import register, report
from tests.api.feed.conftest import NewKey
from tests.api.feed.streams import Closing, Ended, following

WAIT_S = 60.0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def head(service: Service) -> int:
    with service.database.begin() as connection:
        return records.head(connection).seq


def change(authority: TestClient, times: int) -> str:
    """Make changes of status; gives the card."""
    card_id, _ = register(authority)
    for turn in range(times):
        report(authority, card_id, "found" if turn % 2 else "reported_lost")
    return card_id


def test_events_come_as_they_are_committed(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey
) -> None:
    before = head(service)
    with following(url, new_feed_key(), after=before) as follower:
        assert follower.retry_ms == 1000
        assert follower.head["head"] == before
        assert follower.answer.headers["cache-control"] == "no-store"
        for turn in range(1, 4):
            change(authority, 1)
            assert follower.event()["seq"] == before + turn
        page = httpx.get(
            f"{url}/v1/feed",
            params={"after": before},
            headers={"Authorization": f"Bearer {new_feed_key()}"},
            timeout=WAIT_S,
        ).json()
    with following(url, new_feed_key(), after=before) as again:
        assert again.events(3) == page["events"], "a stream and a page tell the same"


def test_a_client_goes_on_where_it_left_off(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey
) -> None:
    before, key = head(service), new_feed_key()
    change(authority, 4)
    with following(url, key, after=before) as follower:
        seen = [one["seq"] for one in follower.events(2)]
    change(authority, 3)
    # Its address is still the one that it began with: what it heard last counts.
    with following(url, key, after=before, last_event_id=seen[-1]) as follower:
        seen += [one["seq"] for one in follower.events(5)]
    assert seen == list(range(before + 1, before + 8))


def test_who_is_far_behind_is_read_to_from_the_table(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a client that was away for longer than the events at hand go back: here there are none at hand."""
    monkeypatch.setattr("api.feed.stream.PAGE_EVENTS", 3)
    before = head(service)
    change(authority, 10)
    until(lambda: service.feed.ring.last == before + 10)
    monkeypatch.setattr(service.feed, "ring", Ring(before + 10))
    assert service.feed.ring.after(before, 1) is None
    with following(url, new_feed_key(), after=before) as follower:
        assert [one["seq"] for one in follower.events(10)] == list(range(before + 1, before + 11))
        change(authority, 2)
        assert [one["seq"] for one in follower.events(2)] == [before + 11, before + 12], "and from then on at once"


def test_a_slow_reader_slows_nobody_and_misses_nothing(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One client takes nothing while more is told than all buffers hold; the others hear all of it meanwhile."""
    monkeypatch.setattr("api.feed.frames._frame", _thick)
    until(lambda: len(service.feed.hub) == 0)
    before, count = head(service), 12
    host, port = httpx.URL(url).host, httpx.URL(url).port
    assert port is not None
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.connect((host, port))
    asked = f"GET /v1/feed?after={before} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
    slow.sendall(f"{asked}Authorization: Bearer {new_feed_key()}\r\n\r\n".encode())
    until(lambda: len(service.feed.hub) == 1)
    with following(url, new_feed_key(), after=before) as follower:
        change(authority, count)
        assert [one["seq"] for one in follower.events(count)] == list(range(before + 1, before + count + 1))
        assert min(one.sent for one in service.feed.hub.streams()) < before + count, "it was held up"
        numbers: list[int] = []
        slow.settimeout(WAIT_S)
        with slow.makefile("rb") as lines:
            while numbers[-1:] != [before + count]:
                line = lines.readline()
                assert line
                if line.startswith(b"id: "):
                    numbers.append(int(line[4:]))
        slow.close()
    assert numbers == list(range(before + 1, before + count + 1))


def _thick(told: dict[str, object], seq: int) -> bytes:
    """A frame of 1 MB: twelve of them are more than the kernel takes for a client that reads nothing."""
    return b"id: %d\n: %s\n" % (seq, b" " * 1_000_000) + b'data: {"seq":%d}\n\n' % seq


def test_heartbeats_say_what_the_newest_is(
    service: Service, url: str, new_feed_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.hub._TURNS", 1)
    with following(url, new_feed_key(), after=head(service)) as follower:
        first = follower.head
        later = follower.next()
        assert (later.event, later.id) == ("head", None)
        assert set(later.data) == {"head", "as_of", "key_id"}
        assert later.data["as_of"] > first["as_of"]
        assert later.data["head"] == head(service)


def test_without_a_place_it_begins_at_the_first(service: Service, url: str, new_feed_key: NewKey) -> None:
    assert head(service) > 0
    with following(url, new_feed_key()) as follower:
        assert follower.event()["seq"] == 1


def test_cards_are_named_to_who_registered_them(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey
) -> None:
    house = uuid4().hex
    own = TestClient(authority.app, headers={"Authorization": f"Bearer {new_feed_key(Role.AUTHORITY, house)}"})
    before = head(service)
    with (
        following(url, new_feed_key(Role.AUTHORITY, house), after=before) as known,
        following(url, new_feed_key(Role.TERMINAL, house), after=before) as terminal,
        following(url, new_feed_key(Role.AUTHORITY), after=before) as stranger,
    ):
        card_id = change(own, 1)
        told = known.event()
        assert told.pop("card")["id"] == card_id
        assert terminal.event() == stranger.event() == told


@pytest.mark.parametrize("headers", [{}, {"Last-Event-ID": "999999999"}])
def test_a_number_that_is_not_reached_is_refused(url: str, new_feed_key: NewKey, headers: dict[str, str]) -> None:
    asked = {"Authorization": f"Bearer {new_feed_key()}", "Accept": "text/event-stream", **headers}
    answer = httpx.get(f"{url}/v1/feed", params={} if headers else {"after": 999999999}, headers=asked, timeout=WAIT_S)
    assert (answer.status_code, answer.json()["code"]) == (409, "feed_position_unknown")


def test_a_wrong_place_is_named(url: str, new_feed_key: NewKey) -> None:
    headers = {"Authorization": f"Bearer {new_feed_key()}", "Last-Event-ID": "x"}
    answer = httpx.get(f"{url}/v1/feed", headers=headers, timeout=WAIT_S)
    assert answer.json()["details"] == [{"field": "header.last-event-id", "code": "request_invalid"}]


def test_a_revoked_keys_stream_ends_soon(service: Service, url: str, new_feed_key: NewKey) -> None:
    key, other = new_feed_key(), new_feed_key()
    with Closing(url) as streams:
        ended, stays = streams.follow(key, after=head(service)), streams.follow(other, after=head(service))
        with service.database.begin() as connection:
            caller = principals.authenticate(connection, key)
            assert caller is not None
            credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)
        began = time.monotonic()
        with pytest.raises(Ended):
            ended.event()
        assert time.monotonic() - began < WAIT_S
        assert not stays.answer.is_closed
        assert len(service.feed.hub) >= 1


def test_one_terminal_holds_a_few_streams_and_the_oldest_ends(
    service: Service, url: str, authority: TestClient, new_feed_key: NewKey
) -> None:
    key, before = new_feed_key(), head(service)
    with Closing(url) as streams:
        opened = [streams.follow(key, after=before) for _ in range(STREAMS_EACH + 1)]
        with pytest.raises(Ended):
            opened[0].event()
        change(authority, 1)
        assert [one.event()["seq"] for one in opened[1:]] == [before + 1] * STREAMS_EACH


def test_a_full_replica_says_so(
    service: Service, url: str, new_feed_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.feed.hub, "_most", 0)
    asked = {"Authorization": f"Bearer {new_feed_key()}", "Accept": "text/event-stream"}
    answer = httpx.get(f"{url}/v1/feed", headers=asked, timeout=WAIT_S)
    assert (answer.status_code, answer.json()["code"]) == (503, "service_busy")
    assert int(answer.headers["retry-after"]) > 0


def test_a_client_that_goes_leaves_nothing(service: Service, url: str, new_feed_key: NewKey) -> None:
    until(lambda: len(service.feed.hub) == 0)
    with Closing(url) as streams:
        for _ in range(5):
            streams.follow(new_feed_key(), after=head(service))
        assert len(service.feed.hub) == 5
    until(lambda: len(service.feed.hub) == 0)


def test_a_heartbeats_time_is_never_that_of_a_newer_number(service: Service) -> None:
    """A terminal would else believe to know all of a time at which there was more."""
    early = datetime(2026, 11, 22, tzinfo=UTC)

    class Overtaken(Ring):
        """The other thread takes the next event in, right after the look at the number."""

        @property
        def last(self) -> int:
            feed.as_of = early + timedelta(seconds=1)
            return 7

    feed = Broadcaster(service.database, service.keys, 1)
    feed.as_of, feed.ring = early, Overtaken(7)
    told = json.loads(feed.heartbeat().partition(b"data: ")[2])
    feed.stop()
    assert (told["head"], datetime.fromisoformat(told["as_of"])) == (7, early)
