"""Captures have to be fresh: a nonce once, a stamp neither old nor ahead."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.service import Service
from tests.api.bodies import fresh_key, new_card, register, verification, verify


def refused(terminal: TestClient, **changes: Any) -> tuple[int, str]:
    answer = terminal.post("/v1/verifications", json=verification(new_card(), **changes), headers=fresh_key())
    return answer.status_code, answer.json().get("code", "")


def test_a_nonce_serves_once(authority: TestClient, terminal: TestClient) -> None:
    _, card = register(authority)
    verify(terminal, card, nonce="12345678")
    assert refused(terminal, nonce="12345678") == (409, "nonce_reused")
    assert verify(authority, card, nonce="12345678")["decision"] == "PASS", "another terminal's nonces are its own"


def test_a_nonce_serves_once_among_threads(terminal: TestClient) -> None:
    def send(_: int) -> int:
        return refused(terminal, nonce="abcdefgh")[0]

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [200, 409, 409, 409, 409, 409]


def test_a_refused_capture_uses_up_no_nonce(terminal: TestClient) -> None:
    assert refused(terminal, nonce="kept-one", face="image_truncated")[0] == 422
    assert verify(terminal, new_card(), nonce="kept-one")


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (lambda service: -service.settings.capture_max_age_s - 5, (422, "capture_stale")),
        (lambda service: -service.settings.capture_max_age_s + 30, (200, "")),
        (lambda service: service.settings.capture_max_ahead_s - 30, (200, "")),
        (lambda service: service.settings.capture_max_ahead_s + 5, (422, "capture_from_future")),
    ],
)
def test_stale_and_future_captures(
    terminal: TestClient, service: Service, offset: Callable[[Service], float], expected: tuple[int, str]
) -> None:
    stamp = datetime.now(UTC) + timedelta(seconds=offset(service))
    assert refused(terminal, captured_at=stamp.isoformat()) == expected


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
