"""Registering cards and reporting events over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.service import Service
from api.storage.sealing import record_key_of
from api.storage.tables import card_events, cards, templates
from tests.api.bodies import Json, fresh_key, new_card, new_number, register, registration, report, verify


def post(client: TestClient, path: str, body: Json) -> tuple[int, Json]:
    answer = client.post(path, json=body)
    return answer.status_code, answer.json()


def refused(client: TestClient, card_id: object, event: str, **fields: Any) -> tuple[int, str]:
    status, answer = post(client, f"/v1/cards/{card_id}/events", {"event": event, **fields})
    return status, answer["code"]


def test_a_registration_says_what_was_enrolled(authority: TestClient) -> None:
    body = registration(new_card(), right_index="person:a", left_thumb="person:a")
    status, answer = post(authority, "/v1/cards", body)
    assert status == 201
    assert answer["status"] == "valid"
    assert [(one["modality"], one["position"], one["engine"], one["quality"]) for one in answer["enrolled"]] == [
        ("face", None, "scripted-1", 80.0),
        ("finger", "right_index", "scripted-1", 80.0),
        ("finger", "left_thumb", "scripted-1", 80.0),
    ]


def test_fingers_alone_can_be_registered(authority: TestClient) -> None:
    status, answer = post(authority, "/v1/cards", registration(new_card(), face=None, right_index="person:a"))
    assert (status, len(answer["enrolled"])) == (201, 1)


def test_the_same_instance_is_registered_once(authority: TestClient) -> None:
    _, card = register(authority)
    status, answer = post(authority, "/v1/cards", registration(card))
    assert (status, answer["code"]) == (409, "card_exists")


def test_a_person_may_have_several_cards(authority: TestClient) -> None:
    _, card = register(authority)
    assert register(authority, {**card, "valid_from": "2026-03-01"})
    assert register(authority, {**card, "valid_to": "长期"})
    assert register(authority, {**card, "issuer": "北京市公安局海淀分局"})


def test_one_bad_capture_stops_it_all(authority: TestClient, service: Service) -> None:
    card = new_card()
    status, answer = post(authority, "/v1/cards", registration(card, right_index="low_quality", left_index="no_finger"))
    assert (status, answer["code"]) == (422, "enrolment_failed")
    assert answer["details"] == [
        {"field": "right_index", "code": "low_quality"},
        {"field": "left_index", "code": "no_finger"},
    ]
    assert register(authority, card), "nothing of it was stored"


def test_templates_are_sealed_and_named_by_engine(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority, right_index="person:a")
    with service.database.begin() as connection:
        rows = connection.execute(select(templates).where(templates.c.card_id == card_id)).all()
    assert {(row.modality, row.position, row.engine) for row in rows} == {
        ("face", None, "scripted-1"),
        ("finger", "right_index", "scripted-1"),
    }
    for row in rows:
        assert b"person" not in row.template_sealed
        assert record_key_of(row.template_sealed) is not None
    assert len({record_key_of(row.template_sealed) for row in rows}) == 1, "one key for the person"


def test_an_event_is_recorded_with_the_status_it_leads_to(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority)
    answer = report(authority, card_id, "reported_lost")
    assert (answer["card_id"], answer["event"], answer["status"]) == (card_id, "reported_lost", "card_reported_lost")
    with service.database.begin() as connection:
        history = connection.execute(
            select(card_events.c.event, card_events.c.status)
            .where(card_events.c.card_id == card_id)
            .order_by(card_events.c.recorded_at)
        ).all()
        status = connection.execute(select(cards.c.status).where(cards.c.id == card_id)).scalar_one()
    assert [tuple(row) for row in history] == [("registered", "valid"), ("reported_lost", "card_reported_lost")]
    assert status == "card_reported_lost"


def test_a_report_sent_again_is_answered_as_before(authority: TestClient) -> None:
    card_id, _ = register(authority)
    path, key = f"/v1/cards/{card_id}/events", fresh_key()
    first = authority.post(path, json={"event": "reported_lost"}, headers=key)
    assert authority.post(path, json={"event": "reported_lost"}, headers=key).json() == first.json()
    assert post(authority, path, {"event": "found"})[0] == 201


def test_what_the_status_does_not_allow(authority: TestClient) -> None:
    card_id, _ = register(authority)
    assert refused(authority, card_id, "found") == (409, "event_not_possible")
    report(authority, card_id, "cancelled")
    assert refused(authority, card_id, "reported_lost") == (409, "event_not_possible")


def test_a_card_found_after_a_reissue_stays_invalid(authority: TestClient, terminal: TestClient) -> None:
    old_id, old = register(authority)
    report(authority, old_id, "reported_lost")
    new_id, _ = register(authority, {**old, "valid_from": "2026-03-01"})
    report(authority, old_id, "reissued", superseded_by=new_id)
    assert refused(authority, old_id, "found") == (409, "event_not_possible")
    assert verify(terminal, old)["document"]["status"] == "card_reissued"


def test_a_card_found_after_a_new_one_was_issued_stays_invalid(authority: TestClient, terminal: TestClient) -> None:
    """Also where the re-issue was not reported of the old card."""
    old_id, old = register(authority)
    report(authority, old_id, "reported_lost")
    register(authority, {**old, "valid_from": "2026-03-01"})
    assert refused(authority, old_id, "found") == (409, "event_not_possible")
    assert verify(terminal, old)["decision"] == "REFUSE"


def test_an_older_card_is_no_successor(authority: TestClient) -> None:
    _, old = register(authority)
    new_id, _ = register(authority, {**old, "valid_from": "2026-03-01"})
    report(authority, new_id, "reported_lost")
    assert report(authority, new_id, "found")["status"] == "valid"


def test_the_replacement_is_another_card_of_the_same_person(authority: TestClient) -> None:
    card_id, card = register(authority)
    stranger_id, _ = register(authority)
    assert refused(authority, card_id, "reissued", superseded_by=str(uuid4())) == (422, "superseding_card_unknown")
    assert refused(authority, card_id, "reissued", superseded_by=stranger_id) == (422, "superseding_card_invalid")
    assert refused(authority, card_id, "reissued", superseded_by=card_id) == (422, "superseding_card_invalid")
    new_id, _ = register(authority, {**card, "valid_from": "2026-03-01"})
    assert refused(authority, card_id, "cancelled", superseded_by=new_id) == (422, "superseding_card_invalid")
    assert report(authority, card_id, "reissued", superseded_by=new_id)["superseded_by"] == new_id


@pytest.mark.parametrize("event", ["", "registered", "lost", "REPORTED_LOST", None, 1, [], {}])
def test_an_event_that_nobody_can_report(authority: TestClient, event: Any) -> None:
    card_id, _ = register(authority)
    assert refused(authority, card_id, event) == (422, "event_unknown")


def test_an_event_of_no_card(authority: TestClient) -> None:
    assert refused(authority, uuid4(), "reported_lost") == (404, "card_unknown")
    assert refused(authority, "no-uuid", "reported_lost") == (422, "request_invalid")


def test_terminals_may_not_change_the_register(terminal: TestClient, authority: TestClient) -> None:
    card_id, _ = register(authority)
    status, answer = post(terminal, "/v1/cards", registration(new_card(number=new_number())))
    assert (status, answer["code"]) == (403, "role_not_allowed")
    assert refused(terminal, card_id, "reported_lost") == (403, "role_not_allowed")
    assert report(authority, card_id, "reported_lost"), "nothing had happened"
