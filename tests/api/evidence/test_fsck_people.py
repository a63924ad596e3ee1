"""Rows that were changed behind the acts' back: keys, principals, stored answers, who stood at the counter."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text

from api.evidence import fsck
from api.evidence.sequencer import drain
from api.institutions import credentials, principals, rotation
from api.institutions.roles import Role, Scope
from api.service import Service
from tests.api.bodies import fresh_key, register, report, verify
from tests.api.databases import own_database
from tests.api.elsewhere import over
from tests.api.scripted import ScriptedComparer
from tests.api.verification.guessers import settle, watchful

DAMAGE: dict[str, tuple[str, str]] = {
    "a number of the feed gone": (
        "DELETE FROM feed_events WHERE seq = (SELECT min(seq) FROM feed_events)",
        "numbers",
    ),
    "the newest number of the feed gone": (
        "DELETE FROM feed_events WHERE seq = (SELECT max(seq) FROM feed_events)",
        "numbers",
    ),
    "a card told to be good": (
        "UPDATE feed_events SET invalid = false WHERE invalid",
        "cards whose status the feed tells otherwise",
    ),
    "another card told of": (
        "UPDATE feed_events SET tag = substr(sha256(tag), 1, 16)",
        "numbers of the feed with another card's tag",
    ),
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
    "more rights for a key": (
        "UPDATE credentials SET scopes = NULL WHERE scopes IS NOT NULL",
        "keys with other rights or another end than they were issued with",
    ),
    "a key that no longer ends": (
        "UPDATE credentials SET expires_at = NULL WHERE replaced_by IS NOT NULL",
        "keys with other rights or another end than they were issued with",
    ),
    "signatures no longer asked for": (
        "UPDATE credentials SET public_key = NULL WHERE public_key IS NOT NULL",
        "keys with other rights or another end than they were issued with",
    ),
    "another channel": (
        "UPDATE principals SET channel = 'counter' WHERE channel = 'kiosk'",
        "principals with another channel or allowance than they were added with",
    ),
    "a larger allowance": (
        "UPDATE principals SET requests_per_minute = 100000",
        "principals with another channel or allowance than they were added with",
    ),
    "a branch of another": (
        "UPDATE institutions SET parent_id = NULL WHERE parent_id IS NOT NULL",
        "institutions under another parent than they were added under",
    ),
    "a longer reach": (
        "UPDATE institutions SET path = array_prepend(id, path) WHERE parent_id IS NULL",
        "institutions whose path is not their parent's and themselves",
    ),
    "a lock lifted": (
        "UPDATE card_locks SET until = clock_timestamp()",
        "cards whose number's lock ended before its time, and no act ended it",
    ),
    "a lock taken away": (
        "DELETE FROM card_locks",
        "cards whose number's lock ended before its time, and no act ended it",
    ),
    "an alert closed": (
        "UPDATE alerts SET closed_at = clock_timestamp() WHERE closed_at IS NULL",
        "alerts that are raised or closed otherwise than the acts say",
    ),
    "an alert opened again": (
        "UPDATE alerts SET closed_at = NULL WHERE closed_at IS NOT NULL",
        "alerts that are raised or closed otherwise than the acts say",
    ),
    "an alert made up": (
        "INSERT INTO alerts (id, kind, institution_id, details, raised_at)"
        " SELECT gen_random_uuid(), kind, institution_id, details, clock_timestamp() FROM alerts LIMIT 1",
        "alerts that are raised or closed otherwise than the acts say",
    ),
    "an expired card that runs on": (
        "UPDATE cards SET valid_to = NULL",
        "cards with another number, issuer or validity than they were registered with",
    ),
    "somebody else's card": (
        "UPDATE cards SET number_index = sha256(number_index)",
        "cards with another number, issuer or validity than they were registered with",
    ),
    "a card that looks like another's": (
        "UPDATE cards SET issuer = '南京市公安局'",
        "cards with another number, issuer or validity than they were registered with",
    ),
    "another chip's serial": (
        "UPDATE cards SET serial_index = sha256('x')",
        "cards with another serial, text or template than their last enrolment says",
    ),
    "another person's name in the text": (
        'UPDATE cards SET text_index = \'{"name": "00"}\'',
        "cards with another serial, text or template than their last enrolment says",
    ),
    "a template taken away": (
        "DELETE FROM templates",
        "cards with another serial, text or template than their last enrolment says",
    ),
    "a template of another engine": (
        "UPDATE templates SET engine = 'other'",
        "cards with another serial, text or template than their last enrolment says",
    ),
    "a template that is damaged": (
        "UPDATE templates SET template_sealed = substr(template_sealed, 1, 50)",
        "cards with another serial, text or template than their last enrolment says",
    ),
    "a serial changed with what its event says": (
        "UPDATE card_events SET holds = sha256('x') WHERE holds IS NOT NULL",
        "is recorded otherwise: holdings",
    ),
    "holdings that no event tells of any more": (
        "UPDATE card_events SET holds = NULL",
        "is recorded otherwise: holdings",
    ),
    "a card taken over": (
        "UPDATE cards SET registered_by = (SELECT id FROM principals WHERE role = 'terminal' LIMIT 1)",
        "cards of another authority than registered them",
    ),
    "a death kept from those whose cards it reached": (
        "DELETE FROM alerts WHERE kind = 'holder_deceased_elsewhere'",
        "alerts that an act raised and that are gone",
    ),
    "an alert kept from its readers": ("DELETE FROM alerts", "alerts that an act raised and that are gone"),
    "another promise": (
        "UPDATE verifications SET answer = jsonb_set(answer::jsonb, '{receipt,include_by}', '\"2099-01-01\"')::json",
        "is recorded otherwise: receipt",
    ),
}


@pytest.fixture(scope="module")
def lived(service: Service, migrated: str) -> Iterator[Service]:
    """A service in which one of everything happened. No test changes it: what a test does is rolled back."""
    with own_database(service, migrated) as database:
        alone = replace(over(service, database), comparer=ScriptedComparer())
        live(alone)
        drain(database, alone.keys)
        yield alone


def live(service: Service) -> None:
    """People come and go, keys are issued, rotated and revoked; a card passes, two numbers are locked, one released."""
    town = settle(watchful(service))
    assert verify(town.client(), town.card)["decision"] == "PASS"
    with service.database.begin() as connection:
        gone = principals.add(connection, service.keys, "bank", secrets.token_hex(4), Role.TERMINAL, channel="kiosk")
        other = principals.add(connection, service.keys, "bank/branch", "other", Role.OPERATOR)
        signing = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        credentials.issue(
            connection,
            service.keys,
            other.id,
            other.institution_id,
            actor_id=None,
            scopes=[Scope.VERIFY],
            public_key=signing,
        )
        old = credentials.issue(connection, service.keys, other.id, other.institution_id, actor_id=None)
        rotation.rotate(connection, service.keys, old.id, other.institution_id, overlap_s=60, actor_id=None)
        credentials.revoke(connection, service.keys, other.issued.id, other.institution_id, actor_id=None)
        principals.disable(connection, service.keys, "bank", gone.name)
    town.guess()
    alert = town.authority.get("/v1/alerts").json()["items"][0]
    closed = town.authority.post(f"/v1/alerts/{alert['id']}/close", json={"note": "seen"}, headers=fresh_key()).json()
    assert closed["lock_released"]
    settle(watchful(service)).guess()
    report(town.authority, town.card_id, "reported_lost")
    dead_id, _ = register(town.client(Role.AUTHORITY), {**town.card, "issuer": "上海市公安局"})
    report(town.authority, town.card_id, "holder_deceased")
    assert dead_id != town.card_id


def findings(connection: Connection, service: Service) -> list[str]:
    return list(fsck.check(connection, service.keys).findings)


def test_what_the_acts_say_is_sound(lived: Service) -> None:
    with lived.database.begin() as connection:
        assert findings(connection, lived) == []


@pytest.mark.parametrize("what", DAMAGE)
def test_what_they_do_not_say_is_found(lived: Service, what: str) -> None:
    statement, finding = DAMAGE[what]
    with lived.database.engine.connect() as connection:
        changed: Any = connection.execute(text(statement.replace(":", r"\:").replace(r"\:\:", "::")))
        assert changed.rowcount > 0
        assert [found for found in findings(connection, lived) if finding in found]
        connection.rollback()
