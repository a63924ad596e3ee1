"""A house in which everything that a client writes may be asked for, and a service that answers something else."""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from api.client import (
    Business,
)
from api.evidence import leaves
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, new_number
from tests.api.client.conftest import NewSide
from tests.api.client.sides import Side, Wire
from tests.api.client.test_service import FINGER, new_card, registered, shot, take
from tests.api.entries import new_key

DAY = datetime.now(UTC).date() + timedelta(days=30)
ELSE = str(uuid4())
Change = Callable[[Json, Json], None]


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
