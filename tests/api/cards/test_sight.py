"""Whose card it is: an authority reads and reports those that it, or a branch of it, registered."""

import secrets
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from tests.api.bodies import fresh_key, register, report
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


@pytest.fixture
def police() -> str:
    return secrets.token_hex(8)


def test_a_card_is_read_with_what_happened_to_it(authority: TestClient) -> None:
    card_id, card = register(authority, right_index="person:a")
    lost = report(authority, card_id, "reported_lost")
    new_id, _ = register(authority, {**card, "valid_from": "2026-03-01", "valid_to": "长期"})
    report(authority, card_id, "reissued", superseded_by=new_id)
    answer = authority.get(f"/v1/cards/{card_id}")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["type"], found["status"]) == (card_id, "resident", "card_reissued")
    assert (found["valid_from"], found["valid_to"]) == (card["valid_from"], card["valid_to"])
    assert (found["superseded_by"], found["checks_locked_until"]) == (new_id, None)
    assert [(one["event"], one["status"]) for one in found["events"]] == [
        ("registered", "valid"),
        ("reported_lost", "card_reported_lost"),
        ("reissued", "card_reissued"),
    ]
    assert found["events"][1]["id"] == lost["id"]
    assert found["events"][2]["superseded_by"] == new_id
    assert card["number"] not in answer.text
    assert card["issuer"] not in answer.text
    assert authority.get(f"/v1/cards/{new_id}").json()["valid_to"] is None


def test_a_card_is_its_authoritys_and_its_branches(new_client: NewClient, police: str) -> None:
    branch, sister = f"{police}/a", f"{police}/b"
    card_id, _ = register(new_client(Role.AUTHORITY, branch))
    for seeing in (branch, police):
        assert new_client(Role.AUTHORITY, seeing).get(f"/v1/cards/{card_id}").json()["id"] == card_id
    for blind in (sister, secrets.token_hex(8)):
        stranger = new_client(Role.AUTHORITY, blind)
        refused = [
            stranger.get(f"/v1/cards/{identifier}").json() | {"request_id": ""} for identifier in (card_id, uuid4())
        ]
        assert refused[0] == refused[1], "nobody learns what exists"
        assert_error(stranger.get(f"/v1/cards/{card_id}"), 404, "card_unknown")
        lost = stranger.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost"}, headers=fresh_key())
        assert_error(lost, 404, "card_unknown")
    assert report(new_client(Role.AUTHORITY, police), card_id, "reported_lost")["status"] == "card_reported_lost"


def test_a_card_supersedes_another_of_the_same_authority(new_client: NewClient, police: str) -> None:
    mine, other = new_client(Role.AUTHORITY, police), new_client(Role.AUTHORITY)
    old_id, old = register(mine)
    foreign_id, _ = register(other, {**old, "valid_from": "2026-03-01"})
    own_id, _ = register(new_client(Role.AUTHORITY, f"{police}/a"), {**old, "valid_from": "2026-04-01"})
    body = {"event": "reissued", "superseded_by": foreign_id}
    answer = mine.post(f"/v1/cards/{old_id}/events", json=body, headers=fresh_key())
    assert_error(answer, 422, "superseding_card_unknown")
    assert report(mine, old_id, "reissued", superseded_by=own_id)["status"] == "card_reissued"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUTHORITY], ids=str)
def test_cards_are_for_authorities(authority: TestClient, new_client: NewClient, role: Role) -> None:
    card_id, _ = register(authority)
    assert_error(new_client(role).get(f"/v1/cards/{card_id}"), 403, "role_not_allowed")
