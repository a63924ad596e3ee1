"""Receipts in answers: proven by the first checkpoint that covers them, the same ones for the same request."""

import json
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.evidence import merkle, receipts
from api.evidence.checkpoints import open_note
from api.evidence.parameters import ORIGIN
from api.evidence.sequencer import Sequencer, drain
from api.institutions.roles import Role
from api.service import Service
from api.storage.errors import DatabaseUnavailable
from api.verification import pipeline
from tests.api.bodies import Json, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient, NewDatabase


def assert_proven(service: Service, receipt: Json) -> None:
    shown = receipt["inclusion"]
    signed = open_note(shown["checkpoint"], ORIGIN, [service.keys.signing.public_key()])
    assert signed.size == shown["size"]
    path = [bytes.fromhex(node) for node in shown["proof"]]
    assert merkle.verify_inclusion(bytes.fromhex(receipt["leaf_hash"]), shown["index"], signed.size, path, signed.root)


def test_every_act_over_http_is_answered_with_a_proven_receipt(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    card = new_card()
    registered = authority.post("/v1/cards", json=registration(card), headers=fresh_key()).json()
    verified = verify(terminal, card)
    reported = report(authority, registered["id"], "reported_lost")
    for answer, kind in ((registered, "card_event"), (verified, "verification"), (reported, "card_event")):
        assert_proven(service, answer["receipt"])
        leaf = json.loads(answer["receipt"]["leaf"])
        assert leaf["kind"] == kind
        assert list(answer)[-1] == "receipt"
    assert json.loads(reported["receipt"]["leaf"])["id"] == reported["id"]
    assert json.loads(registered["receipt"]["leaf"])["event"] == "registered"
    places = [answer["receipt"]["inclusion"]["index"] for answer in (registered, verified, reported)]
    assert places == sorted(places)


def test_the_same_request_gets_the_same_bytes_however_the_log_grows(authority: TestClient) -> None:
    card, key = new_card(), fresh_key()
    first = authority.post("/v1/cards", json=registration(card), headers=key)
    event, event_key = {"event": "reported_lost"}, fresh_key()
    path = f"/v1/cards/{first.json()['id']}/events"
    reported = authority.post(path, json=event, headers=event_key)
    for _ in range(3):
        register(authority)
        assert authority.post("/v1/cards", json=registration(card), headers=key).content == first.content
        assert authority.post(path, json=event, headers=event_key).content == reported.content


def test_a_decision_read_again_has_the_receipt_that_was_given(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    given = verify(terminal, card)
    register(authority)
    assert terminal.get(f"/v1/verifications/{given['id']}").json() == given


@pytest.fixture
def asleep(service: Service, new_database: NewDatabase) -> Service:
    """A service on a log of its own, whose sequencer does not run, and which waits for nothing."""
    database = new_database(migrated=True)
    return replace(
        service,
        settings=service.settings.model_copy(update={"receipt_wait_s": 0.05}),
        database=database,
        sequencer=Sequencer(database, service.keys),
    )


def test_a_promise_is_proven_later_and_then_stays_as_it_is(asleep: Service, new_client: NewClient) -> None:
    authority = new_client(Role.AUTHORITY, service=asleep)
    card, key = new_card(), fresh_key()
    promised = authority.post("/v1/cards", json=registration(card), headers=key).json()
    assert "inclusion" not in promised["receipt"]
    again = authority.post("/v1/cards", json=registration(card), headers=key).json()
    assert again == promised
    drain(asleep.database, asleep.keys)
    proven = authority.post("/v1/cards", json=registration(card), headers=key)
    assert_proven(asleep, proven.json()["receipt"])
    inclusion = proven.json()["receipt"].pop("inclusion")
    assert proven.json() | {"receipt": {**promised["receipt"], "inclusion": inclusion}} == proven.json()
    register(authority)
    drain(asleep.database, asleep.keys)
    assert authority.post("/v1/cards", json=registration(card), headers=key).content == proven.content


@pytest.mark.parametrize("error", [DatabaseUnavailable("gone"), RuntimeError("unforeseen")])
def test_whatever_fails_after_the_act_does_not_take_its_answer_away(
    authority: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(receipts.proofs, "inclusion", fail)  # type: ignore[attr-defined]
    monkeypatch.setattr(receipts.proofs, "inclusion_in", fail)  # type: ignore[attr-defined]
    answer = authority.post("/v1/cards", json=registration(new_card()), headers=fresh_key())
    assert answer.status_code == 201
    assert set(answer.json()["receipt"]) == {"algorithm", "key_id", "leaf", "leaf_hash", "include_by", "signature"}


def test_an_answer_from_before_there_were_receipts_stays_as_it_was(service: Service) -> None:
    answer = {"id": "a card"}
    assert receipts.complete(service, answer) is answer


def test_an_act_that_is_rolled_back_leaves_no_leaf(
    authority: TestClient, terminal: TestClient, anonymous: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, card = register(authority)
    before = anonymous.get("/v1/evidence/status").json()
    with monkeypatch.context() as failing:
        failing.setattr(pipeline.records, "write", lambda *_, **__: 1 / 0)  # type: ignore[attr-defined]
        with pytest.raises(AssertionError, match="internal"):
            verify(terminal, card)
    after = anonymous.get("/v1/evidence/status").json()
    assert after["size"] + after["waiting"] == before["size"] + before["waiting"]
