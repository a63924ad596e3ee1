"""A person erased: the templates and their keys are gone, for good, whatever backup of the data is restored."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select
from starlette.testclient import TestClient

from api.evidence import fsck
from api.institutions.roles import Role
from api.personal.finishing import ACT, finish
from api.service import Service
from api.storage.errors import DatabaseUnavailable
from api.storage.recordkeys.tables import erased_keys
from api.storage.sealing import record_key_of
from api.storage.tables import acts, card_events, evidence, evidence_texts, key_erasures, templates
from tests.api.bodies import Json, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error

GROUND = {"ground": "consent_withdrawn"}


def erase(authority: TestClient, card_id: str, key: dict[str, str] | None = None) -> Json:
    answer = authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=key or fresh_key())
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def held(service: Service, *card_ids: str) -> list[dict[str, Any]]:
    with service.database.begin() as connection:
        found = select(templates).where(templates.c.card_id.in_([UUID(one) for one in card_ids]))
        return [row._asdict() for row in connection.execute(found.order_by(templates.c.id))]


def keys_of(rows: list[dict[str, Any]]) -> set[UUID]:
    return {key for row in rows if (key := record_key_of(row["template_sealed"])) is not None}


@contextmanager
def restored(service: Service, rows: list[dict[str, Any]]) -> Iterator[None]:
    """The table of templates as an old backup has it; taken back, for the log is checked over all that tests leave."""
    with service.database.begin() as connection:
        connection.execute(insert(templates), rows)
    try:
        yield
    finally:
        with service.database.begin() as connection:
            connection.execute(delete(templates).where(templates.c.id.in_([row["id"] for row in rows])))


def test_a_backup_of_the_data_does_not_bring_a_person_back(
    service: Service, authority: TestClient, terminal: TestClient
) -> None:
    (card_id, card), (other_id, other) = register(authority, right_index="person:a"), register(authority)
    backup = held(service, card_id, other_id)
    assert len(backup) == 3
    told = erase(authority, card_id)
    assert (told["event"], told["status"], told["erased"], told["also"]) == ("biometrics_erased", "valid", 2, [])
    assert held(service, card_id) == []
    gone = [row for row in backup if str(row["card_id"]) == card_id]
    assert service.keys.of_records.read(keys_of(gone)) == {}
    with restored(service, gone):
        answer = verify(terminal, card, fingers={"right_index": "person:a"})
        assert answer["decision"] == "REVIEW"
        assert answer["person"]["reasons"] == ["not_assessed", "template_erased"]
        reasons = {reason["code"]: reason for reason in answer["words"]["reasons"]}
        assert reasons["template_erased"]["zh"]
        with service.database.begin() as connection:
            findings = fsck.check(connection, service.keys).findings
        assert any(card_id in finding for finding in findings), "nor does it go unseen"
    assert verify(terminal, other)["decision"] == "PASS", "other people's are as they were"
    assert verify(terminal, card)["person"]["reasons"] == ["not_assessed", "not_enrolled"]


def test_the_leaf_says_that_the_card_holds_nothing_and_another_names_the_keys(
    service: Service, authority: TestClient
) -> None:
    card_id, _ = register(authority)
    (key_id,) = keys_of(held(service, card_id))
    told = erase(authority, card_id)
    with service.database.begin() as connection:
        event = connection.execute(select(card_events).where(card_events.c.id == UUID(told["id"]))).one()
        assert event.reason == GROUND["ground"]
        leaf = f'"holds":"{event.holds.hex()}"'
        assert leaf in told["receipt"]["leaf"]
        found = select(evidence_texts.c.leaf).join(evidence, evidence.c.seq == evidence_texts.c.seq)
        every = connection.execute(found.join(acts, acts.c.id == evidence.c.subject_id).where(acts.c.act == ACT))
        assert any(str(key_id) in text for text in every.scalars())
        noted = connection.execute(select(key_erasures).where(key_erasures.c.key_id == key_id)).one()
        assert noted.done_at is not None
        report = fsck.check(connection, service.keys)
    assert not [finding for finding in report.findings if card_id in finding]
    with service.keys.of_records.database.begin() as connection:
        assert connection.execute(select(erased_keys).where(erased_keys.c.id == key_id)).one()


def test_all_cards_of_the_person_that_the_authority_registered(service: Service, new_client: NewClient) -> None:
    bureau, stranger = new_client(Role.AUTHORITY, "erasing bureau"), new_client(Role.AUTHORITY)
    card = new_card()
    first, _ = register(bureau, card)
    report(bureau, first, "reported_lost")
    second, _ = register(bureau, {**card, "valid_from": "2020-03-01"})
    elsewhere, _ = register(stranger, {**card, "valid_from": "2021-03-01"})
    told = erase(bureau, second)
    assert [one["card_id"] for one in (told, *told["also"])] == [second, first]
    assert held(service, first, second) == []
    assert len(held(service, elsewhere)) == 1, "another authority's, which has its own consent"
    assert_error(bureau.post(f"/v1/cards/{elsewhere}/erasure", json=GROUND, headers=fresh_key()), 404, "card_unknown")


def test_a_face_given_again_is_under_a_new_key(service: Service, authority: TestClient, terminal: TestClient) -> None:
    card_id, card = register(authority)
    before = keys_of(held(service, card_id))
    erase(authority, card_id)
    face = {"face": registration(card)["captures"]["face"]}
    assert authority.post(f"/v1/cards/{card_id}/face", json=face, headers=fresh_key()).status_code == 201
    assert keys_of(held(service, card_id)).isdisjoint(before)
    assert verify(terminal, card)["decision"] == "PASS"


def test_the_same_request_again_is_answered_as_before(service: Service, authority: TestClient) -> None:
    card_id, card = register(authority)
    key = fresh_key()
    told = erase(authority, card_id, key)
    face = {"face": registration(card)["captures"]["face"]}
    assert authority.post(f"/v1/cards/{card_id}/face", json=face, headers=fresh_key()).status_code == 201
    assert erase(authority, card_id, key) == told
    assert len(held(service, card_id)) == 1, "nothing is erased twice"


def test_a_store_that_does_not_answer_holds_nothing_up_for_good(
    service: Service, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, _ = register(authority)
    ids = keys_of(held(service, card_id))
    key = fresh_key()
    store = type(service.keys.of_records)
    with monkeypatch.context() as away:

        def silent(*_: object) -> int:
            raise DatabaseUnavailable("away")

        away.setattr(store, "forget", silent)
        answer = authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=key)
        assert_error(answer, 503, "database_unavailable")
        assert held(service, card_id) == []
        assert service.keys.of_records.read(ids)
    finish(service.database, service.keys)  # as the service's clock does
    assert service.keys.of_records.read(ids) == {}
    assert erase(authority, card_id, key)["erased"] == 1


@pytest.fixture
def finishing_alone(service: Service) -> Iterator[None]:
    """Nothing is left to finish, and the service's clock finishes nothing meanwhile."""
    service.forgetter.stop()
    finish(service.database, service.keys)
    yield
    service.forgetter.start()


@pytest.mark.usefixtures("finishing_alone")
def test_a_key_that_is_noted_is_deleted_once(service: Service) -> None:
    key_id, key = service.keys.of_records.make()
    assert service.keys.of_records.read([key_id]) == {key_id: key}
    with service.database.begin() as connection:
        connection.execute(insert(key_erasures).values(key_id=key_id))
    assert finish(service.database, service.keys) == 1
    assert service.keys.of_records.read([key_id]) == {}
    assert finish(service.database, service.keys) == 0
