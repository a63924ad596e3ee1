"""Rows that were changed behind the acts' back are found: nobody covers an omission in silence."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from api.evidence import fsck
from api.evidence.sequencer import drain
from api.http.app import create_app
from api.institutions.roles import Role
from api.service import Service
from tests.api.accountability.business import (
    decide_override,
    enter_override,
    open_dispute,
    report_many,
    resolve_dispute,
    transaction,
)
from tests.api.bodies import register, verify
from tests.api.clients import KeyedClient
from tests.api.databases import own_database
from tests.api.elsewhere import over
from tests.api.entries import new_key

DAMAGE: dict[str, tuple[str, str]] = {
    "an omission covered": (
        "UPDATE transactions SET cause = NULL WHERE cause = 'no_check'",
        "transactions that no check carries",
    ),
    "an omission called something else": (
        "UPDATE transactions SET cause = 'check_used' WHERE cause = 'no_check'",
        "is recorded otherwise: omission",
    ),
    "a requirement taken back": (
        "UPDATE transactions SET required = false, cause = NULL WHERE cause = 'no_check'",
        "is recorded otherwise: requirement, omission",
    ),
    "another check": (
        "UPDATE transactions SET verification_id = gen_random_uuid() WHERE cause IS NULL AND required",
        "transactions that no check carries",
    ),
    "a check that carries two": (
        "DROP INDEX ix_transactions_carried; UPDATE transactions SET cause = NULL WHERE cause = 'check_used'",
        "checks on which more than one transaction rests",
    ),
    "a transaction gone": ("DELETE FROM transactions WHERE cause = 'no_check'", "it tells of a transaction that is"),
    "an omission of nothing": (
        "UPDATE transactions SET cause = 'no_check' WHERE NOT required",
        "omissions of transactions that needed no check",
    ),
    "another day": (
        "UPDATE transactions SET done_at = done_at - interval '1 day'",
        "is recorded otherwise: time",
    ),
    "an approval that nobody gave": (
        "UPDATE overrides SET state = 'approved', decided_by = (SELECT id FROM principals WHERE role = 'terminal'),"
        " decided_at = now() WHERE state = 'entered'",
        "overrides that are recorded otherwise than the acts say",
    ),
    "an approval by one person": (
        "ALTER TABLE overrides DROP CONSTRAINT ck_overrides_second_person;"
        "UPDATE overrides SET decided_by = entered_by WHERE state = 'approved'",
        "overrides that no second person approved",
    ),
    "an approval taken back": (
        "UPDATE overrides SET state = 'refused' WHERE state = 'approved'",
        "transactions that no check carries",
    ),
    "another reason": ("UPDATE overrides SET reason = 'other'", "overrides that are recorded otherwise"),
    "an override gone": (
        "DELETE FROM overrides WHERE state = 'entered'",
        "overrides that an act entered and that are gone",
    ),
    "an override of a lost card": (
        "UPDATE verifications SET document_status = 'card_reported_lost' WHERE decision = 'REVIEW'",
        "overrides of decisions that nobody goes past",
    ),
    "an override at another terminal": (
        "UPDATE overrides SET terminal_id = entered_by",
        "overrides of another terminal's decisions",
    ),
    "a dispute resolved in silence": (
        "UPDATE check_disputes SET state = 'rejected', resolved_by = opened_by WHERE state = 'open'",
        "disputes of checks that are recorded otherwise than the acts say",
    ),
    "a dispute gone": ("DELETE FROM check_disputes WHERE state = 'open'", "that an act opened and that are gone"),
    "a verdict changed": ("UPDATE verifications SET decision = 'REVIEW'", "transactions that no check carries"),
}


def client(app: FastAPI, service: Service, role: Role) -> TestClient:
    key = new_key(service.database, service.keys, role, "bank" if role is not Role.AUTHORITY else None)
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def busy(service: Service, migrated: str) -> Iterator[Service]:
    """A house with business of every kind, in a database of its own."""
    with own_database(service, migrated, pool_size=3, timeout_s=30) as database:
        made = over(service, database)
        app = create_app(made)
        terminal = client(app, made, Role.TERMINAL)
        card = register(client(app, made, Role.AUTHORITY))[1]
        passed = verify(terminal, card)["id"]
        supervisors = [client(app, made, Role.SUPERVISOR) for _ in range(2)]
        past, open_one = (verify(terminal, card, face="maybe:a")["id"] for _ in range(2))
        decide_override(supervisors[1], enter_override(supervisors[0], past))
        enter_override(supervisors[0], open_one)
        resolve_dispute(supervisors[0], open_dispute(terminal, passed, past)["id"])
        open_dispute(terminal, passed, open_one)
        carried, used = transaction(verification=passed), transaction(verification=passed)
        report_many(terminal, carried, used, transaction(), transaction(kind="enquiry"), transaction(verification=past))
        drain(database, made.keys)
        yield made


def test_a_house_that_is_sound(busy: Service) -> None:
    with busy.database.begin() as connection:
        found = fsck.check(connection, busy.keys)
    assert found.findings == []
    assert found.leaves > 4


@pytest.mark.parametrize("what", DAMAGE)
def test_what_was_changed_is_told(busy: Service, what: str) -> None:
    statements, told = DAMAGE[what]
    with busy.database.engine.connect() as connection:
        for statement in statements.split(";"):
            assert connection.execute(text(statement)).rowcount != 0, statement
        found = fsck.check(connection, busy.keys).findings
        connection.rollback()
    assert any(told in one for one in found), found
