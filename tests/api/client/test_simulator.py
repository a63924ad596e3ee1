"""Counters at work against the service, and what is said of their visits."""

import secrets
from datetime import date

import httpx
import pytest
from fastapi import FastAPI

from api.client import Captures, Card, Client
from api.client.answers import Nonce
from api.client.simulator import Counters, Shown, Visit, summarise
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import new_number
from tests.api.client.sides import URL, Script, Wire, error
from tests.api.client.told import nonce
from tests.api.entries import new_key

COUNTERS, EACH = 3, 2


def card() -> Card:
    return Card(new_number(), "北京市公安局", date(2016, 3, 1), None)


def shown(person: str, whose: Card) -> Shown:
    def take(_: Nonce) -> Captures:
        return Captures(face=f"{person}#{secrets.token_hex(8)}".encode())

    return Shown(whose, take)


def client(service: Service, app: FastAPI, role: Role = Role.TERMINAL) -> Client:
    return Client(URL, new_key(service.database, service.keys, role), transport=Wire(app))


def test_counters_serve_one_after_another(service: Service, app: FastAPI) -> None:
    """Each begins elsewhere: holders pass, others are refused, and nobody is missing from the figures."""
    authority, holder, unknown = client(service, app, Role.AUTHORITY), card(), card()
    authority.register_card(holder, face=b"person:a")
    terminals = [client(service, app) for _ in range(COUNTERS)]
    with Counters(terminals, [shown("person:a", holder), shown("person:a", unknown)]) as counters:
        counters.await_answers(EACH)
    told = counters.summary()
    assert told.visits == len(counters.visits()) >= COUNTERS * EACH
    assert set(told.decisions) == {"PASS", "REVIEW"}
    assert (told.errors, sum(told.decisions.values())) == ({}, told.visits)
    assert told.median_s is not None
    assert told.longest_s is not None
    assert 0 < told.median_s <= told.longest_s <= told.seconds
    for one in (*terminals, authority):
        one.close()


def test_what_goes_wrong_is_counted_by_its_code() -> None:
    refusing = Client(URL, "a-key", transport=httpx.MockTransport(Script(error(401, "key_invalid"))))
    with Counters([refusing], [shown("person:a", card())], per_minute=60_000) as counters:
        counters.await_answers(2)
    assert set(counters.summary().errors) == {"key_invalid"}
    assert counters.summary().median_s is None
    refusing.close()


def test_a_counter_that_breaks_is_told() -> None:
    def broken(_: Nonce) -> Captures:
        raise OSError("the camera is unplugged")

    one = Client(URL, "a-key", transport=httpx.MockTransport(Script(nonce("1"))))
    with Counters([one], [Shown(card(), broken)]) as counters, pytest.raises(OSError, match="unplugged"):
        counters.await_answers(1)
    one.close()


def test_figures_of_visits() -> None:
    visits = [Visit(0.0, number / 10, "PASS") for number in range(1, 11)] + [Visit(0.0, 9.0, None, "unreachable")]
    told = summarise(visits, 5.0)
    assert (told.visits, told.decisions, told.errors) == (11, {"PASS": 10}, {"unreachable": 1})
    assert (told.median_s, told.p99_s, told.longest_s, told.decided_per_s) == (0.5, 1.0, 1.0, 2.0)
    assert summarise([], 0.0).p99_s is None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_load_of_nothing_is_refused(rate: float) -> None:
    with Client(URL) as nobody:
        with pytest.raises(ValueError, match="nothing"):
            Counters([nobody], [shown("person:a", card())], per_minute=rate)
        with pytest.raises(ValueError, match="nothing"):
            Counters([], [])
