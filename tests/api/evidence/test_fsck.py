"""The check: what it finds, where it says the damage is, and what it does not hold for damage."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.evidence import fsck, leaves, log
from api.evidence.fsck import Kept, Report
from api.evidence.fsck.life_cycle import OTHERWISE
from api.evidence.sequencer import drain
from api.institutions.roles import Role
from api.service import Service
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_texts, evidence_tiles
from tests.api.bodies import new_card, register, report, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.databases import own_database
from tests.api.evidence.conftest import write


def checked(database: Database, keys: Keys, kept: Iterable[Kept] = ()) -> Report:
    with database.begin() as connection:
        fsck.freeze(connection)
        return fsck.check(connection, keys, tuple(kept))


def run(database: Database, statements: str) -> None:
    with database.begin() as connection:
        for statement in statements.split(";"):
            assert connection.execute(sa.text(statement.replace(":", r"\:"))).rowcount > 0, statement


@pytest.fixture(scope="module")
def logged(service: Service, migrated: str) -> Iterable[Database]:
    """A log of 600 leaves under two checkpoints, and three leaves that wait; what is damaged is rolled back."""
    with own_database(service, migrated, pool_size=2, timeout_s=30) as database:
        for count in (300, 300):
            write(database, service.keys, count)
            drain(database, service.keys)
        with pytest.MonkeyPatch.context() as patient:
            # These wait for as long as this file's tests take: their promised time must not be over before.
            patient.setattr(leaves, "PROMISE_S", 24 * 3600)
            write(database, service.keys, 3)
        yield database


def after(database: Database, keys: Keys, statements: str) -> Report:
    """The check after a damage, which is undone."""
    with database.engine.connect() as connection:
        for statement in statements.split(";"):
            assert connection.execute(sa.text(statement.replace(":", r"\:"))).rowcount > 0, statement
        found = fsck.check(connection, keys)
        connection.rollback()
    return found


def test_a_sound_log_is_called_sound(logged: Database, keys: Keys) -> None:
    found = checked(logged, keys)
    assert found.findings == []
    assert (found.leaves, found.waiting, found.checkpoints, found.acts) == (600, 3, 2, 603)
    assert (found.tiles, found.late, found.not_at_hand, found.sound) == (4, 0, 0, True)


DAMAGE = {
    "a leaf's text": (
        "UPDATE evidence_texts SET leaf = replace(leaf, '\"number\":7}', '\"number\":8}') WHERE seq = 8",
        "leaf 7: its text is not what was hashed",
    ),
    "a leaf's hash": ("UPDATE evidence SET leaf_hash = sha256(leaf_hash) WHERE place = 7", "tile 0/0: hash 7 "),
    "a leaf with its hash": (
        "UPDATE evidence_texts SET leaf = 'x' WHERE seq = 8;"
        "UPDATE evidence SET leaf_hash = sha256('\\x0078') WHERE seq = 8",
        "leaf 7: its receipt's signature is not the service's",
    ),
    "a signature": ("UPDATE evidence_texts SET signature = sha512(signature) WHERE seq = 8", "leaf 7: its receipt's"),
    "a promise": (
        "UPDATE evidence SET include_by = include_by + interval '1 day' WHERE place = 7",
        "leaf 7: its receipt's signature",
    ),
    "a promise that is gone": ("UPDATE evidence SET include_by = NULL WHERE place = 7", "leaf 7: its receipt's"),
    "a key's name": ("UPDATE evidence_texts SET signing_key_id = 'x' WHERE seq = 8", "leaf 7: it is signed with a key"),
    "a leaf's kind": ("UPDATE evidence SET kind = 'card_event' WHERE place = 7", "leaf 7: it tells of another act"),
    "a leaf's subject": (
        "UPDATE evidence SET subject_id = gen_random_uuid() WHERE place = 7",
        "leaf 7: it tells of another act",
    ),
    "a missing text": ("DELETE FROM evidence_texts WHERE seq = 8", "leaf 7: its text is missing"),
    "a missing leaf": ("DELETE FROM evidence WHERE place = 7", "places 7 to 7: leaves are missing"),
    "missing leaves": ("DELETE FROM evidence WHERE place BETWEEN 250 AND 305", "places 250 to 305: leaves are missing"),
    "a missing last leaf": ("DELETE FROM evidence WHERE place = 599", "checkpoint 600: the log has only 599 leaves"),
    "an order": (
        "UPDATE evidence SET place = CASE place WHEN 7 THEN -8 ELSE -7 END WHERE place IN (7, 8);"
        "UPDATE evidence SET place = -place WHERE place < 0",
        "tile 0/0: hash 7 ",
    ),
    "a leaf put in": (
        "UPDATE evidence SET place = -place - 2 WHERE place >= 7;"
        "UPDATE evidence SET place = -place - 1 WHERE place < 0;"
        "UPDATE evidence SET place = 7 WHERE seq = 601",
        "leaf 600: no checkpoint covers it",
    ),
    "a leaf behind the end": ("UPDATE evidence SET place = 600 WHERE seq = 601", "leaf 600: no checkpoint covers it"),
    "a leaf before the start": ("UPDATE evidence SET place = -1 WHERE seq = 601", "leaf -1: no checkpoint covers it"),
    "a tile": (
        "UPDATE evidence_tiles SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40)) WHERE level = 0",
        "tile 0/1: hash 1 ",
    ),
    "a longer tile": ("UPDATE evidence_tiles SET hashes = hashes || 'x' WHERE index = 2", "tile 0/2: hash 88 "),
    "a missing tile": ("DELETE FROM evidence_tiles WHERE level = 1", "tile 1/0: it is missing"),
    "a tile too many": ("INSERT INTO evidence_tiles VALUES (2, 9, 'x')", "tiles: 5 are stored, the leaves make 4"),
    "a tile elsewhere": ("UPDATE evidence_tiles SET index = 9 WHERE level = 1", "tile 1/0: it is missing"),
    "a checkpoint's root": (
        "UPDATE evidence_checkpoints SET root = sha256(root) WHERE size = 300",
        "checkpoint 300: the signed note says something else",
    ),
    "a checkpoint's size": (
        "UPDATE evidence_checkpoints SET size = 301 WHERE size = 300",
        "checkpoint 301: the signed note says something else",
    ),
    "a checkpoint's note": (
        "UPDATE evidence_checkpoints SET note = replace(note, '300', '301') WHERE size = 300",
        "checkpoint 300: it is not signed by the log",
    ),
    "a note with more behind it": (
        "UPDATE evidence_checkpoints SET note = note || chr(10) WHERE size = 300",
        "checkpoint 300: it is not signed by the log",
    ),
    "a missing checkpoint": (
        "DELETE FROM evidence_checkpoints WHERE size = 300",
        "checkpoint 600: the one before it, 300, is missing",
    ),
    "a missing last checkpoint": (
        "DELETE FROM evidence_checkpoints WHERE size = 600",
        "leaf 300: no checkpoint covers it",
    ),
    "a checkpoint of nothing": (
        "INSERT INTO evidence_checkpoints SELECT -1, root, note FROM evidence_checkpoints LIMIT 1",
        "checkpoint -1: there is no tree of that size",
    ),
    "a cut log": (
        "DELETE FROM evidence WHERE place >= 300; DELETE FROM evidence_checkpoints WHERE size > 300",
        "tile 0/1: hash 44 ",
    ),
    "a waiting leaf's text": (
        "UPDATE evidence_texts SET leaf = leaf || ' ' WHERE seq = 601",
        "waiting leaf 601: its text is not what was hashed",
    ),
    "a missing waiting leaf": (
        "DELETE FROM evidence WHERE seq = 601",
        "acts of kind administration without a leaf: 1: ",
    ),
    "a broken promise": (
        "UPDATE evidence SET include_by = '2020-01-01T00:00:00Z' WHERE seq = 601",
        "promises: [1-3] leaves have no place although the promised time is over",
    ),
    "a place that is gone": ("UPDATE evidence SET place = NULL WHERE place = 599", "checkpoint 600: the log has only"),
    "an act without a leaf": (
        "INSERT INTO acts SELECT gen_random_uuid(), act, actor_id, institution_id, subject_id, details, at FROM acts"
        " LIMIT 2",
        "acts of kind administration without a leaf: 2: ",
    ),
    "a leaf without an act": (
        "DELETE FROM acts WHERE id = (SELECT subject_id FROM evidence WHERE place = 7)",
        "leaf 7: it tells of a administration that is not there",
    ),
    "an act that says something else": (
        "UPDATE acts SET act = 'forgotten', at = at + interval '1 day' WHERE id ="
        " (SELECT subject_id FROM evidence WHERE place = 7)",
        r"leaf 7: the administration [0-9a-f-]{36} is recorded otherwise: act, time",
    ),
    "another's leaf": (
        "INSERT INTO evidence (kind, subject_id, leaf_hash) SELECT kind, subject_id, sha256(leaf_hash) FROM evidence"
        " WHERE place = 7",
        "acts with more than one leaf: 1: ",
    ),
    "an archive that no act tells of": (
        "DELETE FROM evidence_texts WHERE seq = 8; INSERT INTO evidence_archives VALUES (7, 7, 'x.jsonl.gz', 'x')",
        r"archive x\.jsonl\.gz: no act tells of it",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_placed(what: str, logged: Database, keys: Keys) -> None:
    statements, finding = DAMAGE[what]
    found = after(logged, keys, statements)
    assert not found.sound
    assert any(re.match(finding, told) for told in found.findings), found.findings
    assert found.damages < 20 or what in {"a missing last checkpoint", "a cut log", "a leaf put in"}, (
        "one damage does not bury its place under others"
    )


def test_the_check_leaves_nothing_of_a_damage_behind(logged: Database, keys: Keys) -> None:
    """Runs after the tests above: they shared the log."""
    assert checked(logged, keys).sound


def test_anothers_log_is_not_this_deployments(logged: Database, keys: Keys) -> None:
    found = checked(logged, replace(keys, signing=Ed25519PrivateKey.generate()))
    assert found.damages >= 605
    former = replace(keys, signing=Ed25519PrivateKey.generate(), former=(keys.signing.public_key(),))
    assert checked(logged, former).sound


def test_a_kept_checkpoint_finds_a_log_that_the_key_holder_rewrote(database: Database, keys: Keys) -> None:
    """Everything inside is made anew and signed well: only what was kept outside tells."""
    write(database, keys, 5)
    drain(database, keys)
    with database.begin() as connection:
        kept = Kept("kept.note", log.latest_checkpoint(connection) or "")
    assert checked(database, keys, [kept]).sound
    write(database, keys, 5)
    drain(database, keys)
    assert checked(database, keys, [kept]).sound
    run(
        database,
        "DELETE FROM evidence_texts WHERE seq = 3; DELETE FROM acts WHERE id = (SELECT subject_id FROM evidence"
        " WHERE seq = 3); DELETE FROM evidence WHERE seq = 3; DELETE FROM evidence_tiles;"
        "DELETE FROM evidence_checkpoints; UPDATE evidence SET place = NULL",
    )
    with database.begin() as connection:
        log.sequence(connection, keys, limit=5)
        log.sequence(connection, keys)
    assert checked(database, keys).sound
    found = checked(database, keys, [kept])
    assert found.findings == ["kept.note: the log of its 5 leaves was another, it was rewritten since"]


def test_a_kept_checkpoint_finds_a_log_that_was_cut_or_begun_again(database: Database, keys: Keys) -> None:
    write(database, keys, 5)
    drain(database, keys)
    with database.begin() as connection:
        kept = Kept("kept.note", log.latest_checkpoint(connection) or "")
    run(
        database,
        "DELETE FROM evidence_texts WHERE seq > 3; DELETE FROM acts WHERE id IN (SELECT subject_id FROM evidence"
        " WHERE seq > 3); DELETE FROM evidence WHERE seq > 3; DELETE FROM evidence_tiles;"
        "DELETE FROM evidence_checkpoints; UPDATE evidence SET place = NULL",
    )
    drain(database, keys)
    assert checked(database, keys).sound
    assert checked(database, keys, [kept]).findings == ["kept.note: the log had 5 leaves and has 3, it was cut"]
    write(database, keys, 7)
    drain(database, keys)
    found = checked(database, keys, [kept])
    assert found.findings == ["kept.note: the log of its 5 leaves was another, it was rewritten since"]


def test_a_kept_checkpoint_that_is_none_is_told(logged: Database, keys: Keys) -> None:
    with logged.begin() as connection:
        note = log.latest_checkpoint(connection) or ""
    for kept in ("", "nonsense", note.replace("600", "599")):
        found = checked(logged, keys, [Kept("kept.note", kept)])
        assert found.findings == ["kept.note: it is not signed with a key of this deployment"]


def test_leaves_from_before_the_log_stay_sound(database: Database, keys: Keys) -> None:
    """Their receipts promised nothing: version 1, signed without a time."""
    subject = uuid4()
    text = f'{{"id":"{subject}","kind":"administration","v":1}}'
    digest = leaves.leaf_hash(text)
    signature = keys.signing.sign(b"renzheng receipt v1\n" + digest)
    with database.begin() as connection:
        connection.execute(sa.insert(evidence).values(kind="administration", subject_id=subject, leaf_hash=digest))
        connection.execute(
            sa.insert(evidence_texts).values(seq=1, leaf=text, signature=signature, signing_key_id=keys.signing_id)
        )
    drain(database, keys)
    (finding,) = checked(database, keys).findings
    assert finding.startswith("leaf 0: it tells of a administration that is not there"), "and of nothing else"
    run(database, "UPDATE evidence SET include_by = now()")
    assert "leaf 0: its receipt's signature is not the service's" in checked(database, keys).findings


def test_leaves_that_came_late_are_counted_and_no_damage(database: Database, keys: Keys) -> None:
    with database.begin() as connection:
        old = datetime.now(UTC) - timedelta(days=1)
        leaves.append(connection, keys, "administration", uuid4(), old, {})
    drain(database, keys)
    assert checked(database, keys).late == 1


@pytest.fixture
def alone(service: Service, new_database: NewDatabase) -> Service:
    database = new_database(migrated=True)
    settings = service.settings.model_copy(update={"receipt_wait_s": 0})
    return replace(service, settings=settings, database=database)


RECORDS = {
    "UPDATE verifications SET decision = 'PASS'": r"leaf \d+: the verification \S+ is recorded otherwise: decision",
    "UPDATE verifications SET document_status = 'valid'": r"leaf .*: document status",
    "UPDATE verifications SET terminal_id = (SELECT id FROM principals WHERE role = 'authority')": r"leaf .*: terminal",
    "UPDATE verifications SET decided_at = decided_at + interval '1 second'": r"leaf .*: time",
    "UPDATE verifications SET answer = jsonb_set(answer::jsonb, '{decision}', '\"PASS\"')::json": r"leaf .*: answer",
    "UPDATE verifications SET instance_index = sha256(instance_index)": r"leaf .*: card",
    "DELETE FROM verifications": r"leaf \d+: it tells of a verification that is not there",
    "UPDATE card_events SET status = 'valid'": r"leaf \d+: the card_event \S+ is recorded otherwise: status",
    "DELETE FROM card_events WHERE event = 'reported_lost'": r"leaf \d+: it tells of a card_event that is not there",
    "UPDATE cards SET status = 'valid'": r"cards at another status than their last event says: 2: ",
    "UPDATE card_events SET event = 'found' WHERE event = 'reported_lost'": r"cards with events that could not .*: 1: ",
    "UPDATE card_events SET superseded_by = card_id WHERE event = 'reported_lost'": r"leaf .*: superseding card",
    "UPDATE card_events SET superseded_by = card_id WHERE event = 'reissued'": r"leaf .*: superseding card, s",
    "UPDATE cards SET surrendered = NOT surrendered": f"{OTHERWISE}: 4: ",
    "UPDATE cards SET disputed = NOT disputed": f"{OTHERWISE}: 4: ",
    "UPDATE cards SET superseded_by = id": f"{OTHERWISE}: 4: ",
    "UPDATE cards SET superseded_by = NULL": f"{OTHERWISE}: 1: ",
    "UPDATE principals SET role = 'authority'": "principals in another role than they were added in: 1: ",
    "UPDATE principals SET name = 'x' || id::text": "",
}


def test_every_act_is_as_its_leaf_says(alone: Service, new_client: NewClient) -> None:
    authority: TestClient = new_client(Role.AUTHORITY, service=alone)
    terminal = new_client(Role.TERMINAL, service=alone)
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    assert verify(terminal, card)["decision"] == "REFUSE"
    verify(terminal, new_card())
    disputed_id, _ = register(authority)
    report(authority, disputed_id, "dispute_opened")
    old_id, old = register(authority)
    new_id, _ = register(authority, {**old, "valid_from": "2026-03-01"})
    report(authority, old_id, "reissued", superseded_by=new_id)
    report(authority, old_id, "surrendered")
    drain(alone.database, alone.keys)
    found = checked(alone.database, alone.keys)
    assert found.findings == []
    assert found.acts == found.leaves > 4
    for damage, finding in RECORDS.items():
        told = after(alone.database, alone.keys, damage).findings
        assert any(re.match(finding, one) for one in told) if finding else not told, (damage, told)


def test_the_services_own_log_is_sound_and_has_every_act(service: Service) -> None:
    """Over everything that the tests before this one did."""
    drain(service.database, service.keys)
    found = checked(service.database, service.keys)
    assert found.findings == []
    with service.database.begin() as connection:
        assert found.tiles <= connection.execute(select(func.count()).select_from(evidence_tiles)).scalar_one()
