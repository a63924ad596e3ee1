"""Backups of record keys: what was lost comes back, what was deleted does not, and nothing after the backup's end."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text

from api.service import Service
from api.storage import migrate
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys import RecordKeys, notes
from api.storage.recordkeys import backup as backups
from api.storage.recordkeys.backup import BackupUnusable
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.opening import MIGRATIONS, bind
from api.storage.recordkeys.rotating import rotate
from api.storage.recordkeys.wrapping import LocalMasterKey
from api.storage.tables import key_erasures
from tests.api.conftest import NewDatabase


@pytest.fixture
def keys(service: Service, new_database: NewDatabase) -> Keys:
    """The shared service's keys over a store of their own; its deletions are noted in the shared database."""
    database = new_database()
    migrate.upgrade(database, scripts=MIGRATIONS)
    with database.begin() as connection:
        bind(connection, uuid4())
    return replace(service.keys, records=RecordKeys(database, MasterKeys([LocalMasterKey(service.keys.master)])))


def lose(store: Database) -> None:
    with store.begin() as connection:
        connection.execute(text("TRUNCATE record_keys, erased_keys"))


def test_lost_keys_come_back_and_deleted_ones_do_not(service: Service, keys: Keys, tmp_path: Path) -> None:
    store = keys.of_records
    made = dict(store.make() for _ in range(4))
    kept, erased_here, erased_there, whole = made
    written = backups.backup(keys, tmp_path / "own", 7)
    assert (written.keys, written.removed) == (4, 0)
    assert written.path.stat().st_mode & 0o777 == 0o600
    assert not any(key in written.path.read_bytes() for key in made.values())
    store.forget([erased_here])
    done = backups.restore(service.database, keys, written.path)
    assert (done.restored, done.there, done.erased) == (0, 3, 1)
    # The store is lost with its own notes: those of the data still count.
    lose(store.database)
    with service.database.begin() as connection:
        connection.execute(insert(key_erasures).values(key_id=erased_there, done_at=text("now()")))
    done = backups.restore(service.database, keys, written.path)
    assert (done.restored, done.there, done.erased) == (3, 0, 1)
    assert store.read(made) == {one: made[one] for one in (kept, whole, erased_here)}


def test_a_key_that_is_erased_while_it_is_restored_does_not_come_back(
    service: Service, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = keys.of_records
    erased, _ = store.make()
    written = backups.backup(keys, tmp_path, 7)
    lose(store.database)
    looked = backups._gone
    before: list[bool] = []

    def erasing(data: Database, records: Database, ids: set[UUID]) -> set[UUID]:
        found = looked(data, records, ids)
        if not before:
            before.append(True)
            with service.database.begin() as connection:
                notes.note_ids(connection, ids)
            store.forget(ids)
        return found

    monkeypatch.setattr(backups, "_gone", erasing)
    backups.restore(service.database, keys, written.path)
    assert store.read([erased]) == {}


def test_a_store_that_was_made_anew_wraps_as_the_lost_one_did(service: Service, keys: Keys, tmp_path: Path) -> None:
    store = keys.of_records
    other = LocalMasterKey(bytes(range(32)))
    masters = MasterKeys([LocalMasterKey(service.keys.master), other])
    keys = replace(keys, records=RecordKeys(store.database, masters))
    made, key = keys.of_records.make()
    rotate(keys.of_records, other.id)
    written = backups.backup(keys, tmp_path, 7)
    lose(store.database)
    with store.database.begin() as connection:
        connection.execute(text("UPDATE key_store SET master_key_id = NULL"))
    assert backups.restore(service.database, keys, written.path).restored == 1
    assert keys.of_records.chosen == other.id
    assert keys.of_records.read([made]) == {made: key}


def test_a_backup_past_its_end_is_refused_and_taken_away(service: Service, keys: Keys, tmp_path: Path) -> None:
    keys.of_records.make()
    written = backups.backup(keys, tmp_path, 0)
    with pytest.raises(BackupUnusable, match="key_backup_expired"):
        backups.restore(service.database, keys, written.path)
    strange = tmp_path / f"other{backups.SUFFIX}"
    strange.write_text("somebody's")
    again = backups.backup(keys, tmp_path, 7)
    assert again.removed == 1
    assert {path.name for path in tmp_path.iterdir()} == {strange.name, again.path.name}


@pytest.mark.parametrize("damage", ["longer life", "cut", "another key"])
def test_a_changed_backup_is_refused(service: Service, keys: Keys, tmp_path: Path, damage: str) -> None:
    keys.of_records.make()
    path = backups.backup(keys, tmp_path, 7).path
    lines = path.read_text().splitlines(keepends=True)
    if damage == "longer life":
        lines[0] = lines[0].replace('"expires_at": "20', '"expires_at": "21')
    elif damage == "cut":
        del lines[1]
    path.write_text("".join(lines))
    asked = replace(keys, index=bytes(32)) if damage == "another key" else keys
    with pytest.raises(BackupUnusable, match="key_backup_damaged"):
        backups.restore(service.database, asked, path)


def test_another_deployments_backup_is_refused(service: Service, keys: Keys, tmp_path: Path) -> None:
    path = backups.backup(keys, tmp_path, 7).path
    with keys.of_records.database.begin() as connection:
        connection.execute(text("UPDATE key_store SET deployment = gen_random_uuid()"))
    with pytest.raises(BackupUnusable, match="key_backup_foreign"):
        backups.restore(service.database, keys, path)
