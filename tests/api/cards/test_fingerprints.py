"""Fingers added to a registered card."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import card_events, templates
from tests.api.bodies import Json, encoded, fresh_key, register, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


def fingers(**shown: str) -> Json:
    return {"fingers": [{"position": position, "image": encoded(word)} for position, word in shown.items()]}


def place(card_id: object) -> str:
    return f"/v1/cards/{card_id}/fingerprints"


def held(service: Service, card_id: str) -> set[str]:
    with service.database.begin() as connection:
        found = select(templates.c.position).where(templates.c.card_id == UUID(card_id))
        return {position for position in connection.execute(found).scalars() if position is not None}


def test_fingers_are_added_and_count_from_then_on(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    card_id, card = register(authority, right_index="person:a")
    answer = authority.post(place(card_id), json=fingers(left_index="person:a", left_thumb="person:a"))
    assert answer.status_code == 201, answer.text
    added = answer.json()
    assert (added["card_id"], added["event"], added["status"]) == (card_id, "fingerprints_added", "valid")
    assert [(one["modality"], one["position"]) for one in added["enrolled"]] == [
        ("finger", "left_index"),
        ("finger", "left_thumb"),
    ]
    assert held(service, card_id) == {"right_index", "left_index", "left_thumb"}
    found = verify(terminal, card, fingers={"left_thumb": "person:a"})["person"]["modalities"][1]
    assert (found["position"], found["status"]) == ("left_thumb", "assessed")
    read = authority.get(f"/v1/cards/{card_id}").json()
    assert [event["event"] for event in read["events"]] == ["registered", "fingerprints_added"]
    assert read["events"][1]["id"] == added["id"]


def test_it_has_its_leaf(authority: TestClient) -> None:
    card_id, card = register(authority)
    answer = authority.post(place(card_id), json=fingers(left_index="person:a"))
    leaf = json.loads(answer.json()["receipt"]["leaf"])
    assert (leaf["kind"], leaf["event"], leaf["card_id"]) == ("card_event", "fingerprints_added", card_id)
    assert card["number"] not in answer.text


def test_the_same_request_adds_once(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority)
    key, body = fresh_key(), fingers(left_index="person:a")
    first = authority.post(place(card_id), json=body, headers=key)
    assert authority.post(place(card_id), json=body, headers=key).json() == first.json()
    other = fingers(left_thumb="person:a")
    assert_error(authority.post(place(card_id), json=other, headers=key), 409, "idempotency_key_reused")
    assert held(service, card_id) == {"left_index"}


def test_a_finger_that_the_card_holds_is_not_replaced(authority: TestClient, service: Service) -> None:
    """Else whoever holds the authority's key could put another's finger in its place, and nothing would tell."""
    card_id, _ = register(authority, right_index="person:a")
    answer = authority.post(place(card_id), json=fingers(right_index="person:b", left_index="person:b"))
    assert_error(answer, 409, "finger_enrolled")
    assert answer.json()["details"] == [{"field": "right_index", "code": "finger_enrolled"}]
    assert held(service, card_id) == {"right_index"}, "all or nothing"


def test_the_rules_of_captures_are_those_of_a_registration(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority)
    bad = authority.post(place(card_id), json=fingers(left_index="person:a", left_thumb="low_quality"))
    assert_error(bad, 422, "enrolment_failed")
    assert bad.json()["details"] == [{"field": "left_thumb", "code": "low_quality"}]
    assert_error(authority.post(place(card_id), json=fingers(left_index="image_truncated")), 422, "image_truncated")
    twice = {"fingers": fingers(left_index="person:a")["fingers"] * 2}
    assert_error(authority.post(place(card_id), json=twice), 422, "finger_duplicate")
    wrong: list[Json] = [
        {"fingers": []},
        {},
        {**fingers(left_index="person:a"), "face": {"image": encoded("person:a")}},
    ]
    for body in wrong:
        assert authority.post(place(card_id), json=body).status_code == 422
    assert_error(authority.post(place(card_id), json=fingers(tail="person:a")), 422, "finger_position_unknown")
    assert held(service, card_id) == set()


@pytest.mark.parametrize("event", ["reported_lost", "cancelled", "reissued", "holder_deceased"])
def test_only_a_good_card_gets_fingers(authority: TestClient, service: Service, event: str) -> None:
    card_id, _ = register(authority)
    report(authority, card_id, event)
    assert_error(authority.post(place(card_id), json=fingers(left_index="person:a")), 409, "card_not_valid")
    assert held(service, card_id) == set()


def test_a_card_that_is_reported_while_its_fingers_are_made_gets_none(
    authority: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, _ = register(authority)
    real = service.comparer.enrol

    def meanwhile(captures: object) -> object:
        monkeypatch.setattr(service.comparer, "enrol", real)
        report(authority, card_id, "reported_lost")
        return real(captures)  # type: ignore[arg-type]

    monkeypatch.setattr(service.comparer, "enrol", meanwhile)
    assert_error(authority.post(place(card_id), json=fingers(left_index="person:a")), 409, "card_not_valid")
    assert held(service, card_id) == set()


def test_others_cards_are_unknown(authority: TestClient, new_client: NewClient, terminal: TestClient) -> None:
    card_id, _ = register(authority)
    body = fingers(left_index="person:a")
    assert_error(new_client(Role.AUTHORITY).post(place(card_id), json=body), 404, "card_unknown")
    assert_error(authority.post(place(uuid4()), json=body), 404, "card_unknown")
    assert_error(terminal.post(place(card_id), json=body), 403, "role_not_allowed")


def test_two_at_once_add_a_finger_once(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority)
    together = threading.Barrier(4)

    def add(_: int) -> int:
        together.wait()
        return authority.post(place(card_id), json=fingers(left_index="person:a")).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [201, 409, 409, 409]
    with service.database.begin() as connection:
        events = select(func.count()).select_from(card_events).where(card_events.c.card_id == UUID(card_id))
        assert connection.execute(events).scalar_one() == 2
