"""Rows that were changed behind the acts' back: keys, principals, stored answers, who stood at the counter."""

import secrets
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from api.evidence import fsck
from api.evidence.sequencer import drain
from api.institutions import credentials, principals
from api.institutions.roles import Role
from api.service import Service
from api.storage import migrate
from tests.api.bodies import register, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.scripted import ScriptedComparer

DAMAGE: dict[str, tuple[str, str]] = {
    "a key let in": (
        "INSERT INTO credentials (id, principal_id, key_hash)"
        " SELECT gen_random_uuid(), id, 'x' FROM principals LIMIT 1",
        "keys that no act issued",
    ),
    "a key given back": ("UPDATE credentials SET revoked_at = NULL", "keys that an act revoked and that live"),
    "somebody let in": (
        "INSERT INTO principals (id, institution_id, name, role)"
        " SELECT gen_random_uuid(), id, 'x', 'administrator' FROM institutions LIMIT 1",
        "principals that no act added",
    ),
    "somebody let in again": (
        "UPDATE principals SET disabled_at = NULL",
        "principals that an act disabled and that live",
    ),
    "another role": (
        "UPDATE principals SET role = 'administrator' WHERE role = 'terminal'",
        "principals in another role than they were added in",
    ),
    "another operator": (
        "UPDATE verifications SET operator_id = (SELECT id FROM principals WHERE role = 'authority' LIMIT 1)",
        "is recorded otherwise: operator",
    ),
    "another verdict": ("UPDATE verifications SET person_verdict = 'mismatch'", "is recorded otherwise: verdict"),
    "a card forgotten": ("UPDATE verifications SET card_id = NULL", "is recorded otherwise: card"),
    "another answer the second time": (
        "UPDATE idempotency SET answer = replace(answer::text, 'PASS', 'REFUSE')::json",
        "answered otherwise when asked again",
    ),
    "another promise": (
        "UPDATE verifications SET answer = jsonb_set(answer::jsonb, '{receipt,include_by}', '\"2099-01-01\"')::json",
        "is recorded otherwise: receipt",
    ),
}


@pytest.fixture
def lived(service: Service, new_database: NewDatabase, new_client: NewClient) -> Service:
    """A service in which one of everything happened."""
    database = new_database()
    migrate.upgrade(database)
    alone = replace(service, database=database, comparer=ScriptedComparer())
    registrar, terminal = new_client(Role.AUTHORITY, service=alone), new_client(service=alone)
    _, card = register(registrar)
    assert verify(terminal, card)["decision"] == "PASS"
    with database.begin() as connection:
        gone = principals.add(connection, alone.keys, "bank", secrets.token_hex(4), Role.TERMINAL)
        other = principals.add(connection, alone.keys, "bank", "other", Role.OPERATOR)
        credentials.revoke(connection, alone.keys, other.issued.id, other.institution_id, actor_id=None)
        principals.disable(connection, alone.keys, "bank", gone.name)
    drain(database, alone.keys)
    return alone


def findings(service: Service) -> list[str]:
    with service.database.begin() as connection:
        return list(fsck.check(connection, service.keys).findings)


def test_what_the_acts_say_is_sound(lived: Service) -> None:
    assert findings(lived) == []


@pytest.mark.parametrize("what", DAMAGE)
def test_what_they_do_not_say_is_found(lived: Service, what: str) -> None:
    statement, finding = DAMAGE[what]
    with lived.database.begin() as connection:
        changed: Any = connection.execute(text(statement.replace(":", r"\:").replace(r"\:\:", "::")))
        assert changed.rowcount > 0
    assert [found for found in findings(lived) if finding in found]
