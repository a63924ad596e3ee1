"""Requests per minute: how many, whose, and how soon again."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from api.http.app import create_app
from api.institutions import buckets
from api.institutions.buckets import take
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from api.storage.statements import Statement
from tests.api.bodies import fresh_key, new_card, registration, verification
from tests.api.clients import KeyedClient
from tests.api.entries import new_key
from tests.api.http.answers import assert_error

NewLimited = Callable[[Role, int | None], TestClient]


@pytest.fixture
def new_limited(service: Service) -> NewLimited:
    """Clients of a deployment of four requests a minute, where the principal has no number of its own."""
    own = replace(service, settings=service.settings.model_copy(update={"requests_per_minute": 4}))
    app = create_app(own)

    def make(role: Role, per_minute: int | None) -> TestClient:
        key = new_key(service.database, service.keys, role, requests_per_minute=per_minute)
        return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)

    return make


def age(service: Service, seconds: float) -> None:
    with service.database.begin() as connection:
        connection.execute(text("UPDATE buckets SET filled_at = filled_at - make_interval(secs => :s)"), {"s": seconds})


@pytest.mark.parametrize(("own", "allowed"), [(None, 4), (2, 2), (7, 7)])
def test_over_the_limit_it_is_told_when_to_come_again(
    new_limited: NewLimited, service: Service, own: int | None, allowed: int
) -> None:
    terminal = new_limited(Role.TERMINAL, own)
    began = time.monotonic()
    for _ in range(allowed):
        assert terminal.post("/v1/captures").status_code == 201
    refused = terminal.post("/v1/captures")
    assert assert_error(refused, 429, "rate_limited")["retryable"]
    wait_s = int(refused.headers["retry-after"])
    assert 60 / allowed - (time.monotonic() - began) - 1 <= wait_s <= 60 / allowed + 1
    age(service, wait_s)
    assert terminal.post("/v1/captures").status_code == 201
    assert terminal.post("/v1/captures").status_code == 429


def test_one_bucket_for_all_that_costs(new_limited: NewLimited) -> None:
    terminal, authority = new_limited(Role.TERMINAL, 2), new_limited(Role.AUTHORITY, 2)
    terminal.post("/v1/captures")
    wrong = terminal.post("/v1/verifications", json=verification(new_card()), headers=fresh_key())
    assert_error(wrong, 422, "nonce_unknown")
    again = terminal.post("/v1/verifications", json=verification(new_card()), headers=fresh_key())
    assert_error(again, 429, "rate_limited")
    card_id = authority.post("/v1/cards", json=registration(new_card()), headers=fresh_key()).json()["id"]
    lost = {"event": "reported_lost"}
    assert authority.post(f"/v1/cards/{card_id}/events", json=lost, headers=fresh_key()).status_code == 201
    for answer in (
        authority.post(f"/v1/cards/{card_id}/events", json={"event": "found"}, headers=fresh_key()),
        authority.post("/v1/cards", json=registration(new_card()), headers=fresh_key()),
    ):
        assert_error(answer, 429, "rate_limited")
    assert authority.get(f"/v1/cards/{card_id}").json()["status"] == "card_reported_lost", "reading costs nothing"


def test_buckets_are_everybodys_own(new_limited: NewLimited) -> None:
    first, second = new_limited(Role.TERMINAL, 1), new_limited(Role.TERMINAL, 1)
    assert [one.post("/v1/captures").status_code for one in (first, first, second)] == [201, 429, 201]


def test_requests_side_by_side_share_the_bucket(new_limited: NewLimited) -> None:
    terminal = new_limited(Role.TERMINAL, 5)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: terminal.post("/v1/captures").status_code, range(16)))
    assert sorted(found) == [201] * 5 + [429] * 11


def principal(service: Service) -> UUID:
    """Somebody new, who has asked for nothing yet."""
    name = secrets.token_hex(8)
    new_key(service.database, service.keys, Role.TERMINAL, name)
    with service.database.begin() as connection:
        found: UUID = connection.execute(
            select(tables.principals.c.id)
            .join(tables.institutions, tables.institutions.c.id == tables.principals.c.institution_id)
            .where(tables.institutions.c.name == name)
        ).scalar_one()
    return found


def test_a_bucket_fills_evenly_and_never_over(service: Service) -> None:
    who = principal(service)

    def taken(seconds: float) -> int:
        """How many a client gets that comes after so many seconds."""
        with service.database.begin() as connection:
            connection.execute(
                text("UPDATE buckets SET filled_at = filled_at - make_interval(secs => :s) WHERE principal_id = :p"),
                {"s": seconds, "p": who},
            )
            return next(count for count in range(100) if take(connection, who, 6) > 0)

    assert taken(0) == 6, "full at first"
    assert taken(0) == 0
    assert taken(5) == 0, "half a request"
    assert taken(5.01) == 1, "and the other half"
    assert taken(30.01) == 3
    assert taken(86_400) == 6


def test_a_clock_that_runs_back_gives_nothing(service: Service) -> None:
    who = principal(service)
    with service.database.begin() as connection:
        assert take(connection, who, 1) == 0
        connection.execute(
            text("UPDATE buckets SET filled_at = filled_at + interval '1 hour' WHERE principal_id = :p"), {"p": who}
        )
        assert take(connection, who, 1) == pytest.approx(60)


def test_nobody_with_none_is_served(service: Service) -> None:
    with service.database.begin() as connection:
        assert take(connection, principal(service), 0) == 60


def test_taking_writes_no_log(service: Service) -> None:
    """The table is unlogged: a commit that wrote nothing else waits for no disk."""
    explained = Statement(f"EXPLAIN (ANALYZE, WAL, FORMAT JSON) {buckets.TAKE.text}")
    asked = {"principal": principal(service), "burst": 1000.0}
    with service.database.begin() as connection:
        rows = [explained.run(connection, **asked).fetchone() for _ in range(2)]
    plans = [row[0][0]["Plan"] for row in rows if row is not None]
    assert [plan["Conflicting Tuples"] for plan in plans] == [0, 1], "made, then changed"
    assert {plan["WAL Records"] for plan in plans} == {0}
