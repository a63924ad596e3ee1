"""Connections that mean no good, over a real server: slow, endless, many, and of two meanings."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.bodies import fresh_key, new_card, register, verify
from tests.api.http.raw import SMALL_HEAD_S, Hurried, asked, connected, rest, served, status

MEGABYTE = 1 << 20
# As long as a busy machine may take.
WAIT_S = 60.0
GET = b"GET /healthz HTTP/1.1\r\nhost: service\r\n"
POST = b"POST /v1/verifications HTTP/1.1\r\nhost: service\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with served(app) as port:
        yield port


@pytest.fixture(scope="module")
def hurried(app: FastAPI) -> Iterator[int]:
    with served(app, Hurried) as port:
        yield port


def is_closed_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return rest(connection) is not None
    except TimeoutError:
        return False


def test_a_sound_request_is_answered(port: int) -> None:
    assert status(asked(port, GET + b"\r\n")) == 200


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HT", GET + b"x-a: 1"], ids=["nothing", "a line", "a header"])
def test_headers_that_do_not_come_are_not_waited_for(hurried: int, begun: bytes) -> None:
    with connected(hurried) as connection:
        connection.sendall(begun)
        assert is_closed_within(connection, WAIT_S)


def test_headers_that_trickle_are_not_waited_for(hurried: int) -> None:
    """A byte now and then keeps no connection open."""
    with connected(hurried) as connection:
        connection.sendall(GET + b"x-a: ")
        sent = 0
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 200:
                connection.sendall(b"1")
                sent += 1
                time.sleep(SMALL_HEAD_S / 10)
        assert sent < 200


class Patient(Hurried):
    """In time enough for a busy machine to read the first request."""

    head_s = 3.0


def test_a_second_request_has_its_own_time(app: FastAPI) -> None:
    with served(app, Patient) as port, connected(port) as connection:
        connection.sendall(GET + b"\r\n")
        assert status(connection.recv(65536)) == 200
        connection.sendall(GET)
        assert is_closed_within(connection, WAIT_S)


class Waiting(Hurried):
    """With less time for a request than lies between two."""

    head_s = arrival_s = 1.0


def test_between_two_requests_nothing_is_waited_for(app: FastAPI) -> None:
    with served(app, Waiting) as port, connected(port) as connection:
        for _ in range(2):
            connection.sendall(GET + b"\r\n")
            assert status(connection.recv(65536)) == 200
            time.sleep(2 * Waiting.head_s)


def test_a_second_request_has_its_own_time_where_the_first_had_more(app: FastAPI) -> None:
    """The first one's body may take long, and its timer runs still when the second begins."""
    with served(app, Lasting) as port, connected(port) as connection:
        connection.sendall(POST + b"content-length: 2\r\n\r\n")
        time.sleep(2 * Lasting.head_s)
        connection.sendall(b"{}")
        assert status(connection.recv(65536)) == 401
        connection.sendall(GET)
        assert is_closed_within(connection, Lasting.arrival_s / 2)


class Lasting(Hurried):
    """Whose bodies have time, and whose heads have none."""

    arrival_s = 120.0


def test_a_body_in_parts_arrives_whole(port: int, terminal: TestClient) -> None:
    """A part is handed over as it came, and what comes before that was taken is put behind it."""
    padded = json.dumps({"card": "x" * 300_000}).encode()
    head = POST + b"authorization: " + terminal.headers["authorization"].encode() + b"\r\nidempotency-key: parts\r\n"
    for size in (1_000, 30_000, 200_000):
        parts = [padded[begin : begin + size] for begin in range(0, len(padded), size)]
        chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
        assert told(port, head + b"content-length: %d\r\n\r\n" % len(padded), parts) == 422
        assert told(port, head + b"transfer-encoding: chunked\r\n\r\n", [*chunks, b"0\r\n\r\n"]) == 422
        assert told(port, head + b"transfer-encoding: chunked\r\n\r\n", [b"".join([*chunks, b"0\r\n\r\n"])]) == 422


def told(port: int, head: bytes, parts: list[bytes]) -> int:
    """The status of the answer, 422 for what was read as JSON to its end."""
    with connected(port) as connection:
        connection.sendall(head)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.001)
        return status(connection.recv(1 << 20))


def test_a_body_that_does_not_come_is_not_waited_for(hurried: int) -> None:
    with connected(hurried) as connection:
        connection.sendall(POST + b"content-length: 1000\r\n\r\n{")
        assert is_closed_within(connection, WAIT_S)


@pytest.mark.parametrize(
    "raw",
    [
        GET + b"x-a: " + b"a" * 200_000,
        GET + b"x-a: 1\r\n" * 20_000,
        b"GET /" + b"a" * 200_000,
        POST + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 200_000,
        POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x-a: 1\r\n" * 20_000,
        POST + b"transfer-encoding: chunked\r\n\r\n" + b"1;aaaaaaaaaa\r\n \r\n" * 20_000,
    ],
    ids=["a header", "many headers", "an address", "a chunk's extension", "trailers", "small chunks"],
)
def test_a_head_without_end_is_cut_off(port: int, raw: bytes) -> None:
    """Before anybody signed in: it would be kept in memory, all of it."""
    with connected(port) as connection:
        try:
            connection.sendall(raw)
        except (ConnectionResetError, BrokenPipeError):
            return
        assert is_closed_within(connection, WAIT_S)


def test_a_large_head_within_reason_is_taken(port: int) -> None:
    assert status(asked(port, GET + b"x-a: " + b"a" * 30_000 + b"\r\n\r\n")) == 200


LENGTHS = b"content-length: 4\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        POST + LENGTHS + CHUNKED + b"\r\n0\r\n\r\nGET /v1/keys HTTP/1.1\r\nhost: a\r\n\r\n",
        POST + LENGTHS + b"content-length: 5\r\n\r\n{}  ",
        POST + b"content-length: 4, 5\r\n\r\n{}  ",
        POST + b"content-length: +4\r\n\r\n{}  ",
        POST + b"content-length: -1\r\n\r\n{}  ",
        POST + b"content-length: 4 4\r\n\r\n{}  ",
        POST + b"content-length: 99999999999999999999999\r\n\r\n{}  ",
        POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n-1\r\n\r\n",
        POST + CHUNKED + b"\r\n0x4\r\n{}  \r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\nfffffffffffffffff\r\n{}",
        POST + CHUNKED + b"\r\n2\r\n{}GET /v1/keys HTTP/1.1\r\n\r\n",
        GET + b"x-a: 1\n folded: 2\r\n\r\n",
        GET + b"x-a: 1\x00\r\n\r\n",
        GET + b"x-a\x00: 1\r\n\r\n",
        GET + b" x-a: 1\r\n\r\n",
        b"GET /healthz HTTP/1.1\nhost: a\n\n",
        b"GET /healthz HTTP/9.9\r\nhost: a\r\n\r\n",
        b"GET /health z HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET\x00 /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_request_of_two_meanings_is_one_or_none(port: int, raw: bytes) -> None:
    """A proxy and the service must not see different requests in the same bytes: nothing that follows is answered."""
    answer = asked(port, raw)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) in {400, 401, 422}
    assert b"public_key" not in answer


@pytest.mark.parametrize("host", [b"evil.example", b"", b"a b", b"a\tb", b"service:99999", b"[::1", b"x" * 5000])
def test_the_host_that_is_claimed_changes_no_answer(port: int, host: bytes) -> None:
    for path in (b"/v1/keys/", b"/docs", b"/v1/errors"):
        answer = asked(port, b"GET " + path + b" HTTP/1.1\r\nhost: " + host + b"\r\n\r\n")
        assert b"evil.example" not in answer
        assert b"\r\nlocation:" not in answer.lower()
        assert status(answer) in {200, 400, 404}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/errors%0d%0aset-cookie:%20a=b",
        "/v1/cards/%0d%0aset-cookie:%20a=b",
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/..%5c..%5cetc%5cpasswd",
        "/static//etc/passwd",
        "//evil.example/v1/errors",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/kiosk/%00",
    ],
)
def test_no_path_leads_out_or_into_headers(port: int, path: str) -> None:
    answer = asked(port, f"GET {path} HTTP/1.1\r\nhost: service\r\n\r\n".encode())
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert status(answer) in {401, 404}
    assert b"set-cookie" not in head
    assert b"location:" not in head
    assert b"root:" not in answer


def test_a_hundred_megabytes_that_are_announced_are_refused_unread(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(POST + b"authorization: Bearer x\r\ncontent-length: %d\r\n\r\n" % (100 * MEGABYTE))
        assert status(connection.recv(65536)) in {401, 413}


def test_a_hundred_megabytes_in_chunks_are_not_kept(port: int, terminal: TestClient) -> None:
    """What is over the limit is thrown away as it comes, up to four times the limit."""
    before = resident_bytes()
    key = terminal.headers["authorization"].encode()
    head = POST + b"authorization: " + key + b"\r\nidempotency-key: " + b"a" * 16 + b"\r\n" + CHUNKED + b"\r\n"
    chunk = b"%x\r\n" % MEGABYTE + b" " * MEGABYTE + b"\r\n"
    with connected(port) as connection:
        connection.sendall(head)
        try:
            for _ in range(100):
                connection.sendall(chunk)
            connection.sendall(b"0\r\n\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass
        else:
            assert status(connection.recv(65536)) == 413
    assert resident_bytes() - before < 60 * MEGABYTE


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file of ours
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.long
def test_a_thousand_idle_connections_and_a_thousand_slow_ones_keep_nobody_out(
    port: int, authority: TestClient, terminal: TestClient
) -> None:
    """The service's own client and theirs are one process here: two descriptors a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many = [connected(port) for _ in range(2000)]
    try:
        for one in many[1000:]:
            one.sendall(POST + b"x-slow: ")
        _, card = register(authority)
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers=dict(terminal.headers), timeout=20) as client:
            assert client.get("/healthz").status_code == 200
            assert verify(client, card, key=fresh_key())["decision"] == "PASS"
    finally:
        for one in many:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.long
def test_what_a_head_may_be_is_what_clients_send(port: int, terminal: TestClient) -> None:
    """A verification as a terminal sends it, in one piece and in small chunks."""
    body = json.dumps({"card": new_card()}).encode()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=dict(terminal.headers)) as client:
        headers = {"content-type": "application/json", **fresh_key()}
        for content in (body, (body[at : at + 16] for at in range(0, len(body), 16))):
            assert client.post("/v1/verifications", content=content, headers=headers).status_code == 422
