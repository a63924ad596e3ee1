"""Numbers: no gap and in the order of the commits, whatever runs side by side and is rolled back; and which get one."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from api.feed import events, records, tagging
from api.feed.records import FeedEvent
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import feed_events, feed_head
from api.terminal.naming import card_tag, key_id
from tests.api.bodies import Json, fresh_key, register, registration, report
from tests.api.conftest import NewClient


def since(service: Service, after: int) -> list[FeedEvent]:
    with service.database.begin() as connection:
        return records.page(connection, after, 10_000)


def head(service: Service) -> int:
    with service.database.begin() as connection:
        return records.head(connection).seq


def tag(service: Service, card: Json) -> bytes:
    last = None if card["valid_to"] in {None, "长期"} else date.fromisoformat(card["valid_to"])
    first = date.fromisoformat(card["valid_from"])
    return card_tag(service.keys.feed, card["number"], card["issuer"], first, last)


def test_a_change_has_the_next_number_and_says_what_it_is(service: Service, authority: TestClient) -> None:
    card_id, card = register(authority)
    before = head(service)
    told = report(authority, card_id, "reported_lost")
    (event,) = since(service, before)
    assert event.seq == before + 1 == head(service)
    assert (str(event.card_id), event.event, event.status) == (card_id, "reported_lost", "card_reported_lost")
    assert (event.invalid, event.tag) == (True, tag(service, card))
    assert event.at.isoformat().replace("+00:00", "Z") == told["recorded_at"]
    report(authority, card_id, "found")
    assert [(one.seq, one.status, one.invalid) for one in since(service, event.seq)] == [(before + 2, "valid", False)]


def test_what_leaves_the_status_has_no_number(service: Service, authority: TestClient) -> None:
    before = head(service)
    card_id, _ = register(authority)
    report(authority, card_id, "dispute_opened")
    report(authority, card_id, "dispute_rejected")
    assert since(service, before) == []


def test_a_card_that_takes_anothers_place_ends_that_one(service: Service, authority: TestClient) -> None:
    old, card = register(authority)
    before = head(service)
    body = registration({**card, "valid_from": "2026-01-01", "valid_to": "长期"})
    body["supersedes"] = {"card_id": old, "event": "reissued"}
    assert authority.post("/v1/cards", json=body).status_code == 201
    (event,) = since(service, before)
    assert (str(event.card_id), event.status, event.tag) == (old, "card_reissued", tag(service, card))


def test_a_death_is_told_of_every_card(service: Service, new_client: NewClient) -> None:
    one, other = new_client(Role.AUTHORITY), new_client(Role.AUTHORITY)
    first, card = register(one)
    second, _ = register(other, {**card, "valid_from": "2026-01-01"})
    before = head(service)
    report(one, first, "holder_deceased")
    told = since(service, before)
    assert [event.seq for event in told] == [before + 1, before + 2]
    assert {str(event.card_id) for event in told} == {first, second}
    assert {event.status for event in told} == {"holder_deceased"}


def test_a_request_sent_again_and_one_that_is_refused_change_nothing(service: Service, authority: TestClient) -> None:
    card_id, _ = register(authority)
    key, before = fresh_key(), head(service)
    for _ in range(2):
        answer = authority.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost"}, headers=key)
        assert answer.status_code == 201
    answer = authority.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost"}, headers=fresh_key())
    assert answer.json()["code"] == "event_not_possible"
    assert len(since(service, before)) == 1


def test_side_by_side_and_rolled_back_there_is_no_gap(
    service: Service, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of the transactions is rolled back after they took their number; a reader watches all the while.

    What it sees of the table at any moment is everything to the newest number it sees: no number is late.
    """
    authority = new_client(Role.AUTHORITY)
    card_ids = [register(authority)[0] for _ in range(24)]
    before, ended = head(service), threading.Event()
    seen: list[list[int]] = []

    def watch() -> None:
        while not ended.is_set():
            with service.database.begin() as connection:
                asked = select(feed_events.c.seq).where(feed_events.c.seq > before).order_by(feed_events.c.seq)
                seen.append(list(connection.execute(asked).scalars()))

    def change(card_id: str) -> list[int]:
        codes: list[int] = []
        for _ in range(6):
            event = "found" if codes.count(201) % 2 else "reported_lost"
            answer = authority.post(f"/v1/cards/{card_id}/events", json={"event": event}, headers=fresh_key())
            codes.append(answer.status_code)
        return codes

    break_some(monkeypatch)
    with ThreadPoolExecutor(9) as pool:
        watcher = pool.submit(watch)
        codes = [code for codes in pool.map(change, card_ids) for code in codes]
        ended.set()
        watcher.result()
    made = codes.count(201)
    assert codes.count(500) == len(codes) - made > 10
    assert [one.seq for one in since(service, before)] == list(range(before + 1, before + 1 + made))
    assert head(service) == before + made
    assert len(seen) > 10
    assert {len(numbers) for numbers in seen} > {0}
    assert all(numbers == list(range(before + 1, before + 1 + len(numbers))) for numbers in seen)
    assert sorted(map(len, seen)) == [len(numbers) for numbers in seen], "what was seen stays"


def break_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a third of the requests break after they took their number, before their commit."""
    announce = events.announce

    def breaking(*given: Any) -> None:
        announce(*given)
        if secrets.randbelow(3) == 0:
            raise RuntimeError("a test")

    monkeypatch.setattr(events, "announce", breaking)


def test_with_another_key_every_tag_is_made_anew(service: Service, authority: TestClient) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    last = since(service, head(service) - 1)[0]
    other = replace(service.keys, feed=bytes(32))
    assert tagging.retag(service.database, service.keys) == 0, "they are"
    try:
        assert tagging.retag(service.database, other) == head(service)
        with service.database.begin() as connection:
            assert records.head(connection).key_id == key_id(bytes(32)) != key_id(service.keys.feed)
        (event,) = since(service, last.seq - 1)
        first, until = date.fromisoformat(card["valid_from"]), date.fromisoformat(card["valid_to"])
        assert event.tag == card_tag(bytes(32), card["number"], card["issuer"], first, until) != last.tag
    finally:
        tagging.retag(service.database, service.keys)
    assert since(service, last.seq - 1) == [last]


def test_a_replica_with_the_old_key_records_no_change(service: Service, authority: TestClient) -> None:
    card_id, _ = register(authority)
    other = replace(service.keys, feed=bytes(32))
    tagging.retag(service.database, other)
    before = head(service)
    try:
        refused = authority.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost", "reason": "lost"})
        assert (refused.status_code, refused.json()["code"]) == (503, "feed_key_replaced")
        assert head(service) == before
        assert authority.get(f"/v1/cards/{card_id}").json()["status"] == "valid"
    finally:
        tagging.retag(service.database, service.keys)
    report(authority, card_id, "reported_lost")
    assert head(service) == before + 1


def test_what_has_no_tag_yet_is_not_told_nor_what_follows_it(service: Service, authority: TestClient) -> None:
    """While tags are made anew, nobody is told of a change without its tag, and nobody misses one."""
    first, second, third = (register(authority)[0] for _ in range(3))
    before = head(service)
    for card_id in (first, second, third):
        report(authority, card_id, "reported_lost")
    with service.database.begin() as connection:
        connection.execute(update(feed_events).where(feed_events.c.seq == before + 2).values(tag=None))
    assert [event.seq for event in since(service, before)] == [before + 1]
    page = authority.get("/v1/feed", params={"after": before}).json()
    assert ([event["seq"] for event in page["events"]], page["head"]) == ([before + 1], before + 3)
    tagging.retag(service.database, service.keys)
    assert [event.seq for event in since(service, before)] == [before + 1, before + 2, before + 3]


def test_the_head_is_one_row(service: Service) -> None:
    with service.database.begin() as connection:
        assert len(connection.execute(select(feed_head)).all()) == 1
