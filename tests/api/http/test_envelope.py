"""Around every request: an identifier, safe headers, and no exception past it, in no answer and in no log."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.http.envelope import Envelope
from tests.api.bodies import fresh, fresh_key, new_card
from tests.api.http.answers import MARK, assert_error


def fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"{MARK} 11010519491231002X 王伟")


def test_what_nobody_foresaw_is_internal_and_says_nothing(
    terminal: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.verification.pipeline.decide", fail)
    body = fresh(terminal, new_card())
    with caplog.at_level(logging.DEBUG):
        answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
    error = assert_error(answer, 500, "internal")
    # What the service's own threads log at that moment is none of this.
    told = [one for one in caplog.records if one.levelno >= logging.ERROR and one.name.startswith("api.http.")]
    assert len(told) == 1
    assert error["request_id"] in told[0].getMessage(), "the administrator finds it by its identifier"
    assert "RuntimeError" in told[0].getMessage()
    assert "test_envelope.py" in told[0].getMessage(), "and is told where it happened"
    assert MARK not in caplog.text
    assert "Traceback" not in caplog.text


def test_every_answer_has_an_identifier_of_its_own(anonymous: TestClient) -> None:
    places = ["/healthz", "/v1/errors", "/no/such/place", "/v1/verifications/x", "/docs"]
    found = [anonymous.get(place, headers={"X-Request-Id": MARK}).headers["x-request-id"] for place in places]
    assert len(set(found)) == len(places)
    assert all(len(identifier) == 16 and int(identifier, 16) >= 0 for identifier in found)


@pytest.mark.parametrize("place", ["/healthz", "/no/such/place", "/v1/verifications/x"])
def test_nothing_is_kept_by_caches(anonymous: TestClient, place: str) -> None:
    headers = anonymous.get(place).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "place", ["/index.html", "/v1", "/v2/verifications", "/v1/cards/", "/EchoMe", "/%00", "/v1/errors/x"]
)
def test_no_such_place(anonymous: TestClient, place: str) -> None:
    assert_error(anonymous.get(place, follow_redirects=False), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "place", "allowed"),
    [
        ("GET", "/v1/cards", "POST"),
        ("PUT", "/v1/verifications", "GET, POST"),
        ("DELETE", "/v1/errors", "GET"),
        ("TRACE", "/v1/principals/x", "DELETE, GET"),
        ("BREW", "/healthz", "GET, HEAD"),
    ],
)
def test_no_such_method(anonymous: TestClient, method: str, place: str, allowed: str) -> None:
    answer = anonymous.request(method, place)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def run(app: Any, sent: list[Message], receive: Receive | None = None) -> None:
    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive or nothing, send))


def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def begins_and_fails(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        fail()

    sent: list[Message] = []
    run(Envelope(begins_and_fails), sent)
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_a_connection_that_breaks_off_is_no_failure_of_ours(
    terminal: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The body ends before it is whole."""
    sent: list[Message] = []
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in terminal.headers.items()]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/verifications",
        "headers": [*headers, (b"content-type", b"application/json")],
        "query_string": b"",
    }
    asyncio.run(terminal.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 400
    assert b'"body_incomplete"' in sent[1]["body"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("place", ["/healthz", "/readyz"])
def test_a_load_balancer_may_ask_for_the_head_alone(anonymous: TestClient, place: str) -> None:
    answer = anonymous.head(place)
    assert (answer.status_code, answer.content) == (200, b"")
