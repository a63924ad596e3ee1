"""Each check finds what is wrong, and says nothing where it is right."""

import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from api.operations.doctor import clock, database, disk, keys, models, network, threads
from api.operations.doctor import settings as settings_room
from api.operations.doctor.findings import Finding
from api.operations.doctor.subject import Subject
from api.settings import Settings
from api.storage import keys as deployment_keys
from api.storage import migrate
from api.storage.recordkeys.opening import MIGRATIONS
from api.storage.recordkeys.tables import key_store, record_keys
from tests.api.conftest import NewDatabase

Check = Callable[[Subject], Iterator[Finding] | None]


def codes(check: Check, examined: Subject) -> list[str]:
    told = check(examined)
    assert told is not None, "the check has what it looks at"
    return [one.code for one in told]


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., Subject]:
    def make(**changed: Any) -> Subject:
        return Subject(Settings.model_validate({"home": tmp_path, "database_url": None, **changed}))

    return make


@pytest.mark.parametrize(
    ("check", "changed", "code"),
    [
        (settings_room.captures, {"capture_max_ahead_s": 400}, "captures_ahead"),
        (
            settings_room.captures,
            {"capture_duplicate_days": 1, "capture_max_age_s": 86400, "capture_max_ahead_s": 1},
            "captures_forgotten_early",
        ),
        (settings_room.pool, {"database_pool_size": 2, "compute_threads": 3}, "pool_small"),
        (settings_room.typed_cards, {"typed_cards": True, "host": "10.0.0.1"}, "typed_cards_open"),
        (
            settings_room.key_store,
            {"database_url": "postgresql://a:b@h/d", "key_store_url": "postgresql://c:d@h:5432/d"},
            "key_store_in_data",
        ),
        (network.bound, {"host": "0.0.0.0"}, "bound_without_tls"),
        (network.database_encrypted, {"database_url": "postgresql://a:b@h/d?sslmode=require"}, "database_without_tls"),
        (network.database_encrypted, {"key_store_url": "postgresql://a:b@h/d"}, "database_without_tls"),
        (models.licences, {"face_pack": "insightface:buffalo_l"}, "pack_in_use_research_only"),
        (models.provider, {"face_provider": "NoSuchProvider"}, "provider_missing"),
        (models.rules, {"policy_file": "/nowhere/policy.toml"}, "policy_unusable"),
        (threads.cores, {"compute_threads": 4096}, "threads_over_cores"),
        (keys.secrets_given, {"register_url": "https://r.example", "register_key_file": "/nowhere"}, "key_unreadable"),
    ],
)
def test_a_setting_is_told(
    given: Callable[..., Subject],
    check: Check,
    changed: dict[str, Any],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(threads, "CGROUP", tmp_path / "no quota")
    assert code not in codes(check, given())
    assert codes(check, given(**changed)) == [code]


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        (settings_room.typed_cards, {"typed_cards": True}),
        (settings_room.key_store, {"database_url": "postgresql://a@h/d", "key_store_url": "postgresql://a@h/k"}),
        (network.bound, {"host": "::1"}),
        (network.database_encrypted, {"database_url": "postgresql://a:b@h/d?sslmode=verify-full"}),
        (network.database_encrypted, {"database_url": "postgresql:///d?host=/run/postgresql"}),
    ],
)
def test_what_is_right_is_not_told(given: Callable[..., Subject], check: Check, changed: dict[str, Any]) -> None:
    assert codes(check, given(**changed)) == []


def test_waits_within_waits(given: Callable[..., Subject], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    told = given(
        transit_url="https://vault.example/v1/transit",
        transit_token_file=token,
        transit_timeout_s=9,
        register_url="https://r.example",
        register_key_file=token,
        register_timeout_s=60,
        capture_max_age_s=30,
        master_keys="A" * 43 + "=",
    )
    assert codes(settings_room.waiting, told) == ["register_waits_long", "transit_waits_long"]
    assert codes(settings_room.transit, told) == ["master_keys_beside_transit"]


def test_a_policy_that_a_setting_hides(given: Callable[..., Subject], tmp_path: Path) -> None:
    (tmp_path / "policy.toml").touch()
    assert codes(settings_room.exclusive, given(policy_file=tmp_path / "policy.toml")) == []
    assert codes(settings_room.exclusive, given(policy_file=tmp_path / "other.toml")) == ["setting_hides_file"]


def test_packs_that_are_missing_and_damaged(given: Callable[..., Subject], tmp_path: Path) -> None:
    assert set(codes(models.packs, given())) == {"pack_missing"}
    (tmp_path / "packs" / "leader").mkdir(parents=True)
    (tmp_path / "packs" / "leader" / "manifest.json").write_text("{")
    assert "pack_damaged" in codes(models.packs, given())


def test_a_calibration_that_does_not_fit(given: Callable[..., Subject], tmp_path: Path) -> None:
    assert models.calibrations(given()) is None, "the shipped ones are in use"
    (tmp_path / "calibrations").mkdir()
    (tmp_path / "calibrations" / "x.json").write_text("{}")
    assert codes(models.calibrations, given()) == ["calibration_unusable"]


def test_key_files(given: Callable[..., Subject]) -> None:
    examined = given()
    folder = examined.settings.keys_dir
    assert codes(keys.there, examined) == ["keys_not_made"]
    assert not folder.exists(), "nothing is made"
    deployment_keys.load(folder)
    for check in (keys.there, keys.whole, keys.modes):
        assert codes(check, examined) == []
    (folder / "index.key").unlink()
    (folder / "feed.key").write_bytes(b"short")
    (folder / "master.key").chmod(0o644)
    folder.chmod(0o777)
    assert codes(keys.there, examined) == ["key_missing"]
    assert codes(keys.whole, examined) == ["key_damaged"]
    assert codes(keys.modes, examined) == ["key_open", "keys_writable"]
    assert not (folder / "index.key").exists(), "it is not made anew"


def test_a_mounted_key_is_read_by_the_group(given: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kubernetes mounts a Secret with `fsGroup`: it belongs to root."""
    folder = given().settings.keys_dir
    deployment_keys.load(folder)
    for path in folder.glob("*.key"):
        path.chmod(0o440)
    assert set(codes(keys.modes, given())) == {"key_open"}
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert codes(keys.modes, given()) == []
    (folder / "index.key").chmod(0o444)
    assert codes(keys.modes, given()) == ["key_open"]


def test_a_master_key_that_is_not_here(given: Callable[..., Subject], new_database: NewDatabase) -> None:
    assert keys.master_keys(given()) is None, "no store is at hand"
    held = deployment_keys.load(given().settings.keys_dir)
    store = new_database()
    migrate.upgrade(store, scripts=MIGRATIONS)
    with store.begin() as connection:
        connection.execute(insert(key_store).values(deployment=uuid4(), master_key_id=held.master_id))
        connection.execute(insert(record_keys).values(id=uuid4(), wrapped=b"w", master_key_id=held.master_id))
    with store.single() as connection:
        examined = Subject(given().settings, keys=connection)
        assert codes(keys.master_keys, examined) == []
        connection.execute(insert(record_keys).values(id=uuid4(), wrapped=b"w", master_key_id="0123abcd"))
        told = list(keys.master_keys(examined) or ())
    assert [(one.code, one.facts) for one in told] == [("master_key_not_here", {"name": "0123abcd"})]


def test_threads_and_what_may_be_opened(
    given: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert codes(threads.openmp, given()) == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert codes(threads.openmp, given()) == ["openmp_threads"]
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert codes(threads.libraries, given()) == ["library_threads"]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert codes(threads.descriptors, given()) == ["descriptors_few"]
    assert codes(threads.descriptors, given(feed_streams=1000)) == []
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(threads, "CGROUP", quota)
    for told, expected in {"max 100000": [], "150000 100000": [], "50000 100000": ["threads_over_quota"]}.items():
        quota.write_text(told)
        threads_here = len(os.sched_getaffinity(0))
        if threads_here >= 2:
            assert codes(threads.cores, given(compute_threads=2)) == expected, told
    assert threads.quota_cores(tmp_path / "none") is None


def test_the_disk(given: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert codes(disk.home, given()) == []
    assert codes(disk.home, given(home=tmp_path / "none")) == ["home_missing"]
    (tmp_path / "file").touch()
    assert codes(disk.home, given(home=tmp_path / "file")) == ["home_unusable"]
    for free, expected in {2**29: ["disk_full"], 2**32: ["disk_nearly_full"], 2**36: []}.items():
        usage = SimpleNamespace(free=free, total=2**40)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        assert codes(disk.space, given()) == expected
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=1000, f_favail=3))
    assert codes(disk.inodes, given()) == ["disk_few_inodes"]


def test_a_schema_of_another_version(given: Callable[..., Subject], new_database: NewDatabase) -> None:
    settings = given().settings
    with new_database().single() as connection:
        assert codes(database.schema, Subject(settings, connection)) == ["schema_empty"]
    with new_database(migrated=True).single() as connection:
        examined = Subject(settings, connection)
        for check in (database.version, database.schema, database.writable, database.durable):
            assert codes(check, examined) == []
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        assert codes(database.schema, examined) == ["schema_older" if "0001" in migrate.revisions() else "schema_newer"]
        connection.execute(text("UPDATE alembic_version SET version_num = :known"), {"known": migrate.revisions()[-2]})
        assert codes(database.schema, examined) == ["schema_older"]
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert codes(database.schema, examined) == ["schema_newer"]
        connection.execute(text("SET default_transaction_read_only = on"))
        assert codes(database.writable, examined) == ["database_read_only"]


def test_a_database_that_loses_or_is_full(
    given: Callable[..., Subject], new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = database._setting
    told = {"fsync": "off", "synchronous_standby_names": "ANY 1 (a, b)", "server_version_num": "140005"}
    with new_database(migrated=True).single() as connection:
        examined = Subject(given().settings, connection)
        assert codes(database.connections, examined) == []
        assert codes(database.connections, Subject(given(database_pool_size=5000).settings, connection)) == [
            "connections_few"
        ]
        monkeypatch.setattr(database, "_setting", lambda on, name: told.get(name) or real(on, name))
        assert codes(database.durable, examined) == ["database_loses", "standby_missing"]
        assert codes(database.version, examined) == ["database_too_old"]


def test_a_store_of_keys_of_another_deployment(given: Callable[..., Subject], new_database: NewDatabase) -> None:
    data, store, own = new_database(migrated=True), new_database(), uuid4()
    migrate.upgrade(store, scripts=MIGRATIONS)
    with store.begin() as connection:
        connection.execute(insert(key_store).values(deployment=own))
    with data.single() as in_data, store.single() as in_store:
        examined = Subject(given().settings, in_data, in_store)
        in_data.execute(text("INSERT INTO deployment (fact, value) VALUES ('deployment_id', :own)"), {"own": str(own)})
        assert codes(database.keys, examined) == []
        in_data.execute(text("UPDATE deployment SET value = :other"), {"other": str(uuid4())})
        assert codes(database.keys, examined) == ["key_store_foreign"]


def wall_clock(monkeypatch: pytest.MonkeyPatch, now: Callable[[], float]) -> None:
    """Another one for the checks alone: the service's threads have theirs."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=now, monotonic=time.monotonic, sleep=time.sleep))


def test_clocks(given: Callable[..., Subject], new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_database().single() as connection:
        examined = Subject(given().settings, connection)
        assert codes(clock.against_database, examined) == []
        wall_clock(monkeypatch, lambda: time.time() - 90)
        assert codes(clock.against_database, examined) == ["clock_off"]
        wall_clock(monkeypatch, lambda: time.time() + 90)
        assert codes(clock.against_database, examined) == ["clock_off"]
    steps = iter([0.0, 5.0])
    wall_clock(monkeypatch, lambda: next(steps))
    assert codes(clock.monotonic, given()) == ["clock_jumps"]
    for status, expected in {0x40: ["clock_not_synchronised"], 0: [], None: ["clock_synchronisation_unknown"]}.items():
        monkeypatch.setattr(clock, "_kernel_status", lambda status=status: status)
        assert codes(clock.synchronised, given()) == expected


def test_the_kernel_tells_of_its_clock() -> None:
    """The layout of its answer is ours to know: the flags are those of a clock, or it refuses."""
    status = clock._kernel_status()
    assert status is None or 0 <= status < 2**16
