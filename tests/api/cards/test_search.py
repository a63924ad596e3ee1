"""Cards looked up by their number."""

import logging
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.http import limits
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import acts, evidence
from tests.api.bodies import Json, new_card, new_number, register, report
from tests.api.clients import KeyedClient
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.http.answers import assert_error


def found(client: TestClient, number: object) -> list[Json]:
    answer = client.post("/v1/cards/search", json={"number": number})
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def test_a_number_gives_the_persons_cards_the_newest_first(authority: TestClient) -> None:
    old_id, old = register(authority, new_card(issuer="天津市公安局"), face=None, right_index="person:a")
    new_id, _ = register(authority, {**old, "valid_from": "2026-03-01", "valid_to": "长期"})
    register(authority)
    report(authority, old_id, "reissued", superseded_by=new_id)
    new, replaced = found(authority, old["number"])
    assert new == {
        "id": new_id,
        "type": "resident",
        "issuer": "天津市公安局",
        "valid_from": "2026-03-01",
        "valid_to": None,
        "status": "valid",
        "surrendered": False,
        "disputed": False,
        "superseded_by": None,
        "templates": [{"modality": "face", "position": None, "engine": "scripted-1"}],
    }
    assert (replaced["id"], replaced["status"], replaced["superseded_by"]) == (old_id, "card_reissued", new_id)
    assert replaced["templates"] == [{"modality": "finger", "position": "right_index", "engine": "scripted-1"}]


def test_an_x_is_an_x_however_it_is_written(authority: TestClient) -> None:
    number = next(one for one in iter(new_number, "") if one.endswith("X"))
    card_id, _ = register(authority, new_card(number=number))
    assert [one["id"] for one in found(authority, number.lower())] == [card_id]


def test_others_cards_are_not_there(authority: TestClient, new_client: NewClient) -> None:
    """An empty list, as for a number that nobody has: it tells nobody where else somebody has a card."""
    _, card = register(authority)
    stranger = new_client(Role.AUTHORITY)
    assert found(stranger, card["number"]) == found(stranger, new_number()) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"number": "110105194912310021"}, "number_check_digit"),
        ({"number": "11010519491231"}, "number_invalid"),
        ({"number": 11010519491231}, "number_invalid"),
        ({}, "request_invalid"),
        ({"number": "11010519491231002X", "issuer": "x"}, "request_invalid"),
    ],
)
def test_what_is_no_number_is_told_without_it(authority: TestClient, body: Json, code: str) -> None:
    answer = authority.post("/v1/cards/search", json=body)
    assert_error(answer, 422, code)
    assert "11010519491231" not in answer.text


def test_the_number_stands_in_no_answer_and_no_log(authority: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    _, card = register(authority)
    with caplog.at_level(logging.DEBUG):
        answer = authority.post("/v1/cards/search", json={"number": card["number"]})
    assert card["number"] not in answer.text
    assert card["number"] not in caplog.text


def test_nothing_is_written(authority: TestClient, service: Service) -> None:
    """As with the other ways to read a card; nothing is repeated, so that it needs no idempotency key."""
    _, card = register(authority)
    # The service's clocks record acts meanwhile, of nobody who asks.
    leaves = select(func.count()).where(evidence.c.kind != "administration")
    own = UUID(authority.get("/v1/me").json()["id"])
    acted = select(func.count()).where(acts.c.actor_id == own)
    with service.database.begin() as connection:
        before = [connection.execute(one).scalar_one() for one in (leaves, acted)]
    bare = TestClient(authority.app, headers=dict(authority.headers))
    assert bare.post("/v1/cards/search", json={"number": card["number"]}).status_code == 200
    with service.database.begin() as connection:
        assert [connection.execute(one).scalar_one() for one in (leaves, acted)] == before


def test_it_counts_against_the_requests_a_minute(app: object, service: Service) -> None:
    """Whoever has a stolen key does not try numbers by the thousand."""
    key = new_key(service.database, service.keys, Role.AUTHORITY, requests_per_minute=3)
    client = KeyedClient(app, headers={"Authorization": f"Bearer {key}"})  # type: ignore[arg-type]
    codes = [client.post("/v1/cards/search", json={"number": new_number()}).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert limits.LIMITED, "the same limit as verifications have"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUTHORITY])
def test_only_an_authority_asks(new_client: NewClient, role: Role) -> None:
    assert_error(new_client(role).post("/v1/cards/search", json={"number": new_number()}), 403, "role_not_allowed")
