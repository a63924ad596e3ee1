"""Answers are held to their questions: true ones of others are refused, and so is what a confused service signs."""

import base64
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
    Business,
    Conflict,
    EvidenceRefuted,
    Refused,
    Unreachable,
    Verifier,
    asking,
)
from api.client.answers import Told
from api.evidence import leaves
from api.evidence.checkpoints import verifier_key
from api.evidence.parameters import ORIGIN
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, new_number
from tests.api.client.conftest import NewSide
from tests.api.client.sides import Cutting, Kind, Script, Side, Wire, opened
from tests.api.client.test_service import FINGER, new_card, registered, shot, take
from tests.api.entries import new_key

DAY = datetime.now(UTC).date() + timedelta(days=30)
ELSE = str(uuid4())
Change = Callable[[Json, Json], None]


@pytest.fixture
def kind() -> Kind:
    """What is verified is the same for both."""
    return "sync"


@pytest.fixture(scope="module")
def lines(service: Service) -> list[str]:
    return Verifier([verifier_key(ORIGIN, key) for key in service.keys.trusted]).keys[0].line.split()


class Confused(httpx.BaseTransport):
    """The service, which does what it is asked and then tells, and signs, something else."""

    def __init__(self, app: FastAPI, service: Service, change: Change) -> None:
        self._inner, self._keys, self._change = Wire(app), service.keys, change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if not answer.is_success or request.url.path == "/v1/captures":
            return answer
        told = answer.json()
        for one in told.get("items", [told]):
            receipt = one["receipt"]
            leaf = json.loads(receipt["leaf"])
            self._change(one, leaf)
            text = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            digest = leaves.leaf_hash(text)
            signed = self._keys.signing.sign(leaves.signed_message(digest, receipt["include_by"]))
            one["receipt"] = {
                **receipt,
                "leaf": text,
                "leaf_hash": digest.hex(),
                "signature": base64.b64encode(signed).decode(),
                "inclusion": None,
            }
        return httpx.Response(answer.status_code, json=told)


def both(name: str, value: Any, place: str | None = None) -> Change:
    """The same wrong thing in the answer and in its leaf."""

    def change(answer: Json, leaf: Json) -> None:
        answer[name] = value
        inside(place or name, value)(answer, leaf)

    return change


def inside(place: str, value: Any) -> Change:
    """Something wrong of which the answer says nothing."""

    def change(_: Json, leaf: Json) -> None:
        *parents, last = place.split("/")
        for step in parents:
            leaf = leaf[step]
        leaf[last] = value

    return change


def proposed(authority: Side) -> UUID:
    found: UUID = authority.propose_impostor(**impostor()).id
    return found


def impostor() -> dict[str, Any]:
    person = f"person:{secrets.token_hex(4)}".encode()
    ground, case = "card_of_another", "case 1"
    return {"face": person, "ground": ground, "case_reference": case, "review_on": DAY, "expires_on": DAY}


class House:
    """An institution with those who ask; `asking(role, over)` opens a client, pinned, over another transport."""

    def __init__(self, service: Service, new_side: NewSide) -> None:
        self.name, self._service, self._new = secrets.token_hex(8), service, new_side
        self.authority, self.second = self.side(Role.AUTHORITY), self.side(Role.AUTHORITY)
        self.terminal, self.operator = self.side(Role.TERMINAL), self.side(Role.OPERATOR)
        self.supervisor = self.side(Role.SUPERVISOR)

    def side(self, role: Role, **how: Any) -> Side:
        return self._new(role, self.name, **how)

    def key(self, role: Role) -> str:
        """A key for several sides of one caller."""
        return new_key(self._service.database, self._service.keys, role, self.name)

    def guessed(self) -> UUID:
        """An alert of the authority's."""
        _, card = registered(self.authority)
        for _ in range(10):
            self.terminal.attend(card, lambda _: shot("person:b"), purpose="test")
        found: UUID = next(one.id for one in self.authority.alerts(open=True))
        return found

    def refused(self) -> UUID:
        found: UUID = self.terminal.attend(new_card(), take, purpose="test").id
        return found

    def entered(self) -> UUID:
        found: UUID = self.operator.enter_override(self.refused(), "compared_by_eye", "both looked").id
        return found

    def approved(self) -> UUID:
        found = proposed(self.authority)
        self.second.approve_impostor(found)
        return found


@pytest.fixture
def house(service: Service, new_side: NewSide) -> House:
    return House(service, new_side)


def business(verification: UUID | None = None) -> Business:
    return Business(secrets.token_hex(8), "account_opening", datetime.now(UTC), verification)


# Each write: who asks, and the question, made anew each time; what a question is about is made before.
Question = Callable[[Side], Any]
QUESTIONS: dict[str, tuple[Role, Callable[[House], Question]]] = {
    "verify": (Role.TERMINAL, lambda _: lambda side: side.attend(new_card(), take, purpose="test")),
    "check": (Role.TERMINAL, lambda _: lambda side: side.check(purpose="test", number=new_number())),
    "check a card": (Role.TERMINAL, lambda _: lambda side: side.check(purpose="test", card=new_card())),
    "report_transaction": (Role.TERMINAL, lambda _: lambda side: side.report_transaction(business())),
    "report_transactions": (Role.TERMINAL, lambda _: lambda side: side.report_transactions([business()] * 1)),
    "register_card": (Role.AUTHORITY, lambda _: registered),
    "report_card": (
        Role.AUTHORITY,
        lambda house: about(registered(house.authority)[0], lambda side, card: side.report_card(card, "reported_lost")),
    ),
    "add_face": (
        Role.AUTHORITY,
        lambda house: about(
            registered(house.authority, face=None)[0], lambda side, card: side.add_face(card, b"person:a")
        ),
    ),
    "add_fingerprints": (
        Role.AUTHORITY,
        lambda house: about(
            registered(house.authority, fingers=[])[0], lambda side, card: side.add_fingerprints(card, [FINGER])
        ),
    ),
    "close_alert": (
        Role.AUTHORITY,
        lambda house: about(house.guessed(), lambda side, alert: side.close_alert(alert, "a twin")),
    ),
    "propose_impostor": (Role.AUTHORITY, lambda _: lambda side: side.propose_impostor(**impostor())),
    "approve_impostor": (
        Role.AUTHORITY,
        lambda house: about(proposed(house.second), lambda side, one: side.approve_impostor(one)),
    ),
    "refuse_impostor": (
        Role.AUTHORITY,
        lambda house: about(proposed(house.second), lambda side, one: side.refuse_impostor(one, "a mistake")),
    ),
    "remove_impostor": (
        Role.AUTHORITY,
        lambda house: about(house.approved(), lambda side, one: side.remove_impostor(one, "acquitted")),
    ),
    "review_impostor": (
        Role.AUTHORITY,
        lambda house: about(house.approved(), lambda side, one: side.review_impostor(one, DAY)),
    ),
    "enter_override": (
        Role.OPERATOR,
        lambda house: about(
            house.refused(), lambda side, one: side.enter_override(one, "compared_by_eye", "both looked")
        ),
    ),
    "approve_override": (
        Role.SUPERVISOR,
        lambda house: about(house.entered(), lambda side, one: side.approve_override(one)),
    ),
    "refuse_override": (
        Role.SUPERVISOR,
        lambda house: about(house.entered(), lambda side, one: side.refuse_override(one)),
    ),
}


def about(subject: UUID, ask: Callable[[Side, UUID], Any]) -> Question:
    return lambda side: ask(side, subject)


class Recording(Wire):
    """Keeps the answers that have receipts."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app)
        self.kept: list[httpx.Response] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if answer.is_success and "receipt" in answer.text:
            self.kept.append(answer)
        return answer


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


LATER = "2036-01-01"
CONFUSED: dict[str, list[tuple[str, Change]]] = {
    "verify": [
        ("channel", inside("channel", "kiosk")),
        ("purpose", inside("purpose", "else")),
        ("captured_at", inside("captured_at", "2026-01-01T00:00:00+00:00")),
        ("operator", inside("operator", ELSE)),
        ("asked", inside("asked", "00" * 32)),
    ],
    "check": [("purpose", inside("purpose", "else")), ("card", both("card", "consistent"))],
    "check a card": [("portrait", both("portrait", "consistent"))],
    "report_transaction": [
        ("kind", both("kind", "transfer", "business")),
        ("done_at", both("done_at", "2026-01-01T00:00:00Z")),
        ("verification_id", both("verification_id", ELSE, "verification")),
        ("asked", inside("asked", None)),
    ],
    "report_transactions": [
        ("done_at", both("done_at", "2026-01-01T00:00:00Z")),
        ("asked", inside("asked", "00" * 32)),
    ],
    "report_card": [
        ("card_id", both("card_id", ELSE)),
        ("event", both("event", "found")),
        ("asked", inside("asked", "00" * 32)),
    ],
    "add_face": [("card_id", both("card_id", ELSE)), ("event", both("event", "fingerprints_added"))],
    "add_fingerprints": [("event", both("event", "face_added"))],
    "close_alert": [("subject", both("id", ELSE, "subject")), ("asked", inside("asked", "00" * 32))],
    "propose_impostor": [
        ("act", inside("act", "impostor_approved")),
        ("details/ground", inside("details/ground", "order")),
        ("details/review_on", both("review_on", LATER, "details/review_on")),
        ("details/expires_on", inside("details/expires_on", LATER)),
        ("state", lambda answer, _: answer.update(state="approved")),
    ],
    "approve_impostor": [
        ("subject", both("id", ELSE, "subject")),
        ("act", inside("act", "impostor_refused")),
        ("state", lambda answer, _: answer.update(state="refused")),
    ],
    "refuse_impostor": [("act", inside("act", "impostor_approved")), ("subject", both("id", ELSE, "subject"))],
    "remove_impostor": [("act", inside("act", "impostor_approved")), ("subject", both("id", ELSE, "subject"))],
    "review_impostor": [
        ("details/review_on", both("review_on", LATER, "details/review_on")),
        ("subject", both("id", ELSE, "subject")),
    ],
    "enter_override": [
        ("details/verification", both("verification_id", ELSE, "details/verification")),
        ("details/reason", inside("details/reason", "order")),
        ("reason", lambda answer, _: answer.update(reason="order")),
        ("act", inside("act", "override_approved")),
    ],
    "approve_override": [("subject", both("id", ELSE, "subject")), ("act", inside("act", "override_refused"))],
    "refuse_override": [("act", inside("act", "override_approved"))],
}


@pytest.mark.parametrize(
    ("name", "said", "change"),
    [(name, said, change) for name, changes in CONFUSED.items() for said, change in changes],
    ids=[f"{name}-{said}" for name, changes in CONFUSED.items() for said, _ in changes],
)
def test_what_a_confused_service_signs_is_refused(
    name: str, said: str, change: Change, house: House, service: Service, app: FastAPI, lines: list[str]
) -> None:
    """Signed with the service's key, and of another thing than was asked for."""
    role, made = QUESTIONS[name]
    ask = made(house)
    confused = house.side(role, over=Confused(app, service, change), log_keys=lines)
    with pytest.raises((EvidenceRefuted, AnswerUnusable), match=f"another request: {said}") as caught:
        ask(confused)
    assert caught.value.idempotency_key
    assert not caught.value.retryable


@pytest.mark.parametrize("name", sorted({*QUESTIONS} - {"register_card"}))
def test_what_a_service_signs_rightly_is_taken(
    name: str, house: House, service: Service, app: FastAPI, lines: list[str]
) -> None:
    """The one above signs as the service does: else everything would be refused, for whatever reason."""
    role, made = QUESTIONS[name]
    made(house)(house.side(role, over=Confused(app, service, lambda _answer, _leaf: None), log_keys=lines))


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
