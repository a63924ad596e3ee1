"""Attacks tried that no other room's tests try: injection, numbers, keys, and a database that takes nothing."""

import gzip
import random
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from api.institutions import credentials, principals
from api.institutions.roles import ROLE_SCOPES, Role
from api.service import Service
from api.storage import migrate
from api.storage.statements import Statement
from tests.api.bodies import fresh, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over
from tests.api.entries import new_key
from tests.api.http.answers import assert_error
from tests.api.test_authorisation import UNKNOWN, routes

SQL = [
    "'; DROP TABLE cards; --",
    "' OR '1'='1",
    "1); SELECT pg_sleep(30); --",
    "%s %(id)s {0} ${a}",
    "\\'; TRUNCATE evidence; --",
    "a\r\nset-cookie: a=b",
    "\u202e\u0000'",
]
NUMBERS = ["-1", "0", "9223372036854775807", "9223372036854775808", "1" + "0" * 400, "1e9", "0x10", "NaN", "٣", " 5"]
# Who asks, so that every route of the document is reached.
ASKERS = (Role.SUPERVISOR, Role.REGULATOR, Role.TERMINAL, Role.AUTHORITY)


def queries(app: FastAPI) -> Iterator[tuple[str, str, Role]]:
    """Every parameter of a query of every route that reads: path, name, and a role that may ask."""
    for (method, path), operation in routes(app).items():
        needed = set(operation.get("x-scopes", ()))
        role = next((one for one in ASKERS if not needed or needed & set(ROLE_SCOPES[one])), None)
        for parameter in operation.get("parameters", ()):
            # The feed's stream takes one too, and does not end: tests/api/feed/test_streams.py.
            if method == "GET" and parameter["in"] == "query" and role is not None and path != "/v1/feed":
                yield path.format_map(dict.fromkeys(("leaf_hash",), "0" * 64)), parameter["name"], role


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_whatever_a_query_holds_is_answered(app: FastAPI, new_client: NewClient) -> None:
    """Filters, places in lists and lengths of pages: an answer or a refusal, no failure, nothing in a header."""
    clients = {role: new_client(role) for role in ASKERS}
    asked = list(queries(app))
    assert len(asked) > 20
    for path, name, role in asked:
        for value in SQL + NUMBERS:
            answer = clients[role].get(path, params={name: value})
            assert answer.status_code in {200, 400, 404, 422}, (path, name, value, answer.text)
            assert "set-cookie" not in answer.headers
            assert "psycopg" not in answer.text


@pytest.mark.parametrize("value", SQL)
def test_no_text_of_a_request_is_run(authority: TestClient, terminal: TestClient, value: str) -> None:
    """An issuer, a purpose, a nonce, a serial, an identifier in the path, and the headers that are looked up."""
    for card in (new_card(issuer=value[:30]), new_card(serial=value)):
        answer = authority.post("/v1/cards", json=registration(card), headers=fresh_key())
        assert answer.status_code in {201, 422}, answer.text
        shown = terminal.post("/v1/verifications", json=fresh(terminal, card), headers=fresh_key())
        assert shown.status_code in {200, 422}, shown.text
    body = fresh(terminal, new_card())
    for field in ("purpose", "nonce", "captured_at", "channel"):
        answer = terminal.post("/v1/verifications", json={**body, field: value * 2})
        assert answer.json()["code"] in {"purpose_invalid", "nonce_unknown", "request_invalid"}
        assert_error(answer, answer.status_code, answer.json()["code"])
    visible = value.encode("ascii", "replace").decode().replace("\r\n", " ").replace("\0", " ")
    for headers in ({"Idempotency-Key": visible}, {"Authorization": f"Bearer {visible}"}, {"Operator-Key": visible}):
        answer = terminal.post("/v1/verifications", json=body, headers={**fresh_key(), **headers})
        assert answer.status_code in {200, 400, 401, 403, 409, 422}
    assert authority.get(f"/v1/cards/{UNKNOWN}{value[:1]}").status_code in {404, 422}
    register(authority)


def test_a_body_that_says_it_is_packed_is_not_unpacked(terminal: TestClient) -> None:
    bomb = gzip.compress(bytes(10 << 20))
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        assert_error(terminal.post("/v1/verifications", content=bomb, headers=headers), 400, "request_malformed")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements about keys that were run, in their order; the service's own threads have others under way."""
    run: Callable[..., Any] = Statement.run
    found: list[str] = []

    def noted(statement: Statement, *how: Any, **values: Any) -> Any:
        if "credentials" in statement.text:
            found.append(statement.text)
        return run(statement, *how, **values)

    monkeypatch.setattr(Statement, "run", noted)
    return found


def test_all_keys_that_do_not_work_go_one_way(service: Service, anonymous: TestClient, asked: list[str]) -> None:
    """Unknown, nearly right, ended: one statement, one answer. Keys are looked up by the SHA-256
    of all their bytes, so that how much of one is right shows nowhere."""
    good = new_key(service.database, service.keys, Role.TERMINAL)
    ended = new_key(service.database, service.keys, Role.TERMINAL)
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, ended)
        assert caller is not None
        connection.execute(text("UPDATE credentials SET revoked_at = now() WHERE id = :id"), {"id": caller.key_id})
    wrong = [
        "rz_" + secrets.token_urlsafe(32),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good + "A",
        good.upper(),
        credentials.KEY_PREFIX,
        ended,
    ]
    ways, answers = set(), set()
    for key in wrong:
        asked.clear()
        answer = anonymous.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
        told = assert_error(answer, 401, "key_invalid")
        ways.add(tuple(asked))
        answers.add(str({name: value for name, value in told.items() if name != "request_id"}))
    assert len(ways) == 1
    assert len(answers) == 1
    assert len(ways.pop()) == 1
    assert anonymous.get("/v1/me", headers={"Authorization": f"Bearer {good}"}).status_code == 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_time_of_a_refusal_does_not_tell_how_right_a_key_is(service: Service, anonymous: TestClient) -> None:
    """Random and nearly right keys in turn: Mann and Whitney's U shows no difference (p > 0.001).

    Where it shows one, two more looks have to show it as well: by chance the first does once in a thousand runs.
    """
    good = new_key(service.database, service.keys, Role.TERMINAL)
    near = good[:-1] + ("A" if good[-1] != "A" else "B")
    kinds: dict[str, Callable[[], str]] = {
        "near": lambda: near,
        "random": lambda: credentials.KEY_PREFIX + secrets.token_urlsafe(32),
    }
    assert any(_is_alike(anonymous, kinds) for _ in range(3))


def _is_alike(anonymous: TestClient, kinds: dict[str, Callable[[], str]]) -> bool:
    spent: list[tuple[float, str]] = []
    for _ in range(1000):
        for kind in random.sample(sorted(kinds), 2):
            key = kinds[kind]()
            began = time.perf_counter()
            answer = anonymous.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
            spent.append((time.perf_counter() - began, kind))
            assert answer.status_code == 401
    ranks = [rank for rank, (_, kind) in enumerate(sorted(spent), 1) if kind == "near"]
    size = len(ranks)
    u = sum(ranks) - size * (size + 1) / 2
    z = (u - size * size / 2) / (size * size * (2 * size + 1) / 12) ** 0.5
    return 2 * (1 - statistics.NormalDist().cdf(abs(z))) > 0.001


FULL = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$
"""


def test_a_database_that_takes_nothing_makes_no_pass_and_loses_nothing(
    service: Service, new_database: NewDatabase, new_client: NewClient
) -> None:
    """A full disk, as the server tells it in the midst of a transaction, and a server that only reads."""
    database = new_database()
    migrate.upgrade(database)
    alone = over(service, database)
    authority, terminal = new_client(Role.AUTHORITY, service=alone), new_client(service=alone)
    card_id, card = register(authority)
    assert verify(terminal, card)["decision"] == "PASS"
    body, key = fresh(terminal, card), fresh_key()
    with database.begin() as connection:
        connection.execute(text(FULL))
        connection.execute(
            text("CREATE TRIGGER full_disk BEFORE INSERT ON evidence_texts EXECUTE FUNCTION disk_full()")
        )
    assert_error(terminal.post("/v1/verifications", json=body, headers=key), 503, "database_unavailable")
    lost = {"event": "reported_lost"}
    answer = authority.post(f"/v1/cards/{card_id}/events", json=lost, headers=fresh_key())
    assert_error(answer, 503, "database_unavailable")
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER full_disk ON evidence_texts"))
        assert connection.execute(text("SELECT count(*) FROM verifications")).scalar_one() == 1
        assert connection.execute(text("SELECT status FROM cards")).scalar_one() == "valid"
        connection.execute(text(f"ALTER DATABASE {database.url.database} SET default_transaction_read_only = on"))
    database.engine.dispose()
    assert_error(terminal.post("/v1/verifications", json=body, headers=key), 503, "database_unavailable")
    assert_error(terminal.get("/readyz"), 503, "database_unavailable")
    with database.begin() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(text(f"ALTER DATABASE {database.url.database} RESET default_transaction_read_only"))
    database.engine.dispose()
    report(authority, card_id, "reported_lost")
    assert terminal.post("/v1/verifications", json=body, headers=key).json()["decision"] == "REFUSE"
