"""Answers are held to their questions: true ones of others are refused."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.client import (
    NEVER,
    AnswerUnusable,
    Conflict,
    EvidenceRefuted,
    Refused,
    Unreachable,
    asking,
)
from api.client.answers import Told
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, new_number
from tests.api.client.asked.questions import ELSE, QUESTIONS, House, Recording, business, proposed
from tests.api.client.sides import Cutting, Script, Wire, opened
from tests.api.client.test_service import registered
from tests.api.entries import new_key


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_true_answer_from_before_is_none_to_this_question(
    name: str, house: House, app: FastAPI, lines: list[str]
) -> None:
    """The very same act was asked for and done a moment ago: its answer is not that of the next request."""
    role, made = QUESTIONS[name]
    ask, wire = made(house), Recording(app)
    ask(house.side(role, over=wire, log_keys=lines))
    nonce = house.terminal.nonce().as_told
    script = Script(*([httpx.Response(201, json=nonce)] if name == "verify" else []), wire.kept[-1])
    with (
        opened("sync", over=script, log_keys=lines) as fooled,
        pytest.raises(EvidenceRefuted, match="another request") as caught,
    ):
        ask(fooled)
    assert caught.value.idempotency_key == script.keys[-1]


def test_only_the_salt_tells_it_apart(house: House, app: FastAPI, lines: list[str]) -> None:
    """Two equal questions about a number, whose leaves differ by nothing else that a client could know."""
    wire, number, key = Recording(app), new_number(), house.key(Role.TERMINAL)
    asker = house.side(Role.TERMINAL, key=key, over=wire, log_keys=lines)
    asker.check(purpose="test", number=number, idempotency_key="the-first")
    leaf = json.loads(wire.kept[0].json()["receipt"]["leaf"])
    body = json.dumps({"purpose": "test", "number": number}).encode()
    assert leaf["asked"] == asking.asked(asking.salt_of(key, "the-first"), "POST", "/v1/checks", body)
    with opened("sync", key, over=Script(wire.kept[0]), log_keys=lines) as fooled:
        assert fooled.check(purpose="test", number=number, idempotency_key="the-first").number == "no_record"
        with pytest.raises(EvidenceRefuted, match="another request: asked"):
            fooled.check(purpose="test", number=number)
        with pytest.raises(EvidenceRefuted, match="another request: asked"):
            fooled.check(purpose="test", number=new_number(), idempotency_key="the-first")


def test_what_the_service_stores_makes_no_salt(house: House, app: FastAPI) -> None:
    """It stores idempotency keys, and in checks nothing is asked that could not be tried out: the salt needs more."""
    number, told = new_number(), []
    for _ in range(2):
        wire = Recording(app)
        house.side(Role.TERMINAL, over=wire).check(purpose="test", number=number, idempotency_key="order-17")
        told.append(json.loads(wire.kept[0].json()["receipt"]["leaf"])["asked"])
    assert told[0] != told[1]


def test_who_sends_no_salt_leaves_none_in_the_evidence(house: House, service: Service, app: FastAPI) -> None:
    key = new_key(service.database, service.keys, Role.TERMINAL)
    headers = {"authorization": f"Bearer {key}", "idempotency-key": secrets.token_hex(8)}
    ask = httpx.Request("POST", "http://127.0.0.1/v1/checks", json={"purpose": "a", "number": new_number()})
    ask.headers.update(headers)
    told = Wire(app).handle_request(ask).json()
    assert "asked" not in json.loads(told["receipt"]["leaf"])
    for salt in ("", "00", "0" * 63, "G" * 64, "0" * 65):
        ask.headers["answer-salt"] = salt
        answer = Wire(app).handle_request(ask)
        assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_a_card_in_anothers_place_is_held_to_that_card(house: House, app: FastAPI, lines: list[str]) -> None:
    old_id, old = registered(house.authority)
    newer = replace(old, valid_from=old.valid_from.replace(year=2026))
    wire, key = Recording(app), house.key(Role.AUTHORITY)
    registering = house.side(Role.AUTHORITY, key=key, over=wire)
    registering.register_card(newer, face=b"person:a", supersedes=old_id, idempotency_key="1")
    told = wire.kept[0].json()

    def answered(answer: Json, **how: Any) -> Any:
        with opened("sync", key, over=Script(httpx.Response(201, json=answer)), **how) as fooled:
            asked = {"face": b"person:a", "supersedes": old_id, "idempotency_key": "1"}
            return fooled.register_card(newer, **asked)

    assert answered(told, log_keys=lines).superseded.card_id == old_id
    with pytest.raises(AnswerUnusable, match="another request: superseded"):
        answered({**told, "superseded": None})
    with pytest.raises(AnswerUnusable, match="another request: card_id"):
        answered({**told, "superseded": {**told["superseded"], "card_id": ELSE}})
    other = registered(house.authority)[0]
    lost = house.authority.report_card(other, "reported_lost").as_told
    with pytest.raises(EvidenceRefuted):
        answered({**told, "superseded": lost}, log_keys=lines)


def test_a_transaction_without_a_receipt_was_reported_before_or_is_refused(
    house: House, app: FastAPI, lines: list[str]
) -> None:
    wire, done = Recording(app), business()
    house.side(Role.TERMINAL, over=wire).report_transaction(done)
    told = {**wire.kept[0].json(), "receipt": None}
    ways: tuple[dict[str, Any], ...] = ({}, {"log_keys": lines})
    for how in ways:
        with (
            opened("sync", over=Script(httpx.Response(200, json=told)), **how) as fooled,
            pytest.raises((AnswerUnusable, EvidenceRefuted), match="receipt"),
        ):
            fooled.report_transaction(done)
        again = Script(httpx.Response(200, json={**told, "reported_before": True}))
        with opened("sync", over=again, **how) as terminal:
            assert terminal.report_transaction(done).receipt is None
            with pytest.raises(AnswerUnusable, match="another request: done_at"):
                terminal.report_transaction(replace(done, done_at=done.done_at - timedelta(seconds=1)))


def test_business_that_was_reported_before_is_taken_with_its_first_receipt(house: House, lines: list[str]) -> None:
    terminal, done = house.side(Role.TERMINAL, log_keys=lines), business()
    first, again = terminal.report_transaction(done), terminal.report_transaction(done)
    assert (again.reported_before, again.id) == (True, first.id)
    (batch,) = terminal.report_transactions([done]).items
    assert batch.reported_before


def test_of_a_batch_each_item_is_the_one_at_its_place(house: House, app: FastAPI, lines: list[str]) -> None:
    wire, done = Recording(app), [business(), replace(business(), done_at=datetime.now(UTC) - timedelta(hours=1))]
    key = house.key(Role.TERMINAL)
    house.side(Role.TERMINAL, key=key, over=wire).report_transactions(done, idempotency_key="1")
    items = wire.kept[0].json()["items"]
    for wrong, name in ((items[::-1], "done_at"), (items[:1], "items"), (items + items[:1], "items")):
        script = Script(httpx.Response(200, json={"items": wrong}))
        with opened("sync", key, over=script, log_keys=lines) as fooled, pytest.raises(AnswerUnusable, match=name):
            fooled.report_transactions(done, idempotency_key="1")


READ: dict[str, tuple[Role, Callable[[House], UUID]]] = {
    "decision": (Role.TERMINAL, lambda house: house.refused()),
    "read_check": (Role.TERMINAL, lambda house: house.terminal.check(purpose="test", number=new_number()).id),
    "transaction": (Role.TERMINAL, lambda house: house.terminal.report_transaction(business()).id),
    "card": (Role.AUTHORITY, lambda house: registered(house.authority)[0]),
    "alert": (Role.AUTHORITY, lambda house: house.guessed()),
    "impostor": (Role.AUTHORITY, lambda house: proposed(house.authority)),
    "override": (Role.SUPERVISOR, lambda house: house.entered()),
}


@pytest.mark.parametrize("method", READ)
def test_what_is_read_is_what_was_asked_for(method: str, house: House) -> None:
    """Also without pinned keys: a cache, or a proxy that mixes answers up."""
    role, made = READ[method]
    wanted = made(house)
    sides = {Role.TERMINAL: house.terminal, Role.AUTHORITY: house.authority, Role.SUPERVISOR: house.supervisor}
    told: Told = getattr(sides[role], method)(wanted)
    with opened("sync", over=Script(httpx.Response(200, json=told.as_told))) as fooled:
        assert getattr(fooled, method)(wanted) == told
        with pytest.raises(AnswerUnusable, match="another request: id"):
            getattr(fooled, method)(uuid4())


def test_lists_hold_what_was_asked_for(house: House) -> None:
    decided = house.refused()
    (told,) = [one for one in house.supervisor.decisions() if one.id == decided]
    page = {"items": [told.as_told], "next": None}
    wrong: list[dict[str, Any]] = [
        {"decision": "PASS"},
        {"terminal": uuid4()},
        {"since": told.decided_at + timedelta(seconds=1)},
        {"until": told.decided_at},
    ]
    with opened("sync", over=Script(httpx.Response(200, json=page))) as fooled:
        assert [one.id for one in fooled.decisions(decision="REVIEW", since=told.decided_at)] == [decided]
        for asked in wrong:
            with pytest.raises(AnswerUnusable, match=f"another request: {next(iter(asked))}"):
                fooled.decisions(**asked)
    endless = {"items": [], "next": ELSE}
    with (
        opened("sync", over=Script(httpx.Response(200, json=endless))) as fooled,
        pytest.raises(AnswerUnusable, match="another request: next"),
    ):
        fooled.decisions()


def test_refusals_are_not_held_to_anything(house: House, lines: list[str]) -> None:
    """They have no receipt: whoever is in between can always say no, and that is told in docs/client.md."""
    with pytest.raises(Refused):
        house.side(Role.TERMINAL, log_keys=lines).check(purpose="test", number="1")


def test_what_was_cut_off_is_gone_on_with_under_its_key_and_proven(
    house: House, app: FastAPI, lines: list[str]
) -> None:
    """The salt is the keys': the answer to the repetition is the first one's, and is known as one to this request."""
    done = business()
    wire = Cutting(Wire(app), "/v1/transactions", 1)
    terminal = house.side(Role.TERMINAL, over=wire, log_keys=lines, retrying=NEVER)
    with pytest.raises(Unreachable) as caught:
        terminal.report_transaction(done)
    told = terminal.report_transaction(done, idempotency_key=caught.value.idempotency_key)
    assert not told.reported_before
    assert len({one.headers["answer-salt"] for one in wire.seen}) == 1
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        terminal.report_transaction(business(), idempotency_key=caught.value.idempotency_key)
