"""The cursor of the feed: nothing twice, nothing left out, and a pause where there is nothing new."""

import itertools
from typing import Any

import httpx

from api.client import AsyncClient, Client
from tests.api.client.sides import Kind, Script, Side, error, opened
from tests.api.client.told import NOW


def page(*numbers: int, head: int, more: bool = False) -> httpx.Response:
    events = [
        {
            "seq": number,
            "at": NOW.isoformat(),
            "event": "reported_lost",
            "status": "card_reported_lost",
            "invalid": True,
            "tag": "00" * 16,
        }
        for number in numbers
    ]
    body = {"events": events, "head": head, "more": more, "as_of": NOW.isoformat(), "key_id": "k"}
    return httpx.Response(200, json=body)


def asked_after(script: Script) -> list[int]:
    return [int(request.url.params["after"]) for request in script.seen]


def first(side: Side, count: int, **how: Any) -> list[int]:
    """The numbers of the first changes that are followed."""
    client = side.client
    if isinstance(client, Client):
        return [one.seq for one in itertools.islice(client.follow(**how), count)]
    assert isinstance(client, AsyncClient)

    async def followed(asked: AsyncClient) -> list[int]:
        found: list[int] = []
        changes = asked.follow(**how)
        async for one in changes:
            found.append(one.seq)
            if len(found) == count:
                break
        await changes.aclose()  # type: ignore[attr-defined]
        return found

    assert side.loop is not None
    return side.loop.run(followed(client))


def test_changes_are_read_to_the_newest(kind: Kind) -> None:
    script = Script(page(4, 5, head=7, more=True), page(6, 7, head=7))
    with opened(kind, over=script) as side:
        assert [one.seq for one in side.changes(3)] == [4, 5, 6, 7]
        assert side.paused == []
    assert asked_after(script) == [3, 5]


def test_an_empty_feed_ends_at_once(kind: Kind) -> None:
    script = Script(page(head=9))
    with opened(kind, over=script) as side:
        assert side.changes(9) == []
    assert asked_after(script) == [9]


def test_following_goes_on_from_the_last_one(kind: Kind) -> None:
    """Also where there was nothing new, and where the service was away in between."""
    away = error(503, "service_ending", retryable=True)
    script = Script(page(1, 2, head=2), page(head=3), away, page(3, head=4, more=True), page(4, head=4))
    with opened(kind, over=script) as side:
        assert first(side, 4, every_s=2.5) == [1, 2, 3, 4]
        assert [one for one in side.paused if one == 2.5] == [2.5, 2.5]
    assert asked_after(script) == [0, 2, 2, 2, 3]
