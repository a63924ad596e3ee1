"""Who may ask: bearer keys and roles."""

import secrets

import pytest
from fastapi import Request
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.http import signin
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import fresh, fresh_key, new_card, registration
from tests.api.http.answers import assert_error

PROTECTED = [
    ("POST", "/v1/cards"),
    ("POST", "/v1/cards/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11/events"),
    ("POST", "/v1/verifications"),
    ("GET", "/v1/verifications/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "key_missing"),
        ("", "key_missing"),
        ("Basic dXNlcjpwYXNz", "key_missing"),
        ("Bearer", "key_missing"),
        ("Bearer rz_EchoMe", "key_invalid"),
        ("Bearer " + "x" * 5000, "key_invalid"),
        ("bearer rz_", "key_invalid"),
        ("Bearer \xe9", "key_invalid"),
    ],
)
def test_without_a_key_nothing_is_answered(
    anonymous: TestClient, method: str, path: str, header: str | None, code: str
) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    answer = anonymous.request(method, path, json={} if method == "POST" else None, headers=headers)
    assert_error(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/errors", "/v1/keys", "/docs", "/openapi.json"])
def test_what_everybody_may_read(anonymous: TestClient, path: str) -> None:
    assert anonymous.get(path).status_code == 200


def test_a_revoked_key_is_refused_over_http(anonymous: TestClient, service: Service) -> None:
    with service.database.begin() as connection:
        key = principals.add(connection, service.keys, (name := secrets.token_hex(8)), "kiosk", Role.TERMINAL).key
    bearer = {"Authorization": f"Bearer {key}"}
    place = "/v1/verifications/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"
    assert_error(anonymous.get(place, headers=bearer), 404, "not_found")
    with service.database.begin() as connection:
        principals.disable(connection, service.keys, name, "kiosk")
    assert_error(anonymous.get(place, headers=bearer), 401, "key_invalid")


def test_a_terminal_verifies_and_an_authority_registers(terminal: TestClient, authority: TestClient) -> None:
    assert_error(terminal.post("/v1/cards", json=registration(new_card())), 403, "role_not_allowed")
    assert authority.post("/v1/cards", json=registration(new_card())).status_code == 201
    body = fresh(terminal, new_card())
    assert terminal.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200
    answer = authority.post("/v1/verifications", json=body, headers=fresh_key())
    assert_error(answer, 403, "role_not_allowed")


@given(st.text(max_size=20).map("/".__add__), st.binary(max_size=10), st.booleans())
@example("/v1/verifications", b"", True)
@example("//v1/verifications", b"", True)
@example("/v1/a?b#c", b"d", True)
def test_a_request_is_named_by_its_path_as_ever(path: str, query: bytes, named: bool) -> None:
    """The digest of a request is kept for days, and the request may come again."""
    headers = [(b"host", b"bank.example")] if named else []
    scope = {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": headers}
    try:
        expected = Request(scope).url.path
    except ValueError:  # no address can be made of it, and none is asked for
        return
    assert signin._path(Request(scope)) == expected
