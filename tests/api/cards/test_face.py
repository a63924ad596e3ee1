"""A first face for a card that was registered without one."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.cards.bulk import importing
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import templates
from tests.api.bodies import Json, encoded, fresh_key, new_card, register, report, verify
from tests.api.books import findings
from tests.api.clients import KeyedClient
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.http.answers import assert_error


def face(word: str = "person:a", *more: str) -> Json:
    body: Json = {"face": {"image": encoded(word)}}
    return body | ({"more_faces": [{"image": encoded(one)} for one in more]} if more else {})


def place(card_id: object) -> str:
    return f"/v1/cards/{card_id}/face"


def faceless(authority: TestClient) -> tuple[str, Json]:
    return register(authority, face=None, right_index="person:a")


def held(service: Service, card_id: str) -> list[str]:
    with service.database.begin() as connection:
        found = select(templates.c.modality).where(templates.c.card_id == UUID(card_id))
        return sorted(connection.execute(found).scalars())


def test_a_card_of_a_file_gets_its_face_and_its_holder_passes(
    service: Service, app: object, terminal: TestClient, tmp_path: Path
) -> None:
    """From a row to a PASS, with the evidence sound."""
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
    assert caller is not None
    card = new_card()
    file = tmp_path / "cards.jsonl"
    file.write_text(json.dumps(card), encoding="utf-8")
    importing.load(service.database, service.keys, caller, file, lambda *_: None)
    assert verify(terminal, card)["person"]["reasons"] == ["not_assessed", "not_enrolled"]
    authority = KeyedClient(app, headers={"Authorization": f"Bearer {key}"})  # type: ignore[arg-type]
    (found,) = authority.post("/v1/cards/search", json={"number": card["number"]}).json()["items"]
    answer = authority.post(place(found["id"]), json=face("person:a", "person:a"))
    assert answer.status_code == 201, answer.text
    added = answer.json()
    assert (added["card_id"], added["event"], added["status"]) == (found["id"], "face_added", "valid")
    assert [(one["modality"], one["position"]) for one in added["enrolled"]] == [("face", None)]
    leaf = json.loads(added["receipt"]["leaf"])
    assert (leaf["kind"], leaf["event"], leaf["card_id"]) == ("card_event", "face_added", found["id"])
    assert verify(terminal, card, face="person:a")["decision"] == "PASS"
    assert verify(terminal, card, face="person:b")["decision"] == "REFUSE"
    read = authority.get(f"/v1/cards/{found['id']}").json()
    assert [event["event"] for event in read["events"]] == ["registered", "face_added"]
    assert findings(service) == []


def test_the_same_request_adds_once(authority: TestClient, service: Service) -> None:
    card_id, _ = faceless(authority)
    key = fresh_key()
    first = authority.post(place(card_id), json=face(), headers=key)
    assert first.status_code == 201, first.text
    assert authority.post(place(card_id), json=face(), headers=key).json() == first.json()
    assert_error(authority.post(place(card_id), json=face("person:b"), headers=key), 409, "idempotency_key_reused")
    assert held(service, card_id) == ["face", "finger"]


def test_a_face_that_is_there_is_not_replaced(authority: TestClient, terminal: TestClient, service: Service) -> None:
    """Else whoever holds the authority's key could put another person in the holder's place."""
    card_id, card = register(authority)
    assert_error(authority.post(place(card_id), json=face("person:b")), 409, "face_enrolled")
    assert held(service, card_id) == ["face"]
    assert verify(terminal, card, face="person:a")["decision"] == "PASS"


def test_the_rules_of_captures_are_those_of_a_registration(authority: TestClient, service: Service) -> None:
    card_id, _ = faceless(authority)
    assert_error(authority.post(place(card_id), json=face("no_face")), 422, "enrolment_failed")
    assert_error(authority.post(place(card_id), json=face("image_truncated")), 422, "image_truncated")
    fingers = {"fingers": [{"position": "left_index", "image": encoded("person:a")}]}
    for body in ({}, fingers, face() | fingers, face("person:a", *["person:a"] * 5)):
        assert authority.post(place(card_id), json=body).status_code == 422
    assert held(service, card_id) == ["finger"]


@pytest.mark.parametrize("event", ["reported_lost", "cancelled", "reissued", "holder_deceased"])
def test_only_a_good_card_gets_a_face(authority: TestClient, service: Service, event: str) -> None:
    card_id, _ = faceless(authority)
    report(authority, card_id, event)
    assert_error(authority.post(place(card_id), json=face()), 409, "card_not_valid")
    assert held(service, card_id) == ["finger"]


def test_a_card_that_is_reported_while_its_face_is_made_gets_none(
    authority: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, _ = faceless(authority)
    real = service.comparer.enrol

    def meanwhile(captures: object) -> object:
        monkeypatch.setattr(service.comparer, "enrol", real)
        report(authority, card_id, "cancelled")
        return real(captures)  # type: ignore[arg-type]

    monkeypatch.setattr(service.comparer, "enrol", meanwhile)
    assert_error(authority.post(place(card_id), json=face()), 409, "card_not_valid")
    assert held(service, card_id) == ["finger"]


def test_others_cards_are_unknown(authority: TestClient, new_client: NewClient, terminal: TestClient) -> None:
    card_id, _ = faceless(authority)
    assert_error(new_client(Role.AUTHORITY).post(place(card_id), json=face()), 404, "card_unknown")
    assert_error(authority.post(place(uuid4()), json=face()), 404, "card_unknown")
    assert_error(terminal.post(place(card_id), json=face()), 403, "role_not_allowed")


def test_of_two_at_once_one_gives_the_face(authority: TestClient, service: Service) -> None:
    card_id, _ = faceless(authority)
    together = threading.Barrier(4)

    def add(_: int) -> int:
        together.wait()
        return authority.post(place(card_id), json=face()).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [201, 409, 409, 409]
    assert held(service, card_id) == ["face", "finger"]


def test_it_is_not_reported_as_an_event(authority: TestClient) -> None:
    card_id, _ = faceless(authority)
    reported = authority.post(f"/v1/cards/{card_id}/events", json={"event": "face_added"})
    assert_error(reported, 422, "event_unknown")
