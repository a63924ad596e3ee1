"""Decisions in a list: whose, which, in pages."""

import secrets
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from tests.api.bodies import Json, new_card, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error
from tests.api.institutions.conftest import ids, me

PLACE = "/v1/verifications"


def listed(client: TestClient, **filters: Any) -> list[Json]:
    answer = client.get(PLACE, params=filters)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


@pytest.fixture
def bank() -> str:
    return secrets.token_hex(8)


def test_a_summary_has_no_figures(authority: TestClient, new_client: NewClient, bank: str) -> None:
    _, card = register(authority)
    terminal, supervisor = new_client(institution=bank), new_client(Role.SUPERVISOR, bank)
    answer = verify(terminal, card, face="person:b")
    (found,) = listed(supervisor)
    who = me(terminal)
    assert found.pop("decided_at").replace("Z", "+00:00") == answer["decided_at"]
    assert found == {
        "id": answer["id"],
        "decision": "REFUSE",
        "document_status": "valid",
        "person_verdict": "mismatch",
        "channel": "counter",
        "purpose": "test",
        "terminal_id": who["id"],
        "operator_id": None,
        "institution_id": who["institution"]["id"],
    }


def test_operators_see_their_institution_and_supervisors_its_branches(new_client: NewClient, bank: str) -> None:
    branch, sister = f"{bank}/a", f"{bank}/b"
    made = {place: verify(new_client(institution=place), new_card())["id"] for place in (bank, branch, sister)}
    expected = {
        (Role.SUPERVISOR, bank): set(made.values()),
        (Role.SUPERVISOR, branch): {made[branch]},
        (Role.OPERATOR, bank): {made[bank]},
        (Role.OPERATOR, sister): {made[sister]},
        (Role.SUPERVISOR, secrets.token_hex(8)): set(),
    }
    for (role, place), seen in expected.items():
        client = new_client(role, place)
        assert {one["id"] for one in listed(client)} == seen
        for identifier in made.values():
            answer = client.get(f"{PLACE}/{identifier}")
            assert answer.status_code == (200 if identifier in seen else 404), "the list and the single one agree"


@pytest.mark.parametrize(
    "role", [Role.TERMINAL, Role.AUTHORITY, Role.REGULATOR, Role.EVALUATOR, Role.ADMINISTRATOR], ids=str
)
def test_a_list_is_for_those_who_read_verifications(new_client: NewClient, role: Role) -> None:
    assert_error(new_client(role).get(PLACE), 403, "role_not_allowed")


def test_filters(authority: TestClient, new_client: NewClient, bank: str) -> None:
    _, card = register(authority)
    first, second = new_client(institution=bank), new_client(institution=bank)
    supervisor = new_client(Role.SUPERVISOR, bank)
    answers = [verify(first, card), verify(second, card, face="person:b"), verify(first, card, face="maybe:a")]
    expected = [answer["id"] for answer in answers]

    def found(**filters: Any) -> list[str]:
        return [one["id"] for one in listed(supervisor, **filters)]

    assert found() == expected[::-1], "newest first"
    for decision, answer in zip(("PASS", "REFUSE", "REVIEW"), answers, strict=True):
        assert found(decision=decision) == [answer["id"]]
    assert found(terminal=me(first)["id"]) == [expected[2], expected[0]]
    assert found(terminal=me(first)["id"], decision="REVIEW") == [expected[2]]
    assert found(terminal=str(uuid4())) == []
    moment = answers[1]["decided_at"]
    assert found(since=moment) == [expected[2], expected[1]], "since is inclusive"
    assert found(until=moment) == [expected[0]], "until is not"
    assert found(since=moment, until=moment) == []


def test_pages_miss_nothing_and_repeat_nothing(new_client: NewClient, bank: str) -> None:
    terminal, supervisor = new_client(institution=bank), new_client(Role.SUPERVISOR, bank)
    made = [verify(terminal, new_card())["id"] for _ in range(7)]
    assert ids(supervisor, PLACE) == made[::-1]
    assert ids(supervisor, PLACE, decision="REVIEW") == made[::-1]
    page = supervisor.get(PLACE, params={"limit": 3}).json()
    verify(terminal, new_card())
    following = supervisor.get(PLACE, params={"limit": 3, "after": page["next"]}).json()
    assert [one["id"] for one in following["items"]] == made[::-1][3:6], "what is new shifts no page"
    exact = supervisor.get(PLACE, params={"limit": 8}).json()
    assert (len(exact["items"]), exact["next"]) == (8, None)


def test_a_place_that_is_not_the_callers_tells_nothing(new_client: NewClient, bank: str) -> None:
    verify(new_client(institution=bank), new_card())
    foreign = verify(new_client(), new_card())["id"]
    supervisor = new_client(Role.SUPERVISOR, bank)
    assert listed(supervisor, after=foreign) == listed(supervisor, after=str(uuid4())) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"decision": "MAYBE"},
        {"terminal": "x"},
        {"since": "2026-11-22"},
        {"since": "2026-11-22T10:00:00"},
        {"until": "1700000000"},
        {"after": "x"},
        {"limit": 0},
        {"limit": 201},
    ],
    ids=str,
)
def test_bad_filters(new_client: NewClient, filters: dict[str, Any]) -> None:
    assert_error(new_client(Role.SUPERVISOR).get(PLACE, params=filters), 422, "request_invalid")
