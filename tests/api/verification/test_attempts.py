"""Attempts of one transaction: a card at a terminal, within the window, since the last PASS."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from tests.api.accountability.business import decided_earlier
from tests.api.bodies import register, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over


def reasons(terminal: TestClient, card: dict[str, str], face: str = "person:a") -> tuple[str, list[str]]:
    answer = verify(terminal, card, face=face)
    return answer["decision"], answer["person"]["reasons"]


def test_after_three_failures_the_holder_needs_staff(
    authority: TestClient, terminal: TestClient, new_client: NewClient
) -> None:
    _, card = register(authority)
    assert [reasons(terminal, card, word)[0] for word in ("no_face", "maybe:a", "person:b")] == [
        "REVIEW",
        "REVIEW",
        "REFUSE",
    ]
    assert reasons(terminal, card) == ("REVIEW", ["match", "attempts_exceeded"])
    assert reasons(new_client(), card) == ("PASS", ["match"]), "at another terminal it is another transaction"


def test_a_pass_begins_anew(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    for _ in range(2):
        assert [reasons(terminal, card, word)[0] for word in ("no_face", "no_face", "person:a")] == [
            "REVIEW",
            "REVIEW",
            "PASS",
        ]


def test_attempts_on_another_card_do_not_count(authority: TestClient, terminal: TestClient) -> None:
    (_, card), (_, other) = register(authority), register(authority)
    for _ in range(4):
        reasons(terminal, other, "no_face")
    assert reasons(terminal, card)[0] == "PASS"


def test_old_attempts_are_forgotten(authority: TestClient, terminal: TestClient, service: Service) -> None:
    _, card = register(authority)
    ids = [verify(terminal, card, face="no_face")["id"] for _ in range(3)]
    window = service.policy.channels["counter"].attempt_window_s
    with ExitStack() as earlier:
        for one in ids:
            earlier.enter_context(decided_earlier(service, one, window))
        assert reasons(terminal, card) == ("PASS", ["match"])


def test_attempts_side_by_side_are_counted(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: reasons(terminal, card, "person:b")[1], range(6)))
    assert sorted("attempts_exceeded" in codes for codes in found) == [False] * 3 + [True] * 3


@pytest.fixture
def impatient(service: Service, new_database: NewDatabase) -> Service:
    """A service whose counter allows one attempt."""
    counter = service.policy.channels["counter"].model_copy(update={"max_attempts": 1})
    policy = service.policy.model_copy(update={"channels": {**service.policy.channels, "counter": counter}})
    database = new_database(migrated=True)
    return replace(over(service, database), policy=policy)


def test_the_number_is_the_policys(impatient: Service, new_client: NewClient) -> None:
    _, card = register(new_client(Role.AUTHORITY, service=impatient))
    terminal = new_client(service=impatient)
    assert reasons(terminal, card, "no_face")[0] == "REVIEW"
    assert reasons(terminal, card) == ("REVIEW", ["match", "attempts_exceeded"])
