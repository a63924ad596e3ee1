"""Answers in storage: what is given again is what was given, byte for byte, also after an upgrade."""

from uuid import uuid4

from fastapi.responses import JSONResponse
from sqlalchemy import text
from starlette.testclient import TestClient

from api.storage import idempotency, migrate
from api.storage.idempotency import Attempt, StoredAnswer
from tests.api.bodies import fresh, fresh_key, new_card, registration
from tests.api.conftest import NewDatabase

# Keys out of order, figures that a database might write in another way, and texts of both languages.
ANSWER = {"zz": 1e-6, "a": [0.1 + 0.2, -0.0, 1e22, 5e-324], "longer": {"b": None, "a": "证件已挂失", "": "\\u0041"}}


def test_an_answer_comes_back_byte_for_byte(new_database: NewDatabase) -> None:
    database = new_database(migrated=True)
    attempt = Attempt(uuid4(), "key", b"digest")
    with database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the terminal need not be there
        idempotency.store(connection, attempt, 200, ANSWER)
    with database.begin() as connection:
        found = idempotency.find(connection, attempt)
    assert isinstance(found, StoredAnswer)
    assert JSONResponse(found.answer).body == JSONResponse(ANSWER).body


def test_requests_sent_again_are_answered_byte_for_byte(authority: TestClient, terminal: TestClient) -> None:
    card, key = new_card(), fresh_key()
    body = registration(card, right_index="person:a")
    registered = authority.post("/v1/cards", json=body, headers=key)
    assert authority.post("/v1/cards", json=body, headers=key).content == registered.content
    seen, key = fresh(terminal, card, fingers={"right_index": "person:a"}), fresh_key()
    decided = terminal.post("/v1/verifications", json=seen, headers=key)
    assert terminal.post("/v1/verifications", json=seen, headers=key).content == decided.content
    assert terminal.get(f"/v1/verifications/{decided.json()['id']}").content == decided.content
    path, lost, key = f"/v1/cards/{registered.json()['id']}/events", {"event": "reported_lost"}, fresh_key()
    reported = authority.post(path, json=lost, headers=key)
    assert authority.post(path, json=lost, headers=key).content == reported.content


def test_an_upgrade_keeps_the_answers(new_database: NewDatabase) -> None:
    database = new_database()
    migrate.upgrade(database, "0002")
    one = {"id": uuid4()}
    rows = (
        "INSERT INTO institutions (id, name) VALUES (:id, 'bank')",
        "INSERT INTO terminals (id, institution_id, name, role, key_hash) VALUES (:id, :id, 'a', 'terminal', '\\x01')",
        "INSERT INTO idempotency (terminal_id, key, request_digest, status_code, answer) "
        """VALUES (:id, 'key', '\\x01', 200, '{"b": 0.5, "a": "证"}')""",
        "INSERT INTO verifications (id, instance_index, terminal_id, institution_id, channel, purpose, "
        "decision, document_status, answer, decided_at) VALUES (:id, '\\x01', :id, :id, 'counter', 'test', "
        """'PASS', 'valid', '{"decision": "PASS"}', now())""",
    )
    with database.begin() as connection:
        for row in rows:
            connection.execute(text(row), one)
    migrate.upgrade(database)
    with database.begin() as connection:
        assert connection.execute(text("SELECT answer FROM idempotency")).scalar_one() == {"b": 0.5, "a": "证"}
        assert connection.execute(text("SELECT answer FROM verifications")).scalar_one() == {"decision": "PASS"}
