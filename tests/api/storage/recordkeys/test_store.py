"""The store of record keys: made, read, deleted; bound to its deployment; in a database of its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import errors
from sqlalchemy import inspect, text

from api.service import Service
from api.settings import Settings
from api.storage import migrate
from api.storage.database import Database
from api.storage.errors import (
    DatabaseAddressInvalid,
    DatabaseUnavailable,
    KeyStoreForeign,
    KeyUnavailable,
    MasterKeyUnavailable,
    SealBroken,
)
from api.storage.keys import Keys
from api.storage.recordkeys import KeyGone, RecordKeys, open_sealed, opening
from api.storage.recordkeys.envelopes import keys_of
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.opening import MIGRATIONS, bind, with_records
from api.storage.recordkeys.sweeping import SEALED, Swept, sweep
from api.storage.recordkeys.tables import metadata
from api.storage.recordkeys.texts import seal_text
from api.storage.recordkeys.wrapping import LocalMasterKey
from api.storage.sealing import seal, seal_under
from tests.api.conftest import NewDatabase
from tests.api.databases import administer


@pytest.fixture
def store(new_database: NewDatabase) -> RecordKeys:
    """An empty store."""
    database = new_database()
    migrate.upgrade(database, scripts=MIGRATIONS)
    with database.begin() as connection:
        bind(connection, uuid4())
    return RecordKeys(database, MasterKeys([LocalMasterKey(bytes(32))]))


def over(keys: Keys, store: RecordKeys) -> Keys:
    return replace(keys, records=store)


def test_a_key_is_read_until_it_is_deleted(store: RecordKeys) -> None:
    (one, key), (other, another) = store.make(), store.make()
    assert key != another
    assert store.read([one, other, uuid4()]) == {one: key, other: another}
    assert store.forget([one]) == 1
    assert store.read([one, other]) == {other: another}
    assert store.forget([one]) == 0
    assert store.read([]) == {}


def test_it_lies_there_wrapped_and_bound_to_its_identifier(store: RecordKeys) -> None:
    (one, key), (other, _) = store.make(), store.make()
    with store.database.begin() as connection:
        rows = connection.execute(text("SELECT wrapped FROM record_keys")).scalars().all()
        assert all(key not in row for row in rows)
        exchanged = (
            "UPDATE record_keys SET wrapped = (SELECT wrapped FROM record_keys WHERE id = :one) WHERE id = :other"
        )
        connection.execute(text(exchanged), {"one": one, "other": other})
    assert store.read([one, other]) == {one: key, other: None}
    strange = RecordKeys(store.database, MasterKeys([LocalMasterKey(b"x" * 32)]))
    with pytest.raises(MasterKeyUnavailable):
        strange.read([one])


def test_an_envelope_says_whether_it_is_damaged_or_gone(service: Service, store: RecordKeys) -> None:
    keys = over(service.keys, store)
    key_id, key = store.make()
    envelope = seal_under(key_id, key, b"template", "here")
    assert open_sealed(keys, envelope, "here", keys_of(keys, [envelope])) == b"template"
    for damaged, place in ((envelope, "there"), (envelope[:-1], "here"), (envelope[:20], "here"), (b"", "here")):
        with pytest.raises(SealBroken) as told:
            open_sealed(keys, damaged, place, keys_of(keys, [damaged]))
        assert told.type is SealBroken
    store.forget([key_id])
    with pytest.raises(KeyGone):
        open_sealed(keys, envelope, "here", keys_of(keys, [envelope]))
    before = seal(keys.master, b"old", "here")
    assert open_sealed(keys, before, "here", keys_of(keys, [before])) == b"old", "from before there was a store"


def test_without_a_store_nothing_is_sealed(service: Service) -> None:
    with pytest.raises(KeyUnavailable, match="not opened"):
        _ = replace(service.keys, records=None).of_records


def test_its_tables_and_migrations_agree_and_go_down_again(new_database: NewDatabase) -> None:
    database = new_database()
    migrate.upgrade(database, scripts=MIGRATIONS)
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrate.current(connection) == migrate.head(MIGRATIONS)
    migrate.downgrade(database, "base", scripts=MIGRATIONS)
    with database.begin() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_store_serves_one_deployment(service: Service, new_database: NewDatabase) -> None:
    data, ours = new_database(), uuid4()
    address = data.url.render_as_string(hide_password=False)
    settings = service.settings.model_copy(update={"database_url": address, "key_store_url": address})
    for deployment in (ours, ours):
        with_records(settings, data, service.keys, deployment).of_records.close()
    with pytest.raises(KeyStoreForeign):
        with_records(settings, data, service.keys, uuid4())


def test_replicas_that_start_together_make_one_store(service: Service, new_database: NewDatabase) -> None:
    """Each in a pool of its own, as in processes of their own; nobody fails, and all read what one made."""
    data, deployment = new_database(), uuid4()
    address = data.url.render_as_string(hide_password=False)
    settings = service.settings.model_copy(update={"database_url": address, "key_store_url": None})
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: with_records(settings, data, service.keys, deployment), range(4)))
    key_id, key = opened[0].of_records.make()
    texts = {seal_text(keys, b"text", "here")[1:17] for keys in opened}
    found = [keys.of_records.read([key_id]) for keys in opened]
    name = opened[0].of_records.database.url.database
    for keys in opened:
        keys.of_records.close()
    administer(service, f"DROP DATABASE {name} WITH (FORCE)")
    assert found == [{key_id: key}] * 4
    assert len(texts) == 1, "and one key of texts"


def test_a_template_of_databases_that_is_in_use_is_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(opening, "CREATE_PAUSE_S", 0)

    def create(_: str, name: str) -> None:
        tried.append(name)
        if len(tried) < 3:
            raise errors.ObjectInUse

    monkeypatch.setattr(opening, "_create_once", create)
    opening._create(service.database.url, "name")
    assert tried == ["name"] * 3
    tried.clear()
    monkeypatch.setattr(opening, "CREATE_TRIES", 2)
    with pytest.raises(DatabaseUnavailable):
        opening._create(service.database.url, "name")


def test_it_is_another_database_than_that_of_the_data(service: Service) -> None:
    data, store = service.database.url, service.keys.of_records.database.url
    assert (data.database, store.database) == ("renzheng", "renzheng_keys")
    with service.database.begin() as connection:
        assert "record_keys" not in inspect(connection).get_table_names()


def test_an_address_that_is_none_is_told_without_itself(service: Service, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, key_store_url="mysql://u:secret@host/x")
    with pytest.raises(DatabaseAddressInvalid, match="RENZHENG_KEY_STORE_URL") as told:
        with_records(settings, service.database, service.keys, uuid4())
    assert "secret" not in str(told.value)


def make_older(store: Database) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE record_keys SET created_at = created_at - interval '2 days'"))


def test_sweeping_takes_what_opens_nothing_and_is_a_day_old(
    service: Service, store: RecordKeys, new_database: NewDatabase
) -> None:
    data, keys = new_database(), over(service.keys, store)
    with data.begin() as connection:
        for table, columns in groupby(SEALED, itemgetter(0)):
            named = ", ".join(f"{column} bytea" for _, column in columns)
            connection.execute(text(f"CREATE TABLE {table} ({named}, transform_id uuid)"))
        connection.execute(text("CREATE TABLE face_transforms (id uuid, superseded_at timestamptz)"))
        used = [store.make() for _ in range(2)]
        values = [{"sealed": seal_under(*one, b"x", "here")} for one in used]
        connection.execute(text("INSERT INTO templates VALUES (:sealed)"), values[0])
        connection.execute(text("INSERT INTO impostor_templates VALUES (:sealed), ('\\x01')"), values[1])
        (turning, _), (former, _), (present, _) = (store.make() for _ in range(3))
        connection.execute(text("UPDATE templates SET transform_id = :id"), {"id": turning})
        made = text("INSERT INTO face_transforms VALUES (:former, now()), (:turning, now()), (:present, NULL)")
        connection.execute(made, {"former": former, "turning": turning, "present": present})
    seal_text(keys, b"text", "here")
    assert store.of_texts is not None
    (orphan, _) = store.make()
    assert sweep(data, keys, delete=True).deleted == 0, "somebody may be about to use it"
    make_older(store.database)
    counted = sweep(data, keys, delete=False)
    assert (counted.keys, counted.orphans, counted.deleted) == (7, 2, 0)
    told: list[Swept] = []

    def refuse(swept: Swept) -> None:
        told.append(swept)
        raise DatabaseUnavailable("no act can be recorded")

    with pytest.raises(DatabaseUnavailable):
        sweep(data, keys, delete=True, before_deleted=refuse)
    assert told == [Swept(7, 2, 2)]
    assert set(store.read([orphan])) == {orphan}, "what is not told is not deleted"
    assert sweep(data, keys, delete=True).deleted == 2
    kept = {turning, present, store.of_texts, *(one for one, _ in used)}
    assert set(store.read([orphan, former, *kept])) == kept
    with data.begin() as connection:
        connection.execute(text("DELETE FROM templates"))
        connection.execute(text("DELETE FROM impostor_templates"))
    again = sweep(data, keys, delete=True)
    assert (again.orphans, again.deleted) == (3, 0), "half of all: the database is of another day"
