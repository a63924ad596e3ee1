"""The same key gives the same answer, once; another request under it is refused."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.service import Service
from api.storage import tables
from api.verification import opening
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, registration, report, verification, verify
from tests.api.conftest import NewClient
from tests.api.scripted import ScriptedComparer


def rows(service: Service, client: TestClient) -> tuple[int, ...]:
    """Cards, decisions, their leaves, and the client's nonces that were used.

    Not the acts' leaves, of which the service's clocks write some; and not others' nonces, of which old ones are swept
    when a new one is given.
    """
    own = tables.nonces.c.principal_id == UUID(client.get("/v1/me").json()["id"])
    used = select(tables.nonces).where(own, tables.nonces.c.used_at.is_not(None)).subquery()
    told = select(tables.evidence).where(tables.evidence.c.kind != "administration").subquery()
    with service.database.begin() as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.cards, tables.verifications, told, used)
        )


def test_a_replay_gets_the_same_answer_and_leaves_nothing(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    _, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    first = terminal.post("/v1/verifications", json=body, headers=key)
    before = rows(service, terminal)
    assert isinstance(service.comparer, ScriptedComparer)
    compared = len(service.comparer.compared)
    second = terminal.post("/v1/verifications", json=body, headers=key)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert rows(service, terminal) == before
    assert len(service.comparer.compared) == compared, "a replay costs no comparison"


def test_a_replay_tells_what_was_decided_then(authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    first = terminal.post("/v1/verifications", json=body, headers=key).json()
    report(authority, card_id, "reported_lost")
    assert terminal.post("/v1/verifications", json=body, headers=key).json() == first
    assert verify(terminal, card)["decision"] == "REFUSE"


def test_another_body_under_the_same_key_is_refused(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    _, card = register(authority)
    key = fresh_key()
    verify(terminal, card, key=key)
    before = rows(service, terminal)
    answer = terminal.post("/v1/verifications", json=fresh(terminal, card, face="person:b"), headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert rows(service, terminal) == before


def test_keys_of_two_terminals_are_apart(authority: TestClient, terminal: TestClient, new_client: NewClient) -> None:
    _, card = register(authority)
    key = fresh_key()
    assert verify(terminal, card, key=key)["id"] != verify(new_client(), card, key=key)["id"]


def test_a_verification_needs_a_key(terminal: TestClient) -> None:
    bare = TestClient(terminal.app, headers=dict(terminal.headers))
    answer = bare.post("/v1/verifications", json=verification(new_card()))
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"x" * 129, "ключ".encode(), b"a\xff"])
def test_a_key_is_visible_ascii(terminal: TestClient, key: bytes) -> None:
    answer = terminal.post("/v1/verifications", json=verification(new_card()), headers={b"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["code"] in {"idempotency_key_invalid", "idempotency_key_missing"}


def test_the_longest_key_is_taken(terminal: TestClient) -> None:
    key = {"Idempotency-Key": secrets.token_hex(64)}
    assert verify(terminal, new_card(), key=key)["decision"] == "REVIEW"


def test_an_error_uses_up_no_key(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    key = fresh_key()
    bad = terminal.post("/v1/verifications", json=fresh(terminal, card, face="image_truncated"), headers=key)
    assert bad.status_code == 422
    assert verify(terminal, card, key=key)["decision"] == "PASS"


def at_once(count: int, terminal: TestClient, path: str, body: Json, key: dict[str, str]) -> list[tuple[int, Json]]:
    """The same request from several threads, which begin together."""
    together = threading.Barrier(count)

    def send(_: int) -> tuple[int, Json]:
        together.wait()
        answer = terminal.post(path, json=body, headers=key)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def test_the_same_key_from_several_threads_is_decided_once(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    for _ in range(5):
        _, card = register(authority)
        before = rows(service, terminal)
        answers = at_once(6, terminal, "/v1/verifications", fresh(terminal, card), fresh_key())
        assert answers == [answers[0]] * 6
        assert answers[0][0] == 200
        assert rows(service, terminal) == (before[0], before[1] + 1, before[2] + 1, before[3] + 1)


def test_a_registration_from_several_threads_is_made_once(authority: TestClient, service: Service) -> None:
    before = rows(service, authority)
    answers = at_once(6, authority, "/v1/cards", registration(new_card()), fresh_key())
    assert answers == [answers[0]] * 6
    assert answers[0][0] == 201
    assert rows(service, authority) == (before[0] + 1, before[1], before[2] + 1, before[3])


def test_a_report_is_made_once(authority: TestClient) -> None:
    card_id, _ = register(authority)
    answers = at_once(4, authority, f"/v1/cards/{card_id}/events", {"event": "reported_lost"}, fresh_key())
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 201, "without a key the second would be event_not_possible"


def test_an_answer_committed_in_between_explains_the_nonce(
    authority: TestClient, terminal: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of a request commits when this one has looked at its nonce: this one is a replay, not a reuse."""
    _, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    twins: list[Json] = []
    real = opening.read

    def late(*arguments: Any) -> opening.Known:
        monkeypatch.setattr(opening, "read", real)
        known = real(*arguments)
        twins.append(terminal.post("/v1/verifications", json=body, headers=key).json())
        return known

    monkeypatch.setattr(opening, "read", late)
    answer = terminal.post("/v1/verifications", json=body, headers=key)
    assert (answer.status_code, [answer.json()]) == (200, twins)
