"""Both clients over real connections: httpx's own, to the service behind a socket."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from api.client import NEVER, Captures, Retrying, Unreachable
from api.client.answers import Nonce
from api.client.clock import Clock
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.client.sides import Kind, opened
from tests.api.client.test_service import new_card, shot
from tests.api.entries import new_key
from tests.api.http.raw import served

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_terminal_an_hour_behind_signs(service: Service, url: str, kind: Kind) -> None:
    """The first signature is too old; the answer's `Date` sets the clock right, and the capture's time with it."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    with service.database.begin() as connection:
        made = principals.add(
            connection, service.keys, secrets.token_hex(8), "counter", Role.TERMINAL, public_key=public
        )

    def wall() -> datetime:
        return datetime.now(UTC) - HOUR

    def take(_: Nonce) -> Captures:
        return replace(shot(), taken_at=wall())

    with opened(kind, made.key, url=url, signing_key=key, clock=Clock(wall=wall)) as terminal:
        assert terminal.attend(new_card(), take, purpose="test").decision == "REVIEW"
        assert terminal.paused == []


def _whole(connection: socket.socket) -> bytes:
    """A request whose body is an empty object: what was not read when one hangs up resets the connection."""
    raw = b""
    while not raw.endswith(b"\r\n\r\n{}"):
        raw += connection.recv(65536)
    return raw


@contextmanager
def hanging_up(times: int) -> Iterator[tuple[str, list[bytes]]]:
    """A service that reads a request and hangs up, so many times; then it answers that it lives. Keeps the heads."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for number in range(times + 1):
                connection, _ = listening.accept()
                with connection:
                    heads.append(_whole(connection))
                    if number == times:
                        body = b'{"status": "ok"}'
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                    else:
                        # A part of an answer is none.
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heads
        thread.join(60)


def test_a_service_that_hangs_up_is_asked_again(kind: Kind) -> None:
    with hanging_up(2) as (url, heads), opened(kind, "a-key", url=url) as side:
        assert side.request("POST", "/v1/anything", {}) == {"status": "ok"}
    sent = [{line for line in head.split(b"\r\n") if line.lower().startswith(b"idempotency-key")} for head in heads]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2] != set()


def test_a_service_that_is_away_is_told(kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with opened(kind, "a-key", url=url, retrying=Retrying(tries=2)) as side:
        with pytest.raises(Unreachable, match="ConnectError"):
            side.me()
        assert len(side.paused) == 1


def test_a_silent_service_is_not_waited_for_for_ever(kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            opened(kind, "a-key", url=url, retrying=NEVER, timeout_s=0.05) as side,
            pytest.raises(Unreachable, match="Timeout"),
        ):
            side.me()


def test_one_client_serves_threads(service: Service, url: str) -> None:
    """Shared by eight: every answer is its asker's."""
    authority, terminal = (new_key(service.database, service.keys, role) for role in (Role.AUTHORITY, Role.TERMINAL))
    cards = [new_card() for _ in range(8)]
    told: dict[int, str] = {}
    with opened("sync", authority, url=url) as office, opened("sync", terminal, url=url) as counter:
        for card in cards[::2]:
            office.register_card(card, face=b"person:a")

        def ask(number: int) -> None:
            told[number] = counter.check(purpose="test", number=cards[number].number).number

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
    assert told == {number: "no_record" if number % 2 else "consistent" for number in range(8)}
