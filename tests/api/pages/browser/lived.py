"""A day of the demonstration's bank: checks, business, overrides and a dispute, as its terminals report them."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.institutions.roles import Role
from tests.api.accountability.business import decide_override, enter_override, open_dispute, report_many, transaction
from tests.api.bodies import Json, register, verify
from tests.api.clients import KeyedClient
from tests.api.pages.browser.conftest import House

FACES = ["person:a"] * 7 + ["person:b", "maybe:a", "no_face", "person:a", "low_quality"]


@dataclass
class Day:
    """What was left of it."""

    supervisor_key: str
    checks: list[Json]
    waiting: str
    """An override that nobody decided yet."""


def client(app: FastAPI, key: str) -> TestClient:
    """With the scripted comparer, which takes words for pictures."""
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def a_day(app: FastAPI, house: House) -> Day:
    """Twelve checks at each of two counters."""
    authority = client(app, house.authority.headers["authorization"].removeprefix("Bearer "))
    key = house.person("李主管", Role.SUPERVISOR)
    supervisor, operator = client(app, key), client(app, house.person("王柜员", Role.OPERATOR))
    terminals = [client(app, house.person(name, Role.TERMINAL, "counter")) for name in ("一号柜台", "二号柜台")]
    _, card = register(authority, face="person:a", right_index="person:a")
    checks: list[Json] = []
    for number, face in enumerate(FACES):
        # A card of its own for each that does not pass: too many failures would lock it.
        shown = card if face == "person:a" else register(authority, face="person:a")[1]
        checks.append(verify(terminals[number % 2], shown, face=face))
    entered = [enter_override(operator, one["id"]) for one in checks if one["decision"] != "PASS"]
    decide_override(supervisor, entered[0])
    decide_override(supervisor, entered[1], "refuse")
    passed = [(number % 2, one["id"]) for number, one in enumerate(checks) if one["decision"] == "PASS"]
    for at in (0, 1):
        done = [transaction(verification=check) for place, check in passed if place == at]
        report_many(terminals[at], *done, transaction(), transaction(kind="enquiry"))
    at, last = passed[-1]
    open_dispute(terminals[at], last, last)
    return Day(key, checks, entered[2])
