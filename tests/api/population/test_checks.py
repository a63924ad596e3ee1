"""`POST /v1/checks`: each axis apart, graded by what was asked, with evidence, and no way to guess."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.cards import text_block
from api.cards.text_block import CardText
from api.errors import entry
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import checks
from tests.api.bodies import Json, encoded, fresh_key, new_card, new_number, register, report, verify
from tests.api.books import findings
from tests.api.conftest import NewClient
from tests.api.decoding import DecodingComparer
from tests.api.http.answers import assert_error
from tests.api.pictures import sound

AXES = ("number", "card", "status", "text", "portrait")


def asked(terminal: TestClient, **question: Any) -> Json:
    answer = terminal.post("/v1/checks", json={"purpose": "test", **question}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def axes(answer: Json) -> dict[str, str]:
    return {axis: answer[axis] for axis in AXES if axis in answer}


def with_text(card: Json, **changes: str) -> Json:
    text = CardText(
        "王伟", "1", "01", "19491231", "某地", card["number"], card["issuer"], date(2016, 3, 1), date(2036, 3, 1)
    )
    return {**card, "text": base64.b64encode(text_block.build(replace(text, **changes))).decode()}  # type: ignore[arg-type]


def test_a_number_alone(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    assert axes(asked(terminal, number=card["number"])) == {"number": "consistent"}
    unknown = asked(terminal, number=new_number())
    assert axes(unknown) == {"number": "no_record"}
    assert unknown["words"]["number"]["zh"] == "库无。"


def test_a_card_and_its_status(authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    assert axes(asked(terminal, card=card)) == {"number": "consistent", "card": "consistent", "status": "valid"}
    report(authority, card_id, "reported_lost")
    lost = asked(terminal, card=card)
    assert lost["status"] == "card_reported_lost"
    assert lost["words"]["status"]["zh"] == "证件已挂失。"
    other = {**card, "valid_from": "2015-03-01"}
    assert axes(asked(terminal, card=other)) == {"number": "consistent", "card": "inconsistent"}
    assert axes(asked(terminal, card=new_card())) == {"number": "no_record", "card": "no_record"}


def test_the_chips_text_field_by_field(authority: TestClient, terminal: TestClient) -> None:
    card = new_card()
    register(authority, with_text(card))
    same = asked(terminal, card=with_text(card))
    assert same["text"] == "consistent"
    moved = asked(terminal, card=with_text(card, address="另一地", name="王芳"))
    assert moved["text"] == "inconsistent"
    assert {name for name, finding in moved["text_fields"].items() if finding == "inconsistent"} == {"name", "address"}
    _, bare = register(authority)
    assert asked(terminal, card=with_text(bare))["text"] == "undetermined"
    assert asked(terminal, card=with_text(new_card()))["text"] == "undetermined"


def test_the_portrait(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    found = {
        word: asked(terminal, card=card, portrait=encoded(word))["portrait"]
        for word in ("person:a", "person:b", "no_face")
    }
    assert found == {"person:a": "consistent", "person:b": "inconsistent", "no_face": "undetermined"}
    assert asked(terminal, card=new_card(), portrait=encoded("person:a"))["portrait"] == "undetermined"


def test_a_valid_card_with_another_portrait_leaves_its_holder_something_to_do(
    authority: TestClient, terminal: TestClient
) -> None:
    _, card = register(authority)
    same, other = (asked(terminal, card=card, portrait=encoded(word))["words"] for word in ("person:a", "person:b"))
    assert same["status"] == other["status"]
    assert (same["holder"], other["holder"]) == tuple(
        found.model_dump() for code in ("valid", "chip_photo_mismatch") if (found := entry(code).holder) is not None
    )


def test_a_portrait_that_is_no_picture(service: Service, new_client: NewClient) -> None:
    decoding = replace(service, comparer=DecodingComparer())
    _, card = register(new_client(Role.AUTHORITY, service=decoding), face=sound())
    body = {"purpose": "test", "card": card, "portrait": encoded(b"words")}
    answer = new_client(service=decoding).post("/v1/checks", json=body, headers=fresh_key())
    assert answer.json()["details"] == [{"field": "portrait", "code": answer.json()["code"]}]
    assert answer.status_code == 422


def test_no_figure_leaves_with_a_check(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    told = json.dumps(asked(terminal, card=card, portrait=encoded("person:b")))
    assert not [word for word in ("llr", "fmr", "score", "consistency") if f'"{word}' in told]
    assert card["number"] not in told


def test_guessing_with_portraits_locks_the_number_as_at_the_counter(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    _, card = register(authority)
    limit = service.policy.guessing.max_failures
    for number in range(limit):
        assert asked(terminal, card=card, portrait=encoded(f"person:{number}"))["portrait"] == "inconsistent"
    assert asked(terminal, card=card, portrait=encoded("person:a"))["portrait"] == "undetermined"
    assert "card_locked" in verify(terminal, card)["person"]["reasons"]
    alerts = authority.get("/v1/alerts").json()["items"]
    assert [alert["details"]["failures"] for alert in alerts] == [limit]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"number": new_number(), "card": new_card()},
        {"number": new_number(), "portrait": encoded("person:a")},
    ],
)
def test_a_question_is_one_question(terminal: TestClient, body: Json) -> None:
    answer = terminal.post("/v1/checks", json={"purpose": "test", **body}, headers=fresh_key())
    assert_error(answer, 422, "check_question")


def test_a_check_is_answered_once_and_read_by_who_asked(
    authority: TestClient, terminal: TestClient, new_client: NewClient, service: Service
) -> None:
    _, card = register(authority)
    key, body = fresh_key(), {"purpose": "test", "card": card}
    first = terminal.post("/v1/checks", json=body, headers=key)
    again = terminal.post("/v1/checks", json=body, headers=key)
    assert first.json()["id"] == again.json()["id"]
    with service.database.begin() as connection:
        made = select(func.count()).select_from(checks).where(checks.c.id == first.json()["id"])
        assert connection.execute(made).scalar_one() == 1
    place = f"/v1/checks/{first.json()['id']}"
    assert axes(terminal.get(place).json()) == axes(first.json())
    assert_error(new_client(Role.TERMINAL).get(place), 404, "not_found")


def test_every_check_has_its_leaf(authority: TestClient, terminal: TestClient, service: Service) -> None:
    _, card = register(authority)
    receipt = asked(terminal, card=card, portrait=encoded("person:a"))["receipt"]
    leaf = json.loads(receipt["leaf"])
    assert (leaf["kind"], leaf["portrait"], leaf["purpose"]) == ("check", "consistent", "test")
    assert card["number"] not in receipt["leaf"]
    assert findings(service) == []


def test_the_number_in_a_short_request_cannot_be_found_by_trying(terminal: TestClient) -> None:
    """A leaf bears a keyed digest of the request: everything else in such a request is known."""
    body = json.dumps({"purpose": "account_opening", "number": new_number()}, separators=(",", ":"))
    headers = {**fresh_key(), "Content-Type": "application/json"}
    answer = terminal.post("/v1/checks", content=body, headers=headers)
    leaf = json.loads(answer.json()["receipt"]["leaf"])
    known = (f"POST /v1/checks\n{body}", body, f"POST/v1/checks{body}")
    assert leaf["request"] not in {hashlib.sha256(text.encode()).hexdigest() for text in known}
    assert len(leaf["request"]) == 64
