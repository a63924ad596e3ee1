"""The same capture is taken once: scripted words with a `#` are captures that can be told apart."""

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from api.matching import duplicates
from api.service import Service
from api.storage import tables
from api.storage.sealing import keyed_hash
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


def shot(name: str = "person:a") -> str:
    return f"{name}#{secrets.token_hex(8)}"


def asked(terminal: TestClient, card: Json, **changes: Any) -> Any:
    return terminal.post("/v1/verifications", json=fresh(terminal, card, **changes), headers=fresh_key())


def written(service: Service) -> tuple[int, ...]:
    """Decisions, leaves, answers and digests; not the acts' leaves, of which the service's clocks write some."""
    told = select(tables.evidence).where(tables.evidence.c.kind != "administration").subquery()
    with service.database.begin() as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.verifications, told, tables.idempotency, tables.capture_digests)
        )


def test_a_capture_is_taken_once(authority: TestClient, terminal: TestClient, service: Service) -> None:
    _, card = register(authority)
    face = shot()
    assert verify(terminal, card, face=face)["decision"] == "PASS"
    before = written(service)
    assert_error(asked(terminal, card, face=face), 409, "capture_duplicate")
    assert written(service) == before
    assert verify(terminal, card, face=shot())["decision"] == "PASS"


def test_the_three_codes_are_distinct(authority: TestClient, terminal: TestClient) -> None:
    """The same nonce, an old stamp, the same pixels."""
    _, card = register(authority)
    body = fresh(terminal, card, face=(face := shot()))
    assert terminal.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200
    assert_error(terminal.post("/v1/verifications", json=body, headers=fresh_key()), 409, "nonce_reused")
    assert_error(asked(terminal, card, face=face), 409, "capture_duplicate")
    assert_error(asked(terminal, card, face=face, captured_at="2020-01-01T00:00:00Z"), 422, "capture_stale")


def test_wherever_and_of_whomever_it_comes(authority: TestClient, terminal: TestClient, new_client: NewClient) -> None:
    (_, card), (_, other) = register(authority), register(authority, face="person:b")
    face = shot()
    assert verify(terminal, card, face=face)["decision"] == "PASS"
    assert_error(asked(new_client(), card, face=face), 409, "capture_duplicate")
    assert_error(asked(terminal, other, face=face), 409, "capture_duplicate")


def test_one_known_capture_is_enough(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, right_index="person:a")
    finger = shot()
    verify(terminal, card, face=shot(), fingers={"right_index": finger})
    again = asked(terminal, card, face=shot(), fingers={"right_index": finger})
    assert_error(again, 409, "capture_duplicate")


def test_what_went_unanswered_with_a_known_one_stays_new(authority: TestClient, terminal: TestClient) -> None:
    """Nothing is written of a refused request, also not the digests that were new in it."""
    _, card = register(authority, right_index="person:a")
    known, new = shot(), shot()
    verify(terminal, card, face=known)
    assert_error(asked(terminal, card, face=known, fingers={"right_index": new}), 409, "capture_duplicate")
    assert verify(terminal, card, face=shot(), fingers={"right_index": new})["decision"] == "PASS"


def test_one_picture_for_two_fingers_is_one_capture(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority, right_index="person:a", left_index="person:a")
    finger = shot()
    answer = asked(terminal, card, fingers={"right_index": finger, "left_index": finger})
    assert_error(answer, 409, "capture_duplicate")


def test_the_picture_that_was_enrolled_is_no_live_capture(authority: TestClient, terminal: TestClient) -> None:
    face = shot()
    _, card = register(authority, face=face)
    assert_error(asked(terminal, card, face=face), 409, "capture_duplicate")
    assert verify(terminal, card, face=shot())["decision"] == "PASS"


def test_an_authority_enrols_one_picture_for_several_cards(authority: TestClient, terminal: TestClient) -> None:
    """A card is renewed with the picture that is there; what was a live capture becomes an enrolled one."""
    face = shot()
    _, card = register(authority, face="person:a")
    verify(terminal, card, face=face)
    for day in ("2017-03-01", "2018-03-01"):
        register(authority, {**card, "valid_from": day}, face=face)
    assert_error(asked(terminal, card, face=face), 409, "capture_duplicate")


def test_a_retry_under_the_same_key_is_a_replay_and_no_duplicate(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    body, key = fresh(terminal, card, face=shot()), fresh_key()
    first = terminal.post("/v1/verifications", json=body, headers=key)
    second = terminal.post("/v1/verifications", json=body, headers=key)
    assert (second.status_code, second.json()) == (200, first.json())


def test_of_captures_sent_side_by_side_one_wins(authority: TestClient, new_client: NewClient, service: Service) -> None:
    """Among terminals, and with captures in another order: nobody waits in a circle."""
    _, card = register(authority, right_index="person:a", left_index="person:a")
    terminals = [new_client() for _ in range(6)]
    for _ in range(4):
        one, two = shot(), shot()
        bodies = [
            fresh(terminal, card, fingers={"right_index": pair[0], "left_index": pair[1]})
            for terminal, pair in zip(terminals, [(one, two), (two, one)] * 3, strict=True)
        ]

        def send(number: int, bodies: list[Json] = bodies) -> int:
            return terminals[number].post("/v1/verifications", json=bodies[number], headers=fresh_key()).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(send, range(6))) == [200, 409, 409, 409, 409, 409]


def remembered(service: Service, word: str) -> Any:
    """The digest's row, as `ScriptedComparer` makes digests."""
    digest = keyed_hash(service.keys.index, "capture", hashlib.sha256(word.encode()).digest())
    return tables.capture_digests.c.digest == digest


def test_after_its_days_a_capture_is_forgotten(authority: TestClient, terminal: TestClient, service: Service) -> None:
    _, card = register(authority)
    face, enrolled = shot(), shot()
    verify(terminal, card, face=face)
    register(authority, face=enrolled)
    with service.database.begin() as connection:
        until = connection.execute(
            select(tables.capture_digests.c.expires_at - func.now()).where(remembered(service, face))
        ).scalar_one()
        assert until.days in {service.settings.capture_duplicate_days - 1, service.settings.capture_duplicate_days}
        for word in (face, enrolled):
            connection.execute(
                update(tables.capture_digests)
                .where(remembered(service, word), tables.capture_digests.c.expires_at.is_not(None))
                .values(expires_at=func.now())
            )
    assert verify(terminal, card, face=face)["decision"] == "PASS"
    assert_error(asked(terminal, card, face=face), 409, "capture_duplicate")
    assert_error(asked(terminal, card, face=enrolled), 409, "capture_duplicate")


def test_old_digests_are_swept(service: Service) -> None:
    digests = [secrets.token_bytes(32) for _ in range(5)]
    rows = tables.capture_digests.c.digest.in_([keyed_hash(service.keys.index, "capture", one) for one in digests])
    with service.database.begin() as connection:
        assert duplicates.remember(connection, service.keys, digests, days=1)
        connection.execute(update(tables.capture_digests).where(rows).values(expires_at=func.to_timestamp(0)))
        duplicates.keep(connection, service.keys, digests[:1])
        duplicates.sweep(connection, swept=3)
        assert connection.execute(select(func.count()).where(rows)).scalar_one() == 2
        duplicates.sweep(connection, swept=3)
        assert connection.execute(select(tables.capture_digests.c.expires_at).where(rows)).scalars().all() == [None]


def test_a_capture_that_was_not_assessed_may_come_again(terminal: TestClient) -> None:
    assert verify(terminal, (card := new_card()), face="no_face#1")["decision"] == "REVIEW"
    assert verify(terminal, card, face="no_face#1")["decision"] == "REVIEW"


@pytest.mark.parametrize("kept", [True, False])
def test_only_a_keyed_hash_is_stored(authority: TestClient, terminal: TestClient, service: Service, kept: bool) -> None:
    face = shot()
    if kept:
        register(authority, face=face)
    else:
        verify(terminal, register(authority)[1], face=face)
    with service.database.begin() as connection:
        stored = connection.execute(select(tables.capture_digests.c.digest)).scalars().all()
    plain = hashlib.sha256(face.encode()).digest()
    assert plain not in stored
    assert keyed_hash(service.keys.index, "capture", plain) in stored
