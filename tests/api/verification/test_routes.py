"""Verifications over HTTP, from a request to an answer, with scripted comparisons."""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from api.cards.parameters import TIMEZONE
from api.cards.text_block import CardText, build
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import verifications
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, report, verify
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.http.answers import assert_error


def utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def codes(answer: Json) -> list[str]:
    return [reason["code"] for reason in answer["words"]["reasons"]]


def test_the_holder_of_a_valid_card_passes(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, right_index="person:a")
    answer = verify(terminal, card, fingers={"right_index": "person:a"})
    assert answer["decision"] == "PASS"
    assert answer["document"] == {"status": "valid", "reasons": ["valid"]}
    assert answer["person"]["reasons"] == ["match"]
    assert answer["person"]["fmr"] == 1e-6
    assert answer["person"]["consistency"] == 0.9
    assert [result["status"] for result in answer["person"]["modalities"]] == ["assessed", "assessed"]
    assert answer["person"]["modalities"][1]["position"] == "right_index"
    assert [reason["zh"] for reason in answer["words"]["reasons"]] == ["证件有效。", "人证一致。"]
    assert answer["words"]["advice"]["code"] == "proceed"
    assert answer["policy_version"].startswith("2026-11-5+")
    now = datetime.now(UTC)
    assert now - timedelta(minutes=1) < datetime.fromisoformat(answer["decided_at"]) <= now + timedelta(seconds=1)


def test_a_card_without_fingers_passes_by_face(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    answer = verify(terminal, card)
    assert answer["decision"] == "PASS"
    assert {"modality": "finger", "status": "not_assessed", "reason": "not_enrolled"}.items() <= answer["person"][
        "modalities"
    ][1].items()


def test_somebody_else_is_refused_and_may_dispute(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    answer = verify(terminal, card, face="person:b")
    assert answer["decision"] == "REFUSE"
    assert answer["document"]["status"] == "valid", "the card's axis knows nothing of the person"
    assert answer["person"]["reasons"] == ["mismatch"]
    assert answer["words"]["advice"]["code"] == "dispute_possible"


def test_an_unsure_match_goes_to_a_person(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    answer = verify(terminal, card, face="maybe:a")
    assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["inconclusive"])


def test_no_face_is_reviewed_with_the_reason(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    answer = verify(terminal, card, face="no_face")
    assert answer["decision"] == "REVIEW"
    assert answer["person"]["reasons"] == ["not_assessed", "no_face"]
    assert answer["person"]["consistency"] is None
    assert answer["person"]["llr"] is None
    assert answer["person"]["fmr"] is None
    assert "请正对摄像头" in answer["words"]["reasons"][2]["zh"]
    assert answer["words"]["advice"]["code"] == "recapture"


def test_fingers_alone_do_not_pass_where_the_face_is_required(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, right_index="person:a")
    answer = verify(terminal, card, face=None, fingers={"right_index": "person:a"})
    assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["match", "not_captured"])


@pytest.mark.parametrize(
    ("event", "status", "words"),
    [
        ("reported_lost", "card_reported_lost", "证件已挂失。"),
        ("reported_stolen", "card_reported_stolen", "证件已挂失。"),
        ("reissued", "card_reissued", "证件已失效。"),
        ("cancelled", "card_cancelled", "证件已失效。"),
        ("holder_deceased", "holder_deceased", "证件已失效。"),
    ],
)
def test_a_card_that_was_reported_is_refused_at_once(
    authority: TestClient, terminal: TestClient, event: str, status: str, words: str
) -> None:
    card_id, card = register(authority)
    assert verify(terminal, card)["decision"] == "PASS"
    reported = report(authority, card_id, event)
    answer = verify(terminal, card)
    assert answer["decision"] == "REFUSE"
    assert answer["document"] == {"status": status, "reasons": [status], "since": utc(reported["recorded_at"])}
    assert answer["person"]["reasons"] == ["match"], "the two axes stay separate"
    assert answer["words"]["reasons"][0]["zh"] == words


def test_the_holder_of_a_lost_card_is_told_otherwise_than_a_stranger(
    authority: TestClient, terminal: TestClient
) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    assert verify(terminal, card)["words"]["advice"]["code"] == "holder_get_new_card"
    assert verify(terminal, card, face="person:b")["words"]["advice"]["code"] == "suspected_fraud"


def test_the_old_card_fails_and_the_new_card_passes_under_the_same_number(
    authority: TestClient, terminal: TestClient
) -> None:
    old_id, old = register(authority)
    new_id, new = register(authority, {**old, "valid_from": "2026-03-01", "valid_to": "长期"})
    report(authority, old_id, "reissued", superseded_by=new_id)
    assert codes(verify(terminal, old))[0] == "card_reissued"
    assert verify(terminal, new)["decision"] == "PASS"


def test_a_found_card_passes_again_unless_a_new_one_was_issued(authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    report(authority, card_id, "found")
    assert verify(terminal, card)["decision"] == "PASS"


def test_an_unknown_card_is_reviewed_by_its_chip_photograph(terminal: TestClient) -> None:
    answer = verify(terminal, new_card(), chip_photo="person:a")
    assert answer["decision"] == "REVIEW"
    assert answer["document"]["status"] == "card_not_found"
    assert answer["person"]["reasons"] == ["match"], "the live face was compared with the chip's photograph"
    assert verify(terminal, new_card(), chip_photo="person:b")["person"]["reasons"] == ["mismatch"]
    assert verify(terminal, new_card())["decision"] == "REVIEW"


def day(offset: int) -> str:
    return (datetime.now(TIMEZONE).date() + timedelta(days=offset)).isoformat()


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "status", "decision"),
    [
        (-10, 0, "valid", "PASS"),
        (-10, -1, "card_expired", "REFUSE"),
        (0, 10, "valid", "PASS"),
        (1, 10, "not_yet_valid", "REFUSE"),
    ],
)
def test_both_days_are_inclusive(
    authority: TestClient, terminal: TestClient, valid_from: int, valid_to: int, status: str, decision: str
) -> None:
    """Midnight in Shanghai may fall into the test: then the days are read anew."""
    while True:
        today = day(0)
        _, card = register(authority, new_card(valid_from=day(valid_from), valid_to=day(valid_to)))
        answer = verify(terminal, card)
        if today == day(0):
            break
    assert (answer["document"]["status"], answer["decision"]) == (status, decision)


def chip(card: Json, name: str) -> str:
    text = CardText(
        name,
        "1",
        "01",
        "19491231",
        "北京市朝阳区",
        card["number"],
        card["issuer"],
        datetime.fromisoformat(card["valid_from"]).date(),
        datetime.fromisoformat(card["valid_to"]).date(),
    )
    return base64.b64encode(build(text)).decode()


def test_what_the_chip_says_is_compared_with_the_register(authority: TestClient, terminal: TestClient) -> None:
    card = new_card(serial="0011223344556677")
    card["text"] = chip(card, "王伟")
    register(authority, card)
    assert verify(terminal, card, chip_photo="person:a")["decision"] == "PASS"
    forged = {**card, "text": chip(card, "王玮"), "serial": "0011223344556678"}
    answer = verify(terminal, forged, chip_photo="person:b")
    assert answer["decision"] == "REVIEW"
    assert answer["document"]["reasons"] == ["serial_mismatch", "text_mismatch", "chip_photo_mismatch"]
    assert answer["document"]["chip_photo"]["fmr"] == 0.5


def test_a_kiosk_does_not_pass_without_liveness(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    answer = verify(terminal, card, channel="kiosk")
    assert answer["decision"] == "REVIEW"
    assert answer["person"]["reasons"] == ["match", "liveness_not_assessed"]
    assert answer["words"]["advice"]["code"] == "ask_staff", "another way out: a person"


def test_a_decision_is_read_again_by_whoever_may_see_it(authority: TestClient, new_client: NewClient) -> None:
    _, card = register(authority)
    bank = secrets.token_hex(8)
    terminal, colleague, stranger = new_client(institution=bank), new_client(institution=bank), new_client()
    answer = verify(terminal, card)
    place = f"/v1/verifications/{answer['id']}"
    assert terminal.get(place).json() == answer
    for role in (Role.OPERATOR, Role.SUPERVISOR):
        assert new_client(role, institution=bank).get(place).json() == answer
        assert_error(new_client(role).get(place), 404, "not_found")
    refused = [one.get(place) for one in (colleague, stranger)]
    unknown = terminal.get(f"/v1/verifications/{uuid4()}")
    for one in refused:
        assert_error(one, 404, "not_found")
        assert {**unknown.json(), "request_id": ""} == {**one.json(), "request_id": ""}, "nobody learns what exists"
    assert_error(authority.get(place), 403, "role_not_allowed")


@pytest.mark.parametrize("bound", ["counter", "kiosk"])
def test_a_terminal_serves_the_channel_it_is_bound_to(service: Service, app: FastAPI, bound: str) -> None:
    """What a kiosk says of itself does not spare it the liveness."""
    key = new_key(service.database, service.keys, Role.TERMINAL, channel=bound)
    terminal = TestClient(app, headers={"Authorization": f"Bearer {key}"})
    for channel in ("counter", "kiosk"):
        answer = terminal.post(
            "/v1/verifications", json=fresh(terminal, new_card(), channel=channel), headers=fresh_key()
        )
        if channel == bound:
            assert answer.status_code == 200
        else:
            assert_error(answer, 403, "channel_not_allowed")


def test_the_evidence_names_key_and_operator(
    authority: TestClient, terminal: TestClient, new_client: NewClient, service: Service
) -> None:
    bank = secrets.token_hex(8)
    counter, operator = new_client(institution=bank), new_client(Role.OPERATOR, institution=bank)
    attended = {"Operator-Key": operator.headers["Authorization"].removeprefix("Bearer ")}
    card = new_card()
    answers = [
        counter.post("/v1/verifications", json=fresh(counter, card), headers=fresh_key() | extra).json()
        for extra in (attended, {})
    ]
    leaves = [json.loads(answer["receipt"]["leaf"]) for answer in answers]
    assert leaves[0]["key"] == leaves[1]["key"] != leaves[0]["terminal"]
    assert leaves[1]["operator"] is leaves[1]["operator_key"] is None
    assert leaves[0]["operator_key"] == operator.get("/v1/me").json()["key"]["id"]
    with service.database.begin() as connection:
        rows = {
            str(row.id): row.operator_id
            for row in connection.execute(
                select(verifications.c.id, verifications.c.operator_id).where(
                    verifications.c.id.in_([UUID(answer["id"]) for answer in answers])
                )
            )
        }
    assert str(rows[answers[0]["id"]]) == leaves[0]["operator"] == operator.get("/v1/me").json()["id"]
    assert rows[answers[1]["id"]] is None


def test_an_image_that_is_none_stops_the_verification(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    body = fresh(terminal, card, fingers={"right_index": "image_truncated"})
    answer = terminal.post("/v1/verifications", json=body, headers=fresh_key())
    assert (answer.status_code, answer.json()["code"]) == (422, "image_truncated")
    assert answer.json()["details"] == [{"field": "right_index", "code": "image_truncated"}]


def test_lower_case_x_and_padding_are_the_same_card(authority: TestClient, terminal: TestClient) -> None:
    card = next(card for card in iter(new_card, None) if card["number"].endswith("X"))
    register(authority, card)
    written = {
        **card,
        "type": "resident",
        "number": card["number"].lower(),
        "issuer": card["issuer"] + "\u3000 ",
        "valid_from": "20160301",
    }
    assert verify(terminal, written)["decision"] == "PASS"


def test_every_reason_is_put_into_words(authority: TestClient, terminal: TestClient) -> None:
    """Every reason that stands in an answer is there in words, and no figure is in the words."""
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    answer = verify(terminal, card, face="low_quality", channel="kiosk")
    assert codes(answer) == [*answer["document"]["reasons"], *answer["person"]["reasons"]]
    for text in (*answer["words"]["reasons"], answer["words"]["advice"]["message"]):
        assert text["zh"]
        assert text["en"]
        assert not any(character.isdigit() for character in text["zh"] + text["en"])
