"""What goes to the error stream: one form for every line, and nothing of what a customer sent."""

import io
import json
import logging
import sys
import warnings
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.operations import logs
from api.operations.logs import JsonFormatter, TextFormatter
from tests.api.bodies import fresh, fresh_key, new_card, register

SECRET = "11010519491231002X 王伟"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, logging_as_it_was: None) -> io.StringIO:
    """The error stream of a service that logs as JSON."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up("json", "INFO")
    # The tests' own client, which tells of every request that it sends.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return stream


def lines(written: io.StringIO, message: str = "request") -> list[dict[str, Any]]:
    """Every line parses; those with the message."""
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    return [one for one in told if one["message"] == message]


def test_a_request_is_a_line_with_its_template_and_who_asked(
    written: io.StringIO, terminal: TestClient, authority: TestClient
) -> None:
    card_id, card = register(authority)
    answer = terminal.post("/v1/verifications", json=fresh(terminal, card), headers=fresh_key())
    assert answer.status_code == 200
    terminal.get(f"/v1/cards/{card_id}")
    told = lines(written)
    by_id = {one["request_id"]: one for one in told}
    decided = by_id[answer.headers["x-request-id"]]
    assert (
        decided.items()
        >= {
            "level": "info",
            "logger": "api.operations.requests",
            "method": "POST",
            "route": "/v1/verifications",
            "status": 200,
        }.items()
    )
    assert decided["time"].endswith("+00:00")
    assert decided["duration_ms"] > 0
    assert set(decided) == {
        "time", "level", "logger", "message", "method", "route", "status", "duration_ms", "request_id", "institution",
        "principal",
    }  # fmt: skip
    registered = next(one for one in told if one["route"] == "/v1/cards" and one["status"] == 201)
    assert registered["principal"] != decided["principal"]
    refused = next(one for one in told if one["route"] == "/v1/cards/{card_id}")
    assert (refused["status"], refused["code"]) == (403, "role_not_allowed")
    for value in (card_id, card["number"], answer.json()["id"]):
        assert value not in written.getvalue()


def test_places_that_are_not_there_and_pages_are_no_paths(written: io.StringIO, anonymous: TestClient) -> None:
    for path in (f"/{SECRET}", f"/pages/{SECRET}", "/counter", "/healthz", f"/v1/verifications/{SECRET}"):
        anonymous.get(path)
    told = [(one["route"], one["status"]) for one in lines(written)]
    assert told == [("unmatched", 404), ("page", 404), ("page", 200), ("/v1/verifications/{verification_id}", 401)], (
        "probes that find all well are no lines"
    )
    assert "王伟" not in written.getvalue()


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_an_exception_is_its_type_and_place(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    record.number = SECRET  # what a library hangs on its records
    told = formatter.format(record)
    assert "\n" not in told
    assert "ValueError" in told
    assert "test_logs.py:" in told
    assert "王伟" not in told
    assert "110105" not in told


def test_a_text_stays_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "one\ntwo\r", (), None)
    assert TextFormatter().format(record).endswith(" INFO x one\\ntwo\\r")
    assert json.loads(JsonFormatter().format(record))["message"] == "one\ntwo\r"


def test_libraries_write_in_the_same_form(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something is old", DeprecationWarning, stacklevel=1)
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [one["logger"] for one in told] == ["uvicorn.error", "py.warnings"]
    assert told[0]["message"] == "Started server process [7]"


def test_to_set_up_twice_writes_once(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    logs.set_up("json", "WARNING")
    logging.getLogger("x").info("not this")
    logging.getLogger("x").warning("this")
    assert written.getvalue() == ""
    assert [json.loads(line)["message"] for line in later.getvalue().splitlines()] == ["this"]


def test_a_new_card_is_in_no_line(written: io.StringIO, authority: TestClient) -> None:
    card = new_card()
    authority.post("/v1/cards/search", json={"number": card["number"]}, headers=fresh_key())
    assert lines(written)[-1]["route"] == "/v1/cards/search"
    assert card["number"] not in written.getvalue()
