"""A refusal is kept under the request's key: no copy of the request is done after it, however late it comes."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.cards import refusals
from api.service import Service
from api.storage.tables import card_events
from tests.api.bodies import Json, fresh_key, new_card, register, registration, report, verify
from tests.api.http.answers import assert_error


def post(client: TestClient, path: str, body: Json, key: dict[str, str]) -> Any:
    return client.post(path, json=body, headers=key)


def events(service: Service, card_id: str) -> int:
    with service.database.begin() as connection:
        count: int = connection.execute(select(func.count()).where(card_events.c.card_id == card_id)).scalar_one()
    return count


def test_a_late_copy_of_a_refused_find_brings_no_lost_card_back(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    card_id, card = register(authority)
    path, key = f"/v1/cards/{card_id}/events", fresh_key()
    assert_error(post(authority, path, {"event": "found"}, key), 409, "event_not_possible")
    report(authority, card_id, "reported_lost")
    again = assert_error(post(authority, path, {"event": "found"}, key), 409, "event_not_possible")
    assert again["message"]["zh"]
    assert verify(terminal, card)["document"]["status"] == "card_reported_lost"
    assert events(service, card_id) == 2
    # A new request is one that somebody makes now.
    assert post(authority, path, {"event": "found"}, fresh_key()).status_code == 201
    assert verify(terminal, card)["decision"] == "PASS"


def test_a_refused_registration_stays_refused(authority: TestClient) -> None:
    _, card = register(authority)
    body, key = registration(card, face="person:b"), fresh_key()
    for _ in range(2):
        assert_error(post(authority, "/v1/cards", body, key), 409, "card_exists")


def test_what_was_refused_with_details_is_refused_with_them(authority: TestClient) -> None:
    nobodys = "00000000-0000-4000-8000-000000000000"
    body = registration(new_card()) | {"supersedes": {"card_id": nobodys, "event": "reissued"}}
    key = fresh_key()
    first, second = (assert_error(post(authority, "/v1/cards", body, key), 404, "card_unknown") for _ in range(2))
    assert first["details"] == second["details"] == [{"field": "supersedes.card_id", "code": "card_unknown"}]


def test_a_refusals_key_serves_no_other_request(authority: TestClient) -> None:
    card_id, _ = register(authority)
    path, key = f"/v1/cards/{card_id}/events", fresh_key()
    assert_error(post(authority, path, {"event": "found"}, key), 409, "event_not_possible")
    assert_error(post(authority, path, {"event": "reported_lost"}, key), 409, "idempotency_key_reused")


def test_a_request_of_the_wrong_form_may_be_mended_and_sent_again(authority: TestClient) -> None:
    key = fresh_key()
    body = registration(new_card(), face="no_face")
    assert_error(post(authority, "/v1/cards", body, key), 422, "enrolment_failed")
    assert post(authority, "/v1/cards", body | {"captures": registration(new_card())["captures"]}, key).is_success


def test_a_copy_that_was_done_before_the_refusal_was_kept_is_the_answer_to_both(
    authority: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, _ = register(authority)
    path, key = f"/v1/cards/{card_id}/events", fresh_key()
    copies: list[Any] = []
    told = refusals._told

    def meanwhile(error: Exception) -> tuple[str, list[dict[str, str]]]:
        """The first copy was rolled back and its refusal is not kept yet."""
        monkeypatch.setattr(refusals, "_told", told)
        beside = TestClient(app, headers=dict(authority.headers))
        report(beside, card_id, "reported_lost")
        copies.append(post(beside, path, {"event": "found"}, key))
        return told(error)

    monkeypatch.setattr(refusals, "_told", meanwhile)
    copies.append(post(authority, path, {"event": "found"}, key))
    assert [copy.status_code for copy in copies] == [201, 201]
    assert copies[0].json()["id"] == copies[1].json()["id"]
