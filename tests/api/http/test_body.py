"""The request's body before its content counts: too long, no JSON, not whole."""

import asyncio
import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.errors import ServiceError
from api.http.app import create_app
from api.http.body import BodyLimit
from api.service import Service
from tests.api.bodies import fresh, fresh_key, new_card, verification
from tests.api.clients import KeyedClient
from tests.api.http.answers import MARK, assert_error

LIMIT = 20_000
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def narrow(service: Service, terminal: TestClient) -> TestClient:
    """A terminal of a service that takes 20,000 bytes."""
    limited = replace(service, settings=service.settings.model_copy(update={"max_body_bytes": LIMIT}))
    return KeyedClient(create_app(limited), headers=dict(terminal.headers), raise_server_exceptions=False)


def padded(size: int, terminal: TestClient | None = None) -> bytes:
    """A request of so many bytes, sound when it is a terminal's."""
    body = verification(new_card()) if terminal is None else fresh(terminal, new_card())
    raw = json.dumps(body).encode()
    return raw + b" " * (size - len(raw))


def post(client: TestClient, content: Any, **headers: str) -> Any:
    return client.post("/v1/verifications", content=content, headers={**JSON, **fresh_key(), **headers})


def pieces(body: bytes) -> Iterator[bytes]:
    """Sent in chunks, with no length stated."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


def test_a_body_at_the_limit_is_taken(narrow: TestClient) -> None:
    assert post(narrow, padded(LIMIT, narrow)).status_code == 200
    assert post(narrow, pieces(padded(LIMIT, narrow))).status_code == 200


def test_a_body_over_the_limit_is_refused(narrow: TestClient) -> None:
    assert_error(post(narrow, padded(LIMIT + 1)), 413, "body_too_large")


def deliver(client: TestClient, parts: Iterator[Message], **headers: str) -> tuple[list[Message], int]:
    """Hand the parts over as a server does; gives what was sent back, and how many parts were taken."""
    sent: list[Message] = []
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return next(parts)

    async def send(message: Message) -> None:
        sent.append(message)

    named = {**client.headers, **JSON, **headers}
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/verifications",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "query_string": b"",
    }
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 413
    assert b'"body_too_large"' in sent[1]["body"]
    return sent, taken


def endless() -> Iterator[Message]:
    while True:
        yield {"type": "http.request", "body": b" " * 1000, "more_body": True}


def ending(count: int) -> Iterator[Message]:
    yield from itertools.islice(endless(), count - 1)
    yield {"type": "http.request", "body": b" " * 1000, "more_body": False}


def test_a_body_somewhat_too_long_is_heard_to_its_end(narrow: TestClient) -> None:
    """Else clients that read no answer before they have sent it all see a connection that breaks."""
    assert deliver(narrow, ending(50))[1] == 50
    assert deliver(narrow, ending(50), **{"Content-Length": "50000"})[1] == 50


def test_a_body_without_end_is_cut_off(narrow: TestClient) -> None:
    assert deliver(narrow, endless())[1] == 4 * LIMIT / 1000 + 1


def test_a_stated_length_beyond_all_reason_is_answered_before_a_byte_is_read(narrow: TestClient) -> None:
    for length in (str(4 * LIMIT + 1), "9" * 5000):
        assert deliver(narrow, endless(), **{"Content-Length": length})[1] == 0


def test_a_client_that_asks_first_is_spared_the_sending(narrow: TestClient) -> None:
    asked = {"Content-Length": str(LIMIT + 1), "Expect": "100-continue"}
    assert deliver(narrow, endless(), **asked)[1] == 0


def test_a_client_that_goes_away_is_not_waited_for(narrow: TestClient) -> None:
    parts = iter([*itertools.islice(endless(), 30), {"type": "http.disconnect"}])
    assert deliver(narrow, parts)[1] == 31


def test_a_short_length_is_not_believed(narrow: TestClient) -> None:
    assert_error(post(narrow, padded(LIMIT + 1), **{"Content-Length": "10"}), 413, "body_too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b'{"card": ' + MARK.encode(),
        b"{'card': 1}",
        b'{"card": "' + MARK.encode() + b'\xff"}',
        b'{"card": "\n"}',
        b"[" * 100_000,
        b'{"card":' * 100_000,
        b"\x00",
        b"\xef\xbb\xbf",
        gzip.compress(b"{}", mtime=0),
        b'{"card": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_json_is_malformed(terminal: TestClient, content: bytes) -> None:
    assert_error(post(terminal, content), 400, "request_malformed")


def test_json_nested_within_reason_is_only_of_the_wrong_form(terminal: TestClient) -> None:
    assert_error(post(terminal, b'{"card":' + b"[" * 100 + b"]" * 100 + b"}"), 422, "request_invalid")


@pytest.mark.parametrize("content", [b"null", b"[]", b"5", b'"EchoMe"', b"true", b"NaN"])
def test_json_that_is_no_object_is_of_the_wrong_form(terminal: TestClient, content: bytes) -> None:
    assert_error(post(terminal, content), 422, "request_invalid")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
        "",
    ],
)
def test_another_content_type_is_refused(terminal: TestClient, kind: str) -> None:
    assert_error(post(terminal, padded(3000), **{"Content-Type": kind}), 415, "media_type_unsupported")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.bank+json"])
def test_json_by_any_of_its_names_is_taken(terminal: TestClient, kind: str) -> None:
    assert post(terminal, padded(3000, terminal), **{"Content-Type": kind}).status_code == 200


def test_a_broken_type_of_a_sound_name_is_of_the_wrong_form(terminal: TestClient) -> None:
    assert_error(post(terminal, b"[]", **{"Content-Type": "application/json"}), 422, "request_invalid")


def test_cards_and_events_say_the_same(authority: TestClient) -> None:
    for path in ("/v1/cards", "/v1/cards/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11/events"):
        assert_error(authority.post(path, content=b"{", headers=JSON), 400, "request_malformed")
        assert_error(
            authority.post(path, content=b"{}", headers={"Content-Type": "text/plain"}), 415, "media_type_unsupported"
        )
        assert_error(authority.post(path), 400, "request_malformed")


def test_the_same_name_twice_is_the_last_one_or_an_error(terminal: TestClient) -> None:
    """JSON leaves it open; what is decided on is what is answered for, so that nothing is smuggled past a check."""
    body = json.dumps(fresh(terminal, new_card(), channel="kiosk"))
    doubled = body[:-1] + ', "channel": "counter"}'
    answer = post(terminal, doubled.encode())
    assert answer.status_code == 200
    assert "liveness_not_assessed" not in answer.json()["person"]["reasons"]


def test_a_body_that_does_not_come_in_time_is_incomplete() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()

    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    with pytest.raises(ServiceError) as refused:
        asyncio.run(BodyLimit(reads, 1 << 20, within_s=0.1)(scope, receive, send))
    assert refused.value.code == "body_incomplete"


def test_who_waits_for_the_end_of_a_connection_is_not_hurried() -> None:
    """As a stream does, once the request is there."""
    parts: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    seen: list[Message] = []

    async def receive() -> Message:
        if len(parts) == 1:
            await asyncio.sleep(0.3)
        return parts.pop(0)

    async def send(_: Message) -> None:
        """Nothing is answered."""

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([await receive(), await receive()])

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(BodyLimit(waits, 1 << 20, within_s=0.1)(scope, receive, send))
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
