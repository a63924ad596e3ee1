"""The commands' HTTP client: keys, repetition, and everything that can stand where the service should."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from api.cli import client
from api.cli.client import Client, Refused
from api.cli.failure import CommandFailed
from api.errors import entry
from tests.api.cli.conftest import CommandLine

LOST = ("cards", "report", "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11", "reported_lost")


def error_body(code: str) -> dict[str, object]:
    found = entry(code)
    return {
        "code": code,
        "message": found.message.model_dump(),
        "operator": found.operator.model_dump(),
        "retryable": found.retryable,
        "request_id": "0123",
    }


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PAUSE_S", 0.0)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[httpx.Request]]:
    """Lets a client meet these answers, one after the other; gives the requests that came."""
    real = httpx.Client

    def install(*answers: httpx.Response | Exception) -> list[httpx.Request]:
        coming, requests = iter(answers), []

        def handle(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            answer = next(coming)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(httpx, "Client", lambda **options: real(transport=httpx.MockTransport(handle), **options))
        return requests

    return install


def test_a_lost_answer_is_asked_for_again_under_the_same_key(answering: Callable[..., list[httpx.Request]]) -> None:
    requests = answering(
        httpx.ReadError("cut"),
        httpx.Response(503, json=error_body("database_unavailable")),
        httpx.Response(201, json={"id": "x"}),
    )
    with Client("http://here", "key") as caller:
        assert caller.post("/v1/cards", {"a": 1}) == {"id": "x"}
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    assert len({request.content for request in requests}) == 1
    assert requests[0].headers["Authorization"] == "Bearer key"


def test_what_repeating_cannot_help_is_not_repeated(answering: Callable[..., list[httpx.Request]]) -> None:
    requests = answering(httpx.Response(409, json=error_body("card_exists")))
    with Client("http://here", "key") as caller, pytest.raises(Refused, match="card_exists"):
        caller.post("/v1/cards", {})
    assert len(requests) == 1


def test_it_gives_up_in_the_end(answering: Callable[..., list[httpx.Request]]) -> None:
    requests = answering(*[httpx.Response(503, json=error_body("service_busy"))] * 9)
    with Client("http://here", "key") as caller, pytest.raises(Refused, match="service_busy"):
        caller.post("/v1/cards", {})
    assert len(requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=[1]),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(302, headers={"location": "http://elsewhere"}),
    ],
)
def test_something_else_answers(answering: Callable[..., list[httpx.Request]], answer: httpx.Response) -> None:
    answering(*[answer] * 3)
    with Client("http://here", "key") as caller, pytest.raises(CommandFailed, match="not in this service's form"):
        caller.post("/v1/cards", {})


def test_codes_of_a_newer_service_are_shown_without_words(answering: Callable[..., list[httpx.Request]]) -> None:
    body = error_body("enrolment_failed") | {"details": [{"field": "iris", "code": "no_iris"}]}
    answering(httpx.Response(422, json=body))
    with Client("http://here", "key") as caller, pytest.raises(Refused, match="iris: no_iris\n"):
        caller.post("/v1/cards", {})


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and hangs up before it answers."""

    class HangUp(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            # Of a request that is not read to its end the client learns by a reset.
            self.rfile.read(int(self.headers["Content-Length"]))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), HangUp)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_service_that_hangs_up_is_a_failure(renzheng: CommandLine) -> None:
    renzheng.environment["RENZHENG_KEY"] = "rz_x"
    with silent_server() as url:
        result = renzheng(*LOST, "--url", url)
    assert result.exit_code == 3
    assert "does not answer (RemoteProtocolError)" in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "here", "http://127.0.0.1:99999", "ftp://here", "http://\x7f/"])
def test_a_service_that_is_away_is_a_failure(renzheng: CommandLine, url: str) -> None:
    renzheng.environment["RENZHENG_KEY"] = "rz_x"
    result = renzheng(*LOST, "--url", url)
    assert result.exit_code == 3
    assert "service" in result.stderr
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("url", ["here", "here:8470", "ftp://here"])
def test_an_address_without_its_scheme_is_told(renzheng: CommandLine, url: str) -> None:
    renzheng.environment |= {"RENZHENG_KEY": "rz_x", "RENZHENG_URL": url}
    result = renzheng(*LOST)
    assert result.exit_code == 3
    assert f"须以 http:// 或 https:// 开头：{url}\n" in result.stderr
    assert f"has to begin with http:// or https://: {url}\n" in result.stderr


def test_a_wrong_key_is_a_failure(renzheng: CommandLine, url: str) -> None:
    renzheng.environment |= {"RENZHENG_KEY": "rz_wrong", "RENZHENG_URL": url}
    result = renzheng(*LOST)
    assert result.exit_code == 3
    assert "key_invalid" in result.stderr
    assert "rz_wrong" not in result.output


def test_a_wrong_key_as_the_service_says_it(renzheng: CommandLine, url: str) -> None:
    renzheng.environment |= {"RENZHENG_KEY": "rz_wrong", "RENZHENG_URL": url}
    result = renzheng(*LOST, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout).keys() == {"code", "message", "operator", "retryable", "request_id"}


@pytest.mark.parametrize("key", ["", " \n", None])
def test_no_key_is_a_failure(renzheng: CommandLine, key: str | None) -> None:
    renzheng.environment["RENZHENG_KEY"] = key
    result = renzheng(*LOST)
    assert result.exit_code == 3
    assert "RENZHENG_KEY" in result.stderr
    advice = "renzheng terminals add INSTITUTION NAME --role authority"
    assert result.stderr.count(advice) == 2, "a terminal's key reports no card; told in both languages"


@pytest.mark.parametrize("key", ["键", "a\nb", "\x00"])
def test_a_key_that_no_header_can_hold_is_a_failure(renzheng: CommandLine, key: str, url: str) -> None:
    result = renzheng(*LOST, "--url", url, "--key-file", renzheng.file("key", key))
    assert result.exit_code == 3
    assert key not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_key_from_a_file_or_the_standard_input(authority_line: CommandLine) -> None:
    key = authority_line.environment.pop("RENZHENG_KEY")
    assert key is not None
    authority_line.environment["RENZHENG_KEY"] = "rz_wrong"
    by_file = authority_line(*LOST, "--key-file", authority_line.file("key", f"{key}\n"))
    by_input = authority_line(*LOST, "--key-file", "-", stdin=f"{key}\n")
    for result in (by_file, by_input):
        assert "card_unknown" in result.stderr, "the key was taken, and the card is nobody's"
