"""The store of keys lost and restored under a running service: it goes on with what came back, without a restart."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from api.http.app import create_app
from api.institutions.roles import Role
from api.operations.doctor import keys as doctor
from api.operations.doctor.subject import Subject
from api.personal.leftover_keys import restore_keys
from api.screening.parameters import LOST_S
from api.service import Service
from api.storage.recordkeys import backup, standing
from api.storage.recordkeys.opening import with_records
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.sealing import KEY_BYTES, record_key_of
from tests.api.bodies import register, verify
from tests.api.clients import KeyedClient
from tests.api.databases import own_database
from tests.api.entries import new_key
from tests.api.screening.conftest import build
from tests.api.screening.entries import approve, propose


@dataclass
class Office:
    """A service with a store of keys of its own."""

    service: Service
    authority: TestClient
    terminal: TestClient
    supervisors: tuple[TestClient, TestClient]

    def lose(self) -> None:
        """The store's database is gone; another process makes it anew."""
        with self.service.keys.of_records.database.begin() as store:
            store.execute(text("TRUNCATE record_keys, erased_keys"))
            store.execute(text("UPDATE key_store SET text_key_id = NULL, master_key_id = NULL"))

    def pass_time(self) -> None:
        """As though all that a process keeps in memory of keys were past its time."""
        records = self.service.keys.of_records
        records.of_texts_until = 0.0
        for one in records.standing.values():
            one.until = 0.0
        self.service.impostors._lost_at = -LOST_S

    def diagnosed(self) -> list[str]:
        """What the doctor says of the keys."""
        keys = self.service.keys.of_records.database
        with self.service.database.single() as data, keys.single() as store:
            return [one.code for one in doctor.record_keys_there(Subject(self.service.settings, data, store)) or ()]

    def hits(self, face: str) -> bool:
        """Whether somebody with this face and a good card of their own is found on the impostor list."""
        _, card = register(self.authority, face=face)
        answer = verify(self.terminal, card, face=face)
        assert answer["screening"]["status"] == "screened", answer["screening"]
        return "screening_hit" in answer["person"]["reasons"]


@pytest.fixture(scope="module")
def office(service: Service, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with own_database(service, migrated) as database:
        made = build(tmp_path_factory.mktemp("office"), database.url.render_as_string(hide_password=False))
        # What the thread does once a second is done by the tests.
        made.impostors.stop()
        app = create_app(made)

        def of(role: Role, house: str) -> TestClient:
            key = new_key(made.database, made.keys, role, house)
            return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)

        both = of(Role.SUPERVISOR, "bank"), of(Role.SUPERVISOR, "bank")
        yield Office(made, of(Role.AUTHORITY, "bureau"), of(Role.TERMINAL, "bank"), both)
        made.close()


def restored_by_another_process(office: Office, path: Path) -> Any:
    """As `renzheng keys restore` does it: with nothing of the service's memory."""
    here = office.service
    with here.database.begin() as connection:
        deployment = connection.execute(text("SELECT value FROM deployment WHERE fact = 'deployment_id'")).scalar_one()
    own = with_records(here.settings, here.database, here.keys, UUID(deployment))
    try:
        return restore_keys(here.database, own, path)
    finally:
        own.of_records.close()


def test_a_running_service_goes_on_with_what_came_back(office: Office, tmp_path: Path) -> None:
    here, keeper = office.service, office.service.impostors
    _, card = register(office.authority, face="person:holder")
    for face in ("person:wanted", "person:sought"):
        approve(office.supervisors[1], propose(office.supervisors[0], face))
    keeper.look()
    sealed = seal_text(here.keys, b"a text", "here")
    assert verify(office.terminal, card, face="person:holder")["decision"] == "PASS"
    assert office.diagnosed() == []
    written = backup.backup(here.keys, tmp_path, 7)

    office.lose()
    office.pass_time()
    keeper._filler.fill()
    assert office.diagnosed() == ["record_keys_missing"]
    refused = verify(office.terminal, card, face="person:holder")
    assert refused["decision"] == "REVIEW", "nobody passes while the keys are away"
    # Life goes on: what is made now is under keys of the new store, its texts too.
    _, meanwhile = register(office.authority, face="person:newcomer")
    between = seal_text(here.keys, b"another", "here")
    assert record_key_of(between) != record_key_of(sealed)

    assert restored_by_another_process(office, written.path).restored > 0
    office.pass_time()
    keeper.look()
    assert office.diagnosed() == []
    assert verify(office.terminal, card, face="person:holder")["decision"] == "PASS"
    assert verify(office.terminal, meanwhile, face="person:newcomer")["decision"] == "PASS"
    assert [open_text(here.keys, one, "here") for one in (sealed, between)] == [b"a text", b"another"]
    assert office.hits("person:wanted")
    assert not office.hits("person:nobody")


def test_an_entry_whose_key_alone_was_lost_is_found_again(office: Office, tmp_path: Path) -> None:
    """Of the list the others are searched meanwhile; the thread sees by itself that the key came back."""
    here, keeper = office.service, office.service.impostors
    for face in ("person:early", "person:late"):
        approve(office.supervisors[1], propose(office.supervisors[0], face))
    written = backup.backup(here.keys, tmp_path, 7)
    (lost,) = _key_of_newest_entry(office)
    with here.keys.of_records.database.begin() as store:
        store.execute(text("DELETE FROM record_keys WHERE id = :id"), {"id": lost})
    keeper._filler.fill()
    assert (office.hits("person:early"), office.hits("person:late")) == (True, False)
    office.pass_time()
    keeper.look()
    assert not office.hits("person:late"), "it did not come back yet"
    restored_by_another_process(office, written.path)
    office.pass_time()
    keeper.look()
    assert (office.hits("person:early"), office.hits("person:late")) == (True, True)


def _key_of_newest_entry(office: Office) -> Any:
    newest = text(
        "SELECT encode(substring(t.template_sealed FROM 2 FOR 16), 'hex')::uuid FROM impostor_templates AS t"
        " JOIN impostors AS i ON i.id = t.impostor_id ORDER BY i.listed_seq DESC LIMIT 1"
    )
    with office.service.database.begin() as connection:
        return connection.execute(newest).scalars().all()


def test_a_store_made_anew_seals_texts_as_the_lost_one_did(office: Office, tmp_path: Path) -> None:
    """So that replicas that know the former key, and sessions of pages with them, go on."""
    here = office.service
    before = record_key_of(seal_text(here.keys, b"x", "here"))
    assert before is not None
    written = backup.backup(here.keys, tmp_path, 7)
    office.lose()
    restored_by_another_process(office, written.path)
    office.pass_time()
    assert record_key_of(seal_text(here.keys, b"y", "here")) == before
    assert len(standing.of(here.keys, before, "text", bytes)) == KEY_BYTES
