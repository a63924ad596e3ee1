"""Verifications where another population register is asked: a simulated one, and a second installation."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from api import service as services
from api.http.app import create_app
from api.institutions.roles import Role
from api.population.parameters import FAILURES_TO_OPEN
from api.population.remote import RemoteRegister
from api.service import Service
from api.storage.tables import verifications
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, report, verify
from tests.api.books import findings
from tests.api.conftest import NewClient, NewDatabase
from tests.api.entries import new_key
from tests.api.population.registers import Behaviour, Simulated, answering, breaking_off, sending, silent_for, simulated
from tests.api.scripted import ScriptedComparer

KNOWN: Json = {"number": "consistent", "card": "consistent", "status": "valid", "portrait": "consistent"}
NO_RECORD: Json = {"number": "no_record", "card": "no_record", "portrait": "undetermined"}


@pytest.fixture
def other() -> Iterator[Simulated]:
    """A register that knows every card, until a test says otherwise."""
    with simulated(answering(**KNOWN)) as running:
        yield running


Asking = Callable[..., Service]


@pytest.fixture
def asking(service: Service, other: Simulated) -> Iterator[Asking]:
    """Makes services that ask the simulated register, or one at another address."""
    opened: list[RemoteRegister] = []

    def make(url: str | None = None, *, is_authority: bool = True, timeout_s: float = 30.0, key: str = "k") -> Service:
        opened.append(RemoteRegister(url or other.url, key, timeout_s=timeout_s))
        settings = service.settings.model_copy(update={"register_is_authority": is_authority})
        return replace(service, settings=settings, register=opened[-1])

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def counter(asking: Asking, new_client: NewClient) -> TestClient:
    """A terminal of a service that asks."""
    return new_client(service=asking())


def by_photo(terminal: TestClient, card: Json, **changes: Any) -> Json:
    """A verification with the chip's photograph."""
    return verify(terminal, card, **{"chip_photo": "person:a", **changes})


def outcome(answer: Json) -> tuple[str, str, list[str]]:
    return answer["decision"], answer["document"]["status"], answer["document"]["reasons"]


def test_a_card_that_only_the_other_register_knows_passes(counter: TestClient, other: Simulated) -> None:
    card = new_card(serial="0011223344556677")
    answer = by_photo(counter, card)
    assert outcome(answer) == ("PASS", "valid", ["valid"])
    assert answer["person"]["reasons"] == ["match"]
    (asked,) = other.asked
    assert asked["card"] == card
    assert asked["authorization"] == "Bearer k"
    assert asked["portrait"], "the photograph goes with it"
    assert "face" not in str(asked.keys()), "the live face stays here"


@pytest.mark.parametrize(
    ("changes", "captures", "expected"),
    [
        ({}, {"face": "person:b"}, ("REFUSE", "mismatch", ["valid"])),
        ({}, {"face": "maybe:a"}, ("REVIEW", "inconclusive", ["valid"])),
        ({}, {"face": "low_quality"}, ("REVIEW", "not_assessed", ["valid"])),
        ({}, {"channel": "kiosk"}, ("REVIEW", "match", ["valid"])),
        ({"portrait": "inconsistent"}, {}, ("REVIEW", "match", ["chip_photo_mismatch", "chip_photo_unconfirmed"])),
        ({"portrait": "undetermined"}, {}, ("REVIEW", "match", ["chip_photo_unconfirmed"])),
        ({"card": "inconsistent"}, {}, ("REVIEW", "match", ["serial_mismatch"])),
        ({"status": "card_reported_lost"}, {}, ("REFUSE", "match", ["card_reported_lost"])),
        ({"status": "card_expired"}, {}, ("REFUSE", "match", ["card_expired"])),
    ],
)
def test_what_keeps_it_from_passing(
    counter: TestClient, other: Simulated, changes: Json, captures: Json, expected: tuple[str, str, list[str]]
) -> None:
    other.behave = answering(**{**KNOWN, **changes})
    answer = by_photo(counter, new_card(), **captures)
    assert (answer["decision"], answer["person"]["reasons"][0], answer["document"]["reasons"]) == expected


def test_without_the_photograph_it_does_not_pass(counter: TestClient, other: Simulated) -> None:
    """Also where the register claims to have compared one."""
    answer = verify(counter, new_card())
    assert outcome(answer) == ("REVIEW", "valid", ["chip_photo_unconfirmed"])
    assert "portrait" not in other.asked[0]
    assert "portrait" not in answer["document"]["register"]


def test_a_loss_report_in_either_place_works(
    counter: TestClient, other: Simulated, authority: TestClient, new_client: NewClient, asking: Asking
) -> None:
    card_id, card = register(authority)
    lenient = new_client(service=asking(is_authority=False))
    assert verify(counter, card)["decision"] == verify(lenient, card)["decision"] == "PASS"
    other.behave = answering(**{**KNOWN, "status": "card_reported_stolen", "since": "2026-11-20T08:00:00+08:00"})
    for terminal in (counter, lenient):
        answer = verify(terminal, card)
        assert outcome(answer) == ("REFUSE", "card_reported_stolen", ["card_reported_stolen"])
        assert answer["document"]["since"] == "2026-11-20T00:00:00+00:00"
    other.behave = answering(**KNOWN)
    assert verify(counter, card)["decision"] == "PASS"
    report(authority, card_id, "reported_lost")
    assert outcome(verify(counter, card))[:2] == ("REFUSE", "card_reported_lost")


def test_a_card_that_the_authority_does_not_know(
    counter: TestClient, other: Simulated, authority: TestClient, new_client: NewClient, asking: Asking
) -> None:
    other.behave = answering(**NO_RECORD)
    _, card = register(authority)
    assert outcome(verify(counter, card)) == ("REVIEW", "card_not_found", ["card_not_found"])
    assert verify(new_client(service=asking(is_authority=False)), card)["decision"] == "PASS"
    assert outcome(by_photo(counter, new_card())) == ("REVIEW", "card_not_found", ["card_not_found"])


FAILURES: dict[str, Behaviour] = {
    "an error": answering(500),
    "a key that it does not know": answering(401),
    "a question that it refuses": answering(422),
    "garbage": sending(b"\x00\xff<html>"),
    "half an answer": breaking_off,
    "a status that is none": answering(**{**KNOWN, "status": "splendid"}),
    "an answer of last year": answering(**KNOWN, checked_at="2025-11-22T12:00:00Z"),
    "an answer from ahead": answering(**KNOWN, checked_at="2125-11-22T12:00:00Z"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_no_answer_passes_nobody(
    counter: TestClient, other: Simulated, authority: TestClient, new_client: NewClient, asking: Asking, what: str
) -> None:
    other.behave = FAILURES[what]
    unknown = by_photo(counter, new_card())
    assert outcome(unknown) == ("REVIEW", "card_not_found", ["register_unavailable"])
    assert unknown["words"]["advice"]["code"] == "ask_staff"
    assert "人口登记库" in unknown["words"]["reasons"][0]["zh"]
    _, card = register(authority)
    assert outcome(verify(counter, card)) == ("REVIEW", "valid", ["register_unavailable"])
    lenient = verify(new_client(service=asking(is_authority=False)), card)
    assert outcome(lenient) == ("PASS", "valid", ["valid"])
    assert lenient["document"]["register"]["answered"] is False


def test_a_slow_register_is_not_waited_for(new_client: NewClient, asking: Asking, other: Simulated) -> None:
    ended = threading.Event()
    other.behave = silent_for(ended)
    began = time.monotonic()
    answer = by_photo(new_client(service=asking(timeout_s=0.2)), new_card())
    ended.set()
    assert outcome(answer) == ("REVIEW", "card_not_found", ["register_unavailable"])
    assert time.monotonic() - began < 100, "the register would have taken five minutes"


def test_a_dead_register_is_left_alone_and_asked_again_later(
    monkeypatch: pytest.MonkeyPatch, new_client: NewClient, asking: Asking, other: Simulated
) -> None:
    monkeypatch.setattr("api.population.remote.OPEN_S", 3600)
    asked = asking()
    terminal = new_client(service=asked)
    other.behave = answering(503)
    for _ in range(FAILURES_TO_OPEN + 2):
        assert by_photo(terminal, new_card())["document"]["reasons"] == ["register_unavailable"]
    assert len(other.asked) == FAILURES_TO_OPEN
    other.behave = answering(**KNOWN)
    assert isinstance(asked.register, RemoteRegister)
    monkeypatch.setattr(asked.register._breaker, "_opened", -3600)  # as if it had been long ago
    assert by_photo(terminal, new_card())["decision"] == "PASS"


def test_the_answer_and_the_evidence_say_who_was_asked_and_when(
    counter: TestClient, other: Simulated, service: Service
) -> None:
    checked_at = datetime.now(UTC) - timedelta(seconds=1)
    other.behave = answering(**KNOWN, checked_at=checked_at.isoformat(), since="2020-01-01T00:00:00Z")
    answer = by_photo(counter, new_card())
    told = answer["document"]["register"]
    assert told == {
        "name": other.url.removeprefix("http://"),
        "asked_at": told["asked_at"],
        "answered": True,
        **KNOWN,
        "since": "2020-01-01T00:00:00+00:00",
        "as_of": checked_at.isoformat(),
    }
    assert told["asked_at"] < answer["decided_at"], "asked before it was decided"
    leaf = json.loads(answer["receipt"]["leaf"])
    assert leaf["document"] == answer["document"]
    assert leaf["registered"] is False


def test_the_books_agree(counter: TestClient, other: Simulated, authority: TestClient, service: Service) -> None:
    """Of cards that nobody here registered, of those registered here, and where nobody could be asked."""
    _, card = register(authority)
    made = [by_photo(counter, new_card()), verify(counter, card)]
    for behave in (answering(**NO_RECORD), answering(500)):
        other.behave = behave
        made += [by_photo(counter, new_card()), verify(counter, card)]
    with service.database.begin() as connection:
        held = {
            str(row.id): row.card_id is not None
            for row in connection.execute(select(verifications.c.id, verifications.c.card_id))
        }
    assert findings(service) == []
    assert [held[answer["id"]] for answer in made] == [False, True] * 3


def test_the_same_request_asks_once(counter: TestClient, other: Simulated) -> None:
    body, key = fresh(counter, new_card(), chip_photo="person:a"), fresh_key()
    first = counter.post("/v1/verifications", json=body, headers=key)
    other.behave = answering(500)
    assert counter.post("/v1/verifications", json=body, headers=key).json() == first.json()
    assert len(other.asked) == 1


def test_nothing_is_held_while_it_is_asked(
    new_client: NewClient, asking: Asking, other: Simulated, authority: TestClient
) -> None:
    """A report that is made while the register takes its time is not held up, and counts."""
    card_id, card = register(authority)

    def reporting(handler: Any, body: Json) -> None:
        report(authority, card_id, "reported_lost")
        answering(**KNOWN)(handler, body)

    other.behave = reporting
    assert outcome(verify(new_client(service=asking(timeout_s=30)), card))[:2] == ("REFUSE", "card_reported_lost")


def test_guessing_at_a_card_of_the_other_register_locks_its_number(counter: TestClient, service: Service) -> None:
    card = new_card()
    for number in range(service.policy.guessing.max_failures):
        assert by_photo(counter, card, face=f"person:{number}")["decision"] != "PASS"
    locked = by_photo(counter, card)
    assert locked["person"]["reasons"] == ["not_assessed", "card_locked"]
    assert locked["decision"] == "REVIEW"
    assert findings(service) == []


# A second installation.


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    # At once: whoever asks next must not wait on a connection that is still open.
    server.should_exit = server.force_exit = True
    thread.join(60)


@pytest.fixture
def national(service: Service, new_database: NewDatabase) -> Iterator[Service]:
    """A whole service with a database and keys of its own."""
    url = new_database().url.render_as_string(hide_password=False)
    settings = service.settings.model_copy(update={"home": service.settings.home / "national", "database_url": url})
    built = services.build(settings, ScriptedComparer())
    yield built
    built.close()


def test_one_installation_is_the_register_of_another(
    national: Service, new_client: NewClient, asking: Asking, authority: TestClient, service: Service
) -> None:
    bureau = new_client(Role.AUTHORITY, service=national)
    key = new_key(national.database, national.keys, Role.TERMINAL, requests_per_minute=10_000)
    with listening(create_app(national)) as url:
        bank = new_client(service=asking(url, key=key))
        card_id, card = register(bureau)
        answer = by_photo(bank, card)
        assert outcome(answer) == ("PASS", "valid", ["valid"])
        assert {"number", "card", "portrait", "as_of"} <= answer["document"]["register"].keys()
        other_photo = by_photo(bank, card, chip_photo="person:b", face="person:b")
        assert outcome(other_photo)[2] == ["chip_photo_mismatch", "chip_photo_unconfirmed"]
        lost = report(bureau, card_id, "reported_lost")
        refused = by_photo(bank, card)
        assert outcome(refused) == ("REFUSE", "card_reported_lost", ["card_reported_lost"])
        assert datetime.fromisoformat(refused["document"]["since"]) == datetime.fromisoformat(lost["recorded_at"])
        assert outcome(by_photo(bank, new_card())) == ("REVIEW", "card_not_found", ["card_not_found"])
        stranger = new_client(service=asking(url, key="rz_no_such_key"))
        assert outcome(by_photo(stranger, card))[2] == ["register_unavailable"]
    assert outcome(by_photo(bank, card)) == ("REVIEW", "card_not_found", ["register_unavailable"]), "it is gone"
    assert findings(national) == []
    assert findings(service) == []
