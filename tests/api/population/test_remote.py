"""Another population register over HTTP: its answers, and every way in which it can fail."""

import base64
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.cards import text_block
from api.cards.identity import CardIdentity
from api.cards.text_block import CardText
from api.population import remote
from api.population.findings import Answer, Finding, Question, QuestionRefused, RegisterUnavailable
from api.population.parameters import AT_ONCE, FAILURES_TO_OPEN
from api.population.remote import RemoteRegister
from tests.api.bodies import new_number
from tests.api.population.registers import (
    Behaviour,
    answering,
    breaking_off,
    dripping,
    dripping_headers,
    sending,
    silent_for,
    simulated,
    slowly,
)

NUMBER = new_number()
ISSUER, FIRST, LAST = "北京市公安局朝阳分局", date(2016, 3, 1), date(2036, 3, 1)
TEXT = CardText("王伟", "1", "01", "19491231", "某地", NUMBER, ISSUER, FIRST, LAST)
CARD = CardIdentity(NUMBER, ISSUER, FIRST, LAST)
SOUND: dict[str, Any] = {"number": "consistent", "card": "consistent", "status": "valid"}


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def asked(behave: Behaviour, question: Question, timeout_s: float = 60.0) -> Answer:
    with simulated(behave) as register:
        adapter = RemoteRegister(register.url, "rz_key", timeout_s=timeout_s)
        try:
            return adapter.check(question)
        finally:
            adapter.close()


def test_a_number_alone() -> None:
    assert asked(answering(number="no_record"), Question(NUMBER)) == Answer(Finding.NO_RECORD)


def test_everything_is_asked_and_answered() -> None:
    with simulated(
        answering(**SOUND, text="inconsistent", text_fields={"name": "inconsistent"}, portrait="undetermined")
    ) as register:
        adapter = RemoteRegister(register.url, "rz_key")
        answer = adapter.check(Question(NUMBER, replace(CARD, text=TEXT), b"picture"))
        adapter.close()
    assert answer == Answer(
        Finding.CONSISTENT,
        Finding.CONSISTENT,
        "valid",
        Finding.INCONSISTENT,
        {"name": Finding.INCONSISTENT},
        Finding.UNDETERMINED,
    )
    assert register.asked == [
        {
            "path": "/v1/checks",
            "authorization": "Bearer rz_key",
            "purpose": "population_register",
            "card": {
                "number": NUMBER,
                "issuer": ISSUER,
                "valid_from": "2016-03-01",
                "valid_to": "2036-03-01",
                "text": base64.b64encode(text_block.build(TEXT)).decode(),
            },
            "portrait": base64.b64encode(b"picture").decode(),
        }
    ]


FAILURES: dict[str, Behaviour] = {
    "an error": answering(500),
    "a refusal": answering(401, code="key_invalid"),
    "too many requests": answering(429),
    "a page": sending(b"<html>welcome</html>"),
    "nothing": sending(b""),
    "another form": sending(b"[]"),
    "no answer to the number": answering(card="consistent", status="valid"),
    "an unknown finding": answering(number="probably"),
    "the card left out": answering(number="consistent"),
    "the status left out": answering(number="consistent", card="consistent"),
    "half an answer": breaking_off,
    "a redirect": sending(b"", 307, {"Location": "http://127.0.0.1:9/"}),
    "a flood": sending(b" " * 100_000 + b'{"number": "consistent", "card": "consistent", "status": "valid"}'),
    "a bomb": sending(b"\x1f\x8b\x08" + bytes(50), headers={"Content-Encoding": "gzip"}),
    "a status that is none": answering(number="consistent", card="consistent", status="splendid"),
    "card_not_found as a status": answering(number="consistent", card="consistent", status="card_not_found"),
    "a card of a number that it does not hold": answering(number="no_record", card="consistent", status="valid"),
    "a time without its zone": answering(**SOUND, checked_at="2026-11-22T12:00:00"),
    "no text": sending(b"\xff\xfe\xff"),
    "a time before all others": answering(**SOUND, since="0001-01-01T00:00:00+14:00"),
    "a time after all others": answering(**SOUND, since="9999-12-31T23:59:59-12:00"),
    "a clock at the end of time": answering(**SOUND, checked_at="9999-12-31T23:59:59-12:00"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_no_answer(what: str) -> None:
    with pytest.raises(RegisterUnavailable) as told:
        asked(FAILURES[what], Question(NUMBER, CARD))
    assert NUMBER not in str(told.value)


@pytest.mark.parametrize("slow", [silent_for, dripping, dripping_headers])
def test_a_slow_register_is_not_waited_for(slow: Any, ended: threading.Event) -> None:
    began = time.monotonic()
    with pytest.raises(RegisterUnavailable):
        asked(slow(ended), Question(NUMBER), timeout_s=0.3)
    ended.set()
    assert time.monotonic() - began < 100, "the drip alone would take half an hour"


def test_a_register_that_is_away() -> None:
    adapter = RemoteRegister("http://127.0.0.1:9", "rz_key")
    with pytest.raises(RegisterUnavailable):
        adapter.check(Question(NUMBER))
    adapter.close()


def test_no_proxy_hears_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without encryption the proxy that the environment names would read number, portrait and key."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert asked(answering(**SOUND), Question(NUMBER, CARD)).status == "valid"


def test_what_was_not_asked_is_not_listened_to() -> None:
    lies = answering(**SOUND, text="consistent", text_fields={"name": "consistent"}, portrait="consistent")
    assert asked(lies, Question(NUMBER)) == Answer(Finding.CONSISTENT)
    assert asked(lies, Question(NUMBER, CARD)) == Answer(Finding.CONSISTENT, Finding.CONSISTENT, "valid")
    assert asked(lies, Question(NUMBER, CARD, b"picture")).text is None
    assert asked(lies, Question(NUMBER, replace(CARD, text=TEXT))).portrait is None


def test_times_are_told() -> None:
    told = asked(
        answering(number="consistent", card="consistent", status="card_reported_lost",
                  since="2026-11-20T08:00:00+08:00", checked_at="2026-11-22T12:00:00Z"),
        Question(NUMBER, CARD),
    )  # fmt: skip
    assert told.since == datetime(2026, 11, 20, tzinfo=UTC)
    assert told.as_of == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_register_is_named_without_what_is_secret() -> None:
    adapter = RemoteRegister("https://register.example:8443/door", "rz_key")
    assert adapter.name == "register.example:8443"
    adapter.close()


@pytest.mark.parametrize("http", [400, 413, 415, 422])
def test_a_question_that_it_refuses_does_not_close_it_to_others(http: int) -> None:
    with simulated(answering(http)) as register:
        adapter = RemoteRegister(register.url, "rz_key")
        for _ in range(2 * FAILURES_TO_OPEN):
            with pytest.raises(QuestionRefused):
                adapter.check(Question(NUMBER, CARD))
        register.behave = answering(number="consistent")
        assert adapter.check(Question(NUMBER)).number is Finding.CONSISTENT
        adapter.close()


def test_a_slow_register_takes_only_so_many_threads(ended: threading.Event) -> None:
    """Others are told at once, and the register is not blamed for it."""
    with simulated(slowly(ended, answering(number="consistent"))) as register:
        adapter = RemoteRegister(register.url, "rz_key", timeout_s=120)
        with ThreadPoolExecutor(AT_ONCE) as others:
            waiting = [others.submit(adapter.check, Question(NUMBER)) for _ in range(AT_ONCE)]
            while len(register.asked) < AT_ONCE:
                time.sleep(0.01)
            for _ in range(2 * FAILURES_TO_OPEN):
                with pytest.raises(RegisterUnavailable):
                    adapter.check(Question(NUMBER))
            ended.set()
            assert {one.result().number for one in waiting} == {Finding.CONSISTENT}
        assert len(register.asked) == AT_ONCE
        assert adapter.check(Question(NUMBER)).number is Finding.CONSISTENT
        adapter.close()


def test_a_register_that_comes_back_is_tried_by_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch, ended: threading.Event
) -> None:
    """Else every counter would pay the time-out at once, whenever the pause is over."""
    monkeypatch.setattr(remote, "OPEN_S", 0.2)
    with simulated(answering(503)) as register:
        adapter = RemoteRegister(register.url, "rz_key", timeout_s=120)
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(RegisterUnavailable):
                adapter.check(Question(NUMBER))
        time.sleep(0.3)
        register.behave = slowly(ended, answering(number="consistent"))
        with ThreadPoolExecutor(1) as others:
            first = others.submit(adapter.check, Question(NUMBER))
            while len(register.asked) == FAILURES_TO_OPEN:
                time.sleep(0.01)
            with pytest.raises(RegisterUnavailable):
                adapter.check(Question(NUMBER))
            ended.set()
            assert first.result().number is Finding.CONSISTENT
        assert len(register.asked) == FAILURES_TO_OPEN + 1
        assert adapter.check(Question(NUMBER)).number is Finding.CONSISTENT
        adapter.close()


def test_a_dead_register_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "OPEN_S", 3600)
    with simulated(answering(503)) as register:
        adapter = RemoteRegister(register.url, "rz_key")
        for _ in range(FAILURES_TO_OPEN + 3):
            with pytest.raises(RegisterUnavailable):
                adapter.check(Question(NUMBER))
        assert len(register.asked) == FAILURES_TO_OPEN, "the last three were not sent"
        monkeypatch.setattr(adapter._breaker, "_opened", -3600)  # as if it had been long ago
        register.behave = answering(number="consistent")
        assert adapter.check(Question(NUMBER)).number is Finding.CONSISTENT
        assert adapter.check(Question(NUMBER)).number is Finding.CONSISTENT
        adapter.close()
