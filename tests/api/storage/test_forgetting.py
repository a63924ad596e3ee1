"""Answers and nonces that are out of time: what is deleted, what stays for good, and what late copies then meet."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import func, select, text, update
from starlette.testclient import TestClient

from api.http.app import ROUTERS
from api.institutions.roles import Role
from api.service import Service
from api.storage import forgetting
from api.storage.forgetting import Forgetter, forget
from api.storage.tables import idempotency, nonces, verifications
from tests.api.bodies import Json, fresh, fresh_key, new_card, new_nonce, register, registration, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error

DAYS = 7


@pytest.fixture(autouse=True)
def alone(service: Service) -> Iterator[None]:
    """Nobody else forgets meanwhile: the service's own thread looks every minute."""
    service.forgetter.stop()
    yield
    service.forgetter.start()


def age(service: Service, client: TestClient, days: float = DAYS + 1) -> UUID:
    """Make all of this client's answers and nonces older."""
    holder = UUID(client.get("/v1/me").json()["id"])
    older = timedelta(days=days)
    with service.database.begin() as connection:
        for table in (idempotency, nonces):
            values: dict[Any, Any] = {"created_at": table.c.created_at - older}
            if table is nonces:
                values["expires_at"] = table.c.expires_at - older
            connection.execute(update(table).where(table.c.principal_id == holder).values(values))
    return holder


def kept(service: Service, holder: UUID) -> list[int]:
    """The status codes of this principal's answers."""
    with service.database.begin() as connection:
        found = select(idempotency.c.status_code).where(idempotency.c.principal_id == holder)
        return sorted(connection.execute(found).scalars())


def test_what_makes_nothing_is_forgotten_after_its_days_and_the_rest_stays(
    service: Service, authority: TestClient, terminal: TestClient
) -> None:
    card_id, card = register(authority)
    refused = authority.post(f"/v1/cards/{card_id}/events", json={"event": "found"})
    assert_error(refused, 409, "event_not_possible")
    verify(terminal, card)
    terminal.post("/v1/checks", json={"number": card["number"], "purpose": "test"})
    young = age(service, terminal, DAYS - 0.5)
    Forgetter(service.database, DAYS).round()
    assert kept(service, young) == [200, 200], "not before its time"
    old = [age(service, terminal), age(service, authority)]
    Forgetter(service.database, DAYS).round()
    assert [kept(service, holder) for holder in old] == [[], [201, 409]]
    with service.database.begin() as connection:
        decided = select(func.count()).select_from(verifications).where(verifications.c.terminal_id == old[0])
        assert connection.execute(decided).scalar_one() == 1, "the decision stays"
        left = select(func.count()).select_from(nonces).where(nonces.c.principal_id == old[0])
        assert connection.execute(left).scalar_one() == 0


def test_a_verification_sent_again_after_that_decides_nothing(
    service: Service, authority: TestClient, terminal: TestClient
) -> None:
    card_id, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    first = terminal.post("/v1/verifications", json=body, headers=key)
    assert first.json()["decision"] == "PASS"
    report(authority, card_id, "reported_lost")
    age(service, terminal)
    Forgetter(service.database, DAYS).round()
    assert_error(terminal.post("/v1/verifications", json=body, headers=key), 422, "nonce_unknown")
    assert terminal.get(f"/v1/verifications/{first.json()['id']}").json()["decision"] == "PASS", "as it was decided"


@pytest.mark.parametrize("done", [True, False], ids=["done before", "refused before"])
def test_a_late_copy_of_a_find_brings_no_lost_card_back_however_late_it_is(
    service: Service, authority: TestClient, terminal: TestClient, done: bool
) -> None:
    """The promise of `test_refusals`, after years."""
    card_id, card = register(authority)
    path, key = f"/v1/cards/{card_id}/events", fresh_key()
    if done:
        report(authority, card_id, "reported_lost")
    first = authority.post(path, json={"event": "found"}, headers=key)
    assert first.status_code == (201 if done else 409)
    report(authority, card_id, "reported_lost")
    age(service, authority, 3650)
    Forgetter(service.database, 1).round()
    late = authority.post(path, json={"event": "found"}, headers=key)
    assert (late.status_code, late.json().get("id")) == (first.status_code, first.json().get("id"))
    assert verify(terminal, card)["document"]["status"] == "card_reported_lost"


def test_a_registration_sent_again_after_years_is_done_once(service: Service, authority: TestClient) -> None:
    body, key = registration(new_card()), fresh_key()
    first = authority.post("/v1/cards", json=body, headers=key).json()
    age(service, authority, 3650)
    Forgetter(service.database, 1).round()
    assert authority.post("/v1/cards", json=body, headers=key).json()["id"] == first["id"]


# Routes whose answers are forgotten, each argued in docs/settings.md: a copy that comes later does no harm.
PASSING = {
    ("POST", "/v1/verifications"),
    ("POST", "/v1/checks"),
    ("POST", "/v1/alerts/{alert_id}/close"),
    ("POST", "/v1/impostors/{impostor_id}/approve"),
    ("POST", "/v1/impostors/{impostor_id}/refuse"),
    ("POST", "/v1/impostors/{impostor_id}/remove"),
    ("POST", "/v1/impostors/{impostor_id}/review"),
    ("POST", "/v1/duplicates/{duplicate_id}/decide"),
    ("POST", "/v1/transactions"),
    ("POST", "/v1/transactions/batch"),
    ("POST", "/v1/overrides/{override_id}/approve"),
    ("POST", "/v1/overrides/{override_id}/refuse"),
    ("POST", "/v1/disputes/{dispute_id}/resolve"),
    ("POST", "/v1/holds/{hold_id}/lift"),
    ("DELETE", "/v1/feed/webhooks/{webhook_id}"),
    ("DELETE", "/v1/principals/{principal_id}"),
    ("DELETE", "/v1/principals/{principal_id}/keys/{key_id}"),
}


def test_no_other_route_answers_so_that_its_answer_is_forgotten(app: FastAPI) -> None:
    """A new one that makes something answers 201, or its late copies would do it again."""
    found = set()
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                keyed = any(one.alias == "idempotency-key" for one in _headers(route))
                if keyed and (route.status_code or 200) != 201:
                    found |= {(method, route.path) for method in route.methods or ()}
    assert found == PASSING


def _headers(route: APIRoute) -> list[Any]:
    def all_of(dependant: Any) -> list[Any]:
        return [*dependant.header_params, *(one for inner in dependant.dependencies for one in all_of(inner))]

    return all_of(route.dependant)


def answers(service: Service, terminal: TestClient, card: Json, count: int) -> None:
    for _ in range(count):
        body: Json = {"number": card["number"], "purpose": "test"}
        assert terminal.post("/v1/checks", json=body).status_code == 200


def test_it_goes_batch_after_batch(service: Service, new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = new_client(Role.TERMINAL)
    answers(service, terminal, new_card(), 5)
    new_nonce(terminal)
    holder = age(service, terminal)
    monkeypatch.setattr(forgetting, "ROWS", 2)
    with service.database.begin() as connection:
        assert forget(connection, DAYS) == 2
    assert len(kept(service, holder)) == 3
    assert Forgetter(service.database, DAYS).round() == 3
    assert kept(service, holder) == []


def test_one_replica_deletes_at_a_time(service: Service, new_client: NewClient) -> None:
    terminal = new_client(Role.TERMINAL)
    answers(service, terminal, new_card(), 1)
    holder = age(service, terminal)
    with service.database.begin() as other:
        assert other.execute(forgetting._ALONE).scalar_one()
        assert Forgetter(service.database, DAYS).round() == 0
    assert len(kept(service, holder)) == 1
    assert Forgetter(service.database, DAYS).round() == 1


def test_rows_that_somebody_holds_are_passed_over(service: Service, new_client: NewClient) -> None:
    terminal = new_client(Role.TERMINAL)
    answers(service, terminal, new_card(), 2)
    holder = age(service, terminal)
    mine = select(idempotency).where(idempotency.c.principal_id == holder).limit(1)
    with service.database.begin() as other:
        other.execute(mine.with_for_update())
        assert Forgetter(service.database, DAYS).round() == 1
    assert len(kept(service, holder)) == 1
    Forgetter(service.database, DAYS).round()


def test_old_answers_are_found_by_their_index(service: Service) -> None:
    """However many there are that are not old."""
    statement = str(forgetting._ANSWERS).replace(":days", "7").replace(":rows", "1000")
    with service.database.begin() as connection:
        # A handful of rows is sorted as soon as read in order; what is asked is whether the index could give the order.
        for way in ("seqscan", "bitmapscan", "sort"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        plan = "\n".join(connection.execute(text(f"EXPLAIN {statement}")).scalars())
    assert "ix_idempotency_passing" in plan
    assert "Tid Scan" in plan
    assert "Sort" not in plan


def test_it_runs_with_the_service_and_outlives_errors(
    service: Service, new_client: NewClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service.forgetter.start()
    assert service.forgetter._thread is not None
    assert service.forgetter._thread.is_alive()
    service.forgetter.stop()
    terminal = new_client(Role.TERMINAL)
    answers(service, terminal, new_card(), 1)
    holder = age(service, terminal)
    monkeypatch.setattr(forgetting, "ROUND_S", 0.01)
    real, calls = forgetting.forget, 0

    def failing(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("somebody's data")
        return real(*arguments)

    monkeypatch.setattr(forgetting, "forget", failing)
    forgetter = Forgetter(service.database, DAYS)
    forgetter.start()
    forgetter.start()
    try:
        deadline = time.monotonic() + 60
        while kept(service, holder) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        forgetter.stop()
    forgetter.stop()
    assert kept(service, holder) == []
    assert "RuntimeError" in caplog.text
    assert "somebody's data" not in caplog.text
