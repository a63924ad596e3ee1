"""The way without a face: fingers decide, or a member of staff; it is no refusal, no attempt and nothing suspicious."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.cards.parameters import TIMEZONE
from api.evidence import fsck
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import card_events, verifications
from tests.api.bodies import encoded, fresh, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error
from tests.api.verification.guessers import MOST, is_withheld, watchful


def declined(terminal: TestClient, card: dict[str, Any], **changes: Any) -> Any:
    """The answer to a check without a face; `fingers` as a dict."""
    body = fresh(terminal, card, face=None, **changes)
    body["captures"]["face_declined"] = True
    return terminal.post("/v1/verifications", json=body, headers=fresh_key())


@pytest.fixture
def card(authority: TestClient) -> dict[str, Any]:
    """Of somebody who gave a face and a finger."""
    return register(authority, right_index="person:a")[1]


def test_fingers_pass_the_holder_at_a_counter(terminal: TestClient, card: dict[str, Any], service: Service) -> None:
    told = declined(terminal, card, fingers={"right_index": "person:a"}, basis="separate_consent").json()
    assert told["decision"] == "PASS"
    assert told["person"]["reasons"] == ["match", "face_declined"]
    assert told["consent"] == {"basis": "separate_consent", "face_declined": True}
    assert json.loads(told["receipt"]["leaf"])["consent"] == told["consent"]
    with service.database.begin() as connection:
        row = connection.execute(select(verifications).where(verifications.c.id == UUID(told["id"]))).one()
        assert (row.basis, row.face_declined, row.face_capture) == ("separate_consent", True, None)
        assert [one for one in fsck.check(connection, service.keys).findings if told["id"] in one] == []


def test_another_persons_finger_is_refused_as_ever(terminal: TestClient, card: dict[str, Any]) -> None:
    told = declined(terminal, card, fingers={"right_index": "person:b"}).json()
    assert (told["decision"], told["person"]["reasons"]) == ("REFUSE", ["mismatch", "face_declined"])


def test_without_fingers_a_member_of_staff_looks_and_no_attempt_is_counted(
    terminal: TestClient, card: dict[str, Any], authority: TestClient
) -> None:
    for _ in range(4):
        told = declined(terminal, card).json()
        assert told["decision"] == "REVIEW"
        assert "attempts_exceeded" not in told["person"]["reasons"]
    assert told["person"]["reasons"][-1] == "face_declined"
    assert told["words"]["advice"]["code"] == "without_face"
    words = {one["code"]: one["zh"] for one in told["words"]["reasons"]}
    assert words["face_declined"] == "您选择不使用人脸。"
    assert verify(terminal, card)["decision"] == "PASS", "the face may still be given"
    bare = register(authority)[1]
    told = declined(terminal, bare, fingers={"right_index": "person:a"}).json()
    assert (told["decision"], told["words"]["advice"]["code"]) == ("REVIEW", "without_face"), "it holds no finger"


def test_a_bad_card_is_refused_whatever_is_declined(terminal: TestClient, authority: TestClient) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    told = declined(terminal, card).json()
    assert (told["decision"], told["words"]["advice"]["code"]) == ("REFUSE", "see_police")


def test_where_a_face_and_fingers_are_asked_for_fingers_alone_are_less(
    service: Service, new_client: NewClient, authority: TestClient, card: dict[str, Any]
) -> None:
    rules = service.policy.channels["counter"].model_copy(update={"required": frozenset({"face", "finger"})})
    strict = service.policy.model_copy(update={"channels": {**service.policy.channels, "counter": rules}})
    terminal = new_client(service=replace(service, policy=strict))
    assert verify(terminal, card, fingers={"right_index": "person:a"})["decision"] == "PASS", "both"
    told = declined(terminal, card, fingers={"right_index": "person:a"}).json()
    assert (told["decision"], told["words"]["advice"]["code"]) == ("REVIEW", "without_face")
    assert told["person"]["reasons"] == ["match", "not_captured", "face_declined"]
    told = declined(terminal, card, fingers={"right_index": "low_quality"}).json()
    assert (told["decision"], told["words"]["advice"]["code"]) == ("REVIEW", "without_face"), "no better one would do"


def test_fingers_that_cannot_be_read_are_attempts(terminal: TestClient, card: dict[str, Any], service: Service) -> None:
    for _ in range(service.policy.channels["counter"].max_attempts):
        told = declined(terminal, card, fingers={"right_index": "low_quality"}).json()
        assert (told["decision"], told["person"]["reasons"][0]) == ("REVIEW", "not_assessed")
    told = declined(terminal, card, fingers={"right_index": "person:a"}).json()
    assert (told["decision"], told["person"]["reasons"]) == ("REVIEW", ["match", "attempts_exceeded", "face_declined"])


def test_guessing_with_fingers_locks_the_number(service: Service, new_client: NewClient, authority: TestClient) -> None:
    _, card = register(authority, right_index="person:a")
    here = watchful(service)
    for _ in range(MOST):
        told = declined(new_client(service=here), card, fingers={"right_index": "person:b"}).json()
        assert told["decision"] == "REFUSE"
    told = declined(new_client(service=here), card, fingers={"right_index": "person:a"}).json()
    assert (told["decision"], is_withheld(told)) == ("REVIEW", True)


def test_a_kiosk_sends_to_a_member_of_staff(terminal: TestClient, card: dict[str, Any]) -> None:
    told = declined(terminal, card, fingers={"right_index": "person:a"}, channel="kiosk").json()
    assert told["decision"] == "REVIEW", "nobody was seen to be alive"
    assert told["person"]["reasons"] == ["match", "liveness_not_assessed", "face_declined"]
    assert told["words"]["advice"]["code"] == "without_face"


@pytest.mark.parametrize("sent", ["face", "chip_photo", "burst"])
def test_declined_and_sent_all_the_same(terminal: TestClient, card: dict[str, Any], sent: str) -> None:
    body = fresh(terminal, card, face=None)
    image = encoded("person:a")
    frames = {"frames": [{"at_ms": at, "image": image} for at in (0, 250)]}
    body["captures"] |= {"face_declined": True, sent: {"face": {"image": image}, "burst": frames}.get(sent, image)}
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
    assert_error(answer, 422, "face_declined_and_sent")


def test_nothing_at_all_is_still_no_check(terminal: TestClient, card: dict[str, Any]) -> None:
    answer = terminal.post("/v1/verifications", json=fresh(terminal, card, face=None), headers=fresh_key())
    assert_error(answer, 422, "capture_missing")


def test_it_is_counted_apart_and_as_no_failure(service: Service, new_client: NewClient, authority: TestClient) -> None:
    house = f"without a face {fresh_key()['Idempotency-Key']}"
    terminal, supervisor = new_client(Role.TERMINAL, house), new_client(Role.SUPERVISOR, house)
    card = register(authority, right_index="person:a")[1]
    at = datetime.fromisoformat(declined(terminal, card).json()["decided_at"])
    verify(terminal, card)
    month = at.astimezone(TIMEZONE).strftime("%Y-%m")
    (answer,) = supervisor.get(f"/v1/scorecards?month={month}&by=institution").json()["items"]
    counted = {one["figure"]: one["count"] for one in answer["figures"]}
    assert (counted["checks"], counted["checks.face_declined"], counted["captures.face"]) == (2, 1, 1)
    named = supervisor.get(f"/v1/scorecards/evidence?month={month}&figure=checks.face_declined").json()["items"]
    assert len(named) == 1


def test_the_ground_of_an_enrolment_stands_in_its_leaf(service: Service, authority: TestClient) -> None:
    card = new_card()
    body = {**registration(card, face=None, right_index="person:a"), "basis": "statutory_duty"}
    made = authority.post("/v1/cards", json=body, headers=fresh_key())
    assert made.status_code == 201, made.text
    assert json.loads(made.json()["receipt"]["leaf"])["basis"] == "statutory_duty"
    face = {"face": {"image": encoded("person:a")}, "basis": "separate_consent"}
    added = authority.post(f"/v1/cards/{made.json()['id']}/face", json=face, headers=fresh_key())
    assert json.loads(added.json()["receipt"]["leaf"])["basis"] == "separate_consent"
    with service.database.begin() as connection:
        found = select(card_events.c.basis).where(card_events.c.card_id == UUID(made.json()["id"]))
        stated = connection.execute(found.order_by(card_events.c.recorded_at)).scalars().all()
        assert stated == ["statutory_duty", "separate_consent"]
        assert [one for one in fsck.check(connection, service.keys).findings if made.json()["id"] in one] == []
    assert_error(
        authority.post("/v1/cards", json={**body, "basis": "whim"}, headers=fresh_key()), 422, "request_invalid"
    )
