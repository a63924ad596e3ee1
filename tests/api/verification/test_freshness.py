"""Captures have to be fresh: a nonce that the terminal was given, once, in time, and a stamp that goes with it."""

import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from api.service import Service
from api.storage import tables
from api.storage.sealing import keyed_hash
from api.verification import nonces
from api.verification.parameters import SWEPT_AT_ONCE
from tests.api.bodies import fresh, fresh_key, new_card, new_nonce, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error
from tests.api.scripted import ScriptedComparer


def refused(terminal: TestClient, **changes: Any) -> tuple[int, str]:
    answer = terminal.post("/v1/verifications", json=fresh(terminal, new_card(), **changes), headers=fresh_key())
    return answer.status_code, answer.json().get("code", "")


def shift(service: Service, nonce: str, column: str, seconds: float) -> None:
    """Let a nonce have been given, or expire, at another time."""
    with service.database.begin() as connection:
        changed = connection.execute(
            text(f"UPDATE nonces SET {column} = {column} + make_interval(secs => :s) WHERE nonce_hash = :hash"),
            {"s": seconds, "hash": keyed_hash(service.keys.index, "nonce", nonce)},
        )
    assert changed.rowcount == 1


def test_a_nonce_is_given_for_the_life_of_a_capture(terminal: TestClient, service: Service) -> None:
    answer = terminal.post("/v1/captures")
    assert answer.status_code == 201
    given = answer.json()
    assert set(given) == {"nonce", "issued_at", "expires_at", "challenge"}
    assert len(base64.urlsafe_b64decode(given["nonce"] + "=")) == 32
    life = datetime.fromisoformat(given["expires_at"]) - datetime.fromisoformat(given["issued_at"])
    assert life == timedelta(seconds=service.settings.capture_max_age_s)
    assert new_nonce(terminal) != given["nonce"]


def test_nonces_are_for_those_who_verify(authority: TestClient, anonymous: TestClient) -> None:
    assert_error(authority.post("/v1/captures"), 403, "role_not_allowed")
    assert_error(anonymous.post("/v1/captures"), 401, "key_missing")


def test_a_nonce_serves_once(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    nonce = new_nonce(terminal)
    verify(terminal, card, nonce=nonce)
    assert refused(terminal, nonce=nonce) == (409, "nonce_reused")


def test_a_nonce_serves_the_terminal_it_was_given_to(terminal: TestClient, new_client: NewClient) -> None:
    bank = secrets.token_hex(8)
    first, second = new_client(institution=bank), new_client(institution=bank)
    nonce = new_nonce(first)
    assert refused(second, nonce=nonce) == (422, "nonce_unknown")
    assert refused(first, nonce=nonce) == (200, ""), "and is not used up by others"
    assert refused(second, nonce=nonce) == (422, "nonce_unknown"), "who do not learn what became of it"


@pytest.mark.parametrize("nonce", ["12345678", "x" * 128, "0" * 43])
def test_a_nonce_that_nobody_was_given(terminal: TestClient, service: Service, nonce: str) -> None:
    assert isinstance(service.comparer, ScriptedComparer)
    compared = len(service.comparer.compared)
    assert refused(terminal, nonce=nonce) == (422, "nonce_unknown")
    assert len(service.comparer.compared) == compared, "it costs no comparison"


def test_a_nonce_expires(terminal: TestClient, service: Service) -> None:
    nonce = new_nonce(terminal)
    life = service.settings.capture_max_age_s
    shift(service, nonce, "expires_at", 60 - life)
    assert refused(terminal, nonce=nonce, face="image_truncated") == (422, "image_truncated"), "a minute is left"
    shift(service, nonce, "expires_at", -60)
    assert refused(terminal, nonce=nonce) == (422, "nonce_expired")


def test_a_used_nonce_is_reused_also_when_it_is_old(terminal: TestClient, service: Service) -> None:
    nonce = new_nonce(terminal)
    assert refused(terminal, nonce=nonce) == (200, "")
    shift(service, nonce, "expires_at", -service.settings.capture_max_age_s)
    assert refused(terminal, nonce=nonce) == (409, "nonce_reused")


def test_a_capture_from_before_its_nonce_is_stale(terminal: TestClient, service: Service) -> None:
    """A stored capture, stamped as it was taken, under a nonce of now; clocks may differ by `capture_max_ahead_s`."""
    tolerated = timedelta(seconds=service.settings.capture_max_ahead_s)
    for seconds, expected in ((-5, (422, "capture_stale")), (50, (200, ""))):
        stamp = datetime.now(UTC) - tolerated + timedelta(seconds=seconds)
        assert refused(terminal, captured_at=stamp.isoformat()) == expected


def test_a_nonce_serves_once_among_threads(terminal: TestClient) -> None:
    nonce = new_nonce(terminal)

    def send(_: int) -> int:
        return refused(terminal, nonce=nonce)[0]

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [200, 409, 409, 409, 409, 409]


def test_a_refused_capture_uses_up_no_nonce(terminal: TestClient) -> None:
    nonce = new_nonce(terminal)
    assert refused(terminal, nonce=nonce, face="image_truncated")[0] == 422
    assert verify(terminal, new_card(), nonce=nonce)


def test_a_nonce_that_was_used_during_the_comparison_is_reused(
    terminal: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The early look is only to spare comparisons: what counts is the deciding transaction."""
    nonce = new_nonce(terminal)
    first: list[tuple[int, str]] = []

    def meanwhile() -> None:
        monkeypatch.undo()
        first.append(refused(terminal, nonce=nonce))

    monkeypatch.setattr(service.comparer, "meanwhile", meanwhile)
    assert refused(terminal, nonce=nonce) == (409, "nonce_reused")
    assert first == [(200, "")]


def test_old_nonces_are_swept_by_new_ones(terminal: TestClient, service: Service) -> None:
    """More at a time than are added, so that the table holds no more than was given within two lives."""
    life = service.settings.capture_max_age_s
    given = [new_nonce(terminal) for _ in range(SWEPT_AT_ONCE + 3)]
    for nonce in given:
        # Older than any that other tests left, which would be swept first, and of this day: the rest goes by itself.
        shift(service, nonce, "expires_at", -life - 22 * 3600)
    hashes = [keyed_hash(service.keys.index, "nonce", nonce) for nonce in given]
    left = select(func.count()).where(tables.nonces.c.nonce_hash.in_(hashes))
    counts = []
    for _ in range(2):
        new_nonce(terminal)
        with service.database.begin() as connection:
            counts.append(connection.execute(left).scalar_one())
    assert counts == [3, 0]


def test_only_a_keyed_hash_is_stored(terminal: TestClient, service: Service) -> None:
    nonce = new_nonce(terminal)
    with service.database.begin() as connection:
        rows = connection.execute(select(tables.nonces.c.nonce_hash)).scalars().all()
    assert keyed_hash(service.keys.index, "nonce", nonce) in rows
    assert not [row for row in rows if nonce.encode() in row or base64.urlsafe_b64decode(nonce + "=") == row]


def test_a_nonce_is_used_in_the_transaction_that_decides(service: Service, terminal: TestClient) -> None:
    with service.database.begin() as connection:
        principal_id = connection.execute(select(tables.principals.c.id).limit(1)).scalar_one()
        nonce = nonces.issue(connection, service.keys, principal_id, 60).text
    with service.database.begin() as connection:
        assert nonces.use(connection, service.keys, principal_id, nonce)
        connection.rollback()
    with service.database.begin() as connection:
        assert nonces.use(connection, service.keys, principal_id, nonce)
        assert not nonces.use(connection, service.keys, principal_id, nonce)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (lambda service: -service.settings.capture_max_age_s - 5, (422, "capture_stale")),
        (lambda service: -service.settings.capture_max_age_s + 30, (200, "")),
        (lambda service: service.settings.capture_max_ahead_s - 30, (200, "")),
        (lambda service: service.settings.capture_max_ahead_s + 60, (422, "capture_from_future")),
    ],
)
def test_stale_and_future_captures(
    terminal: TestClient, service: Service, offset: Callable[[Service], float], expected: tuple[int, str]
) -> None:
    nonce = new_nonce(terminal)
    shift(service, nonce, "created_at", -service.settings.capture_max_age_s)
    stamp = datetime.now(UTC) + timedelta(seconds=offset(service))
    assert refused(terminal, captured_at=stamp.isoformat(), nonce=nonce) == expected


def test_a_stamp_counts_in_its_own_time_zone(terminal: TestClient) -> None:
    now = datetime.now(timezone(timedelta(hours=8)))
    assert refused(terminal, captured_at=now.isoformat())[0] == 200
    assert refused(terminal, captured_at=now.replace(tzinfo=UTC).isoformat()) == (422, "capture_from_future")


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_time_are_only_stale_or_ahead(terminal: TestClient, stamp: str) -> None:
    assert refused(terminal, captured_at=stamp)[1] in {"capture_stale", "capture_from_future"}


@pytest.mark.parametrize("stamp", ["2026-11-20T12:00:00", "2026-11-20", "1700000000", 1700000000, 1.5, True, None, ""])
def test_a_stamp_without_time_zone_is_no_instant(terminal: TestClient, stamp: Any) -> None:
    assert refused(terminal, captured_at=stamp) == (422, "request_invalid")


@pytest.mark.parametrize("nonce", ["short", "x" * 129, 12345678, None])
def test_a_nonce_has_a_length(terminal: TestClient, nonce: Any) -> None:
    assert refused(terminal, nonce=nonce) == (422, "request_invalid")
