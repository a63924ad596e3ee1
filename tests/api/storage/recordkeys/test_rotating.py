"""Another master key: everything rewrapped while keys are made, read and deleted; gone on with after a kill."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text, update

from api.service import Service
from api.settings import Settings
from api.storage import migrate
from api.storage.errors import KeyUnavailable, MasterKeyUnavailable
from api.storage.recordkeys import RecordKeys, masters
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.opening import MIGRATIONS, bind
from api.storage.recordkeys.rotating import rotate
from api.storage.recordkeys.tables import record_keys
from api.storage.recordkeys.transit import TransitMasterKey
from api.storage.recordkeys.wrapping import LocalMasterKey, master_id
from tests.api.conftest import NewDatabase
from tests.api.storage.recordkeys.transit_server import FakeTransit

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def store(new_database: NewDatabase, tmp_path: Path) -> RecordKeys:
    """An empty store, with keys in files of a folder."""
    database = new_database()
    migrate.upgrade(database, scripts=MIGRATIONS)
    with database.begin() as connection:
        bind(connection, uuid4())
    return RecordKeys(database, MasterKeys([LocalMasterKey(OLD)], tmp_path))


def test_keys_are_what_they_were_under_the_new_master_key(store: RecordKeys, tmp_path: Path) -> None:
    made = dict(store.make() for _ in range(7))
    name = masters.new_file(tmp_path)
    told: list[int] = []
    done = rotate(store, name, told.append)
    assert (done.rewrapped, done.left, sum(told)) == (7, 0, 7)
    assert store.by_master() == {name: 7}
    assert store.read(made) == made
    later, key = store.make()
    assert store.by_master() == {name: 8}
    # Another replica, started before the file was there.
    assert RecordKeys(store.database, MasterKeys([LocalMasterKey(OLD)], tmp_path)).read([later]) == {later: key}
    assert rotate(store, name).rewrapped == 0, "nothing is left to do"
    assert rotate(store, master_id(OLD)).rewrapped == 8, "and back"
    assert store.read(made) == made


def test_what_is_sealed_under_the_old_key_opens_no_more_without_it(store: RecordKeys) -> None:
    key_id, key = store.make()
    with pytest.raises(MasterKeyUnavailable, match=master_id(OLD)):
        RecordKeys(store.database, MasterKeys([LocalMasterKey(NEW)])).read([key_id])
    both = RecordKeys(store.database, MasterKeys([LocalMasterKey(OLD), LocalMasterKey(NEW)]))
    rotate(both, master_id(NEW))
    assert RecordKeys(store.database, MasterKeys([LocalMasterKey(NEW)])).read([key_id]) == {key_id: key}


def test_a_master_key_that_is_not_there_changes_nothing(store: RecordKeys) -> None:
    store.make()
    before = store.by_master()
    for name in ("0123456789abcdef", "../master"):
        with pytest.raises(MasterKeyUnavailable):
            rotate(store, name)
    store.make()
    assert store.by_master() == {master_id(OLD): 2} != before


def test_a_key_that_does_not_unwrap_is_told_and_left(store: RecordKeys, tmp_path: Path) -> None:
    (broken, _), (sound, key) = store.make(), store.make()
    with store.database.begin() as connection:
        connection.execute(update(record_keys).where(record_keys.c.id == broken).values(wrapped=bytes(60)))
    done = rotate(store, masters.new_file(tmp_path))
    assert (done.rewrapped, done.left) == (1, 1)
    assert store.read([broken, sound]) == {broken: None, sound: key}


def test_keys_that_are_made_meanwhile_are_under_the_new_one_in_the_end(store: RecordKeys, tmp_path: Path) -> None:
    """Whoever made one looked up the old name a moment before: it is not written under that."""
    made = dict(store.make() for _ in range(30))
    name, begun, ended = masters.new_file(tmp_path), threading.Event(), threading.Event()
    others: dict[UUID, bytes] = {}
    gone = [next(iter(made))]

    def work() -> None:
        while not ended.is_set() and len(others) < 500:
            key_id, key = store.make()
            others[key_id] = key
            begun.set()
            assert store.read([key_id]) == {key_id: key}

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    rotate(store, name, lambda _: [store.forget(gone)].clear(), rows_at_once=5)
    ended.set()
    thread.join()
    assert others
    del made[gone[0]]
    assert store.by_master() == {name: len(made) + len(others)}
    assert store.read([*made, *others]) == {**made, **others}


@pytest.mark.long
def test_killed_in_the_middle_it_goes_on_with_what_is_left(store: RecordKeys, tmp_path: Path) -> None:
    made = dict(store.make() for _ in range(400))
    name = masters.new_file(tmp_path)
    program = [sys.executable, "-m", "tests.api.storage.recordkeys.dying_rotation"]
    address = store.database.url.render_as_string(hide_password=False)
    kills = 0
    while store.by_master().get(name, 0) < len(made):
        environment = {**os.environ, "STORE": address, "OLD": OLD.hex(), "FOLDER": str(tmp_path), "NAME": name}
        with subprocess.Popen(program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if kills < 3:
                # Each batch is waited for: else all would be done before a busy machine looks again.
                for _ in range(3):
                    process.stdout.readline()
                    process.stdin.write(b"\n")
                    process.stdin.flush()
                process.stdout.readline()
                process.send_signal(signal.SIGKILL)
                kills += 1
            else:
                process.stdin.close()
                process.stdout.read()
        assert store.read(made) == made, "at any moment every key opens"
    assert kills == 3
    assert store.by_master() == {name: len(made)}


def test_a_key_in_the_environment_and_a_file_that_is_not_what_it_is_called(service: Service, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, master_keys="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")
    given = masters.of_deployment(settings, service.keys)
    assert given.first == service.keys.master_id
    assert given.named(master_id(NEW)).id == master_id(NEW)
    settings.keys_dir.mkdir()
    (settings.keys_dir / "master-0011223344556677.key").write_bytes(OLD)
    with pytest.raises(MasterKeyUnavailable):
        given.named("0011223344556677")
    with pytest.raises(ValueError, match="32 bytes in base64") as told:
        Settings(home=tmp_path, master_keys="c2hvcnQ=")
    assert "RENZHENG" not in str(told.value)


class TestTransit:
    """A key management service: HashiCorp Vault's transit engine, as its documentation has it."""

    @pytest.fixture
    def vault(self) -> FakeTransit:
        return FakeTransit("token")

    def master(self, vault: FakeTransit) -> TransitMasterKey:
        client = httpx.Client(transport=httpx.MockTransport(vault.answer), headers={"X-Vault-Token": "token"})
        return TransitMasterKey(client, "https://vault.example/v1/transit/", "renzheng")

    def test_keys_move_there_and_back(self, store: RecordKeys, vault: FakeTransit) -> None:
        made = dict(store.make() for _ in range(3))
        both = RecordKeys(store.database, MasterKeys([LocalMasterKey(OLD), self.master(vault)]))
        assert rotate(both, "transit:renzheng").rewrapped == 3
        assert both.read(made) == made
        key_id, key = both.make()
        assert both.read([key_id]) == {key_id: key}
        assert not any(key in one for one in vault.seen), "no key in clear but in base64 to be wrapped"
        asked = len(vault.seen)
        both.read(made)
        assert len(vault.seen) == asked + 1, "one journey for all"
        assert rotate(both, master_id(OLD)).rewrapped == 4

    def test_a_key_in_anothers_place_does_not_unwrap(self, vault: FakeTransit) -> None:
        master = self.master(vault)
        one, other = uuid4(), uuid4()
        (wrapped,) = master.wrap([(one, OLD)])
        assert master.unwrap([(other, wrapped), (one, wrapped)]) == [None, OLD]

    @pytest.mark.parametrize("trouble", ["sealed", "silent", "nonsense", "short", "forbidden"])
    def test_its_troubles_are_no_damage_of_ours(self, store: RecordKeys, vault: FakeTransit, trouble: str) -> None:
        both = RecordKeys(store.database, MasterKeys([LocalMasterKey(OLD), self.master(vault)]))
        rotate(both, "transit:renzheng")
        key_id, _ = both.make()
        vault.trouble = trouble
        with pytest.raises(MasterKeyUnavailable) as told:
            both.read([key_id])
        assert "vault.example" not in str(told.value)

    def test_its_settings_go_together(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="RENZHENG_TRANSIT_TOKEN_FILE"):
            Settings(home=tmp_path, transit_url="https://vault.example/v1/transit")
        with pytest.raises(ValueError, match="https"):
            Settings(home=tmp_path, transit_url="http://vault.example/v1", transit_token_file=tmp_path)
        settings = Settings(home=tmp_path, transit_url="https://vault.example/v1", transit_token_file=tmp_path / "none")
        with pytest.raises(KeyUnavailable, match="token"):
            TransitMasterKey.open(settings)


def test_the_line_between_the_batches_is_held(store: RecordKeys) -> None:
    """Two that rotate at once: nothing is rewrapped twice into something else."""
    made = dict(store.make() for _ in range(20))
    both = RecordKeys(store.database, MasterKeys([LocalMasterKey(OLD), LocalMasterKey(NEW)]))
    threads = [threading.Thread(target=rotate, args=(both, master_id(NEW))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both.read(made) == made
    with store.database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM record_keys")).scalar_one() == 20
