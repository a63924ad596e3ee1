"""Archiving: texts leave the database only when their file is safe; everything else goes on working."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from api.evidence import archiving, fsck, proofs
from api.evidence.archiving import Archiver, ArchivingRefused
from api.evidence.fsck import Report
from api.evidence.sequencer import drain
from api.institutions.roles import Role
from api.service import Service
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence_archives, evidence_texts
from tests.api.bodies import register, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over
from tests.api.evidence.conftest import write

LATER = datetime.now(UTC) + timedelta(days=1)


def archive(database: Database, keys: Keys, folder: Path, before: datetime = LATER) -> Archiver:
    archiver = Archiver(database, keys, folder, before)
    for _ in archiver.steps():
        pass
    return archiver


def checked(database: Database, keys: Keys, folder: Path | None) -> Report:
    with database.begin() as connection:
        fsck.freeze(connection)
        return fsck.check(connection, keys, archive=folder)


def texts(database: Database) -> int:
    with database.begin() as connection:
        found: int = connection.execute(select(func.count()).select_from(evidence_texts)).scalar_one()
    return found


@pytest.fixture(autouse=True)
def short_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "ARCHIVE_LEAVES", 4)


@pytest.fixture
def logged(database: Database, keys: Keys) -> Database:
    """Ten leaves in their places, and one that waits."""
    write(database, keys, 10)
    drain(database, keys)
    write(database, keys, 1)
    return database


def test_texts_go_and_proofs_stay(logged: Database, keys: Keys, tmp_path: Path) -> None:
    with logged.begin() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT place, leaf, leaf_hash FROM evidence JOIN evidence_texts USING (seq)"
                " WHERE place IS NOT NULL ORDER BY place"
            )
        ).all()
        before = [proofs.inclusion(connection, row.leaf_hash) for row in kept]
    done = archive(logged, keys, tmp_path).done
    assert [(one.first, one.last) for one in done] == [(0, 3), (4, 7), (8, 9)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [one.file for one in done]
    contents = b"".join(gzip.decompress((tmp_path / one.file).read_bytes()) for one in done)
    lines = [json.loads(line) for line in contents.splitlines()]
    assert [(line["place"], line["leaf"], line["leaf_hash"]) for line in lines] == [
        (row.place, row.leaf, row.leaf_hash.hex()) for row in kept
    ]
    assert texts(logged) == 1 + 3, "what waits, and the acts that tell of the archives"
    with logged.begin() as connection:
        assert [proofs.inclusion(connection, row.leaf_hash) for row in kept] == before
    found = checked(logged, keys, tmp_path)
    assert (found.findings, found.archived, found.not_at_hand) == ([], 10, 0)
    away = checked(logged, keys, None)
    assert (away.findings, away.not_at_hand) == ([], 10)


def test_it_goes_on_where_it_ended(logged: Database, keys: Keys, tmp_path: Path) -> None:
    archive(logged, keys, tmp_path)
    assert archive(logged, keys, tmp_path).done == []
    drain(logged, keys)
    assert [(one.first, one.last) for one in archive(logged, keys, tmp_path).done] == [(10, 13)]
    assert checked(logged, keys, tmp_path).sound


def test_young_leaves_stay(logged: Database, keys: Keys, tmp_path: Path) -> None:
    with logged.begin() as connection:
        connection.execute(sa.text("UPDATE evidence SET created_at = created_at - interval '2 days' WHERE seq <= 6"))
    archiver = Archiver(logged, keys, tmp_path, datetime.now(UTC) - timedelta(days=1))
    assert archiver.total() == 6
    assert [(one.first, one.last) for one in archive(logged, keys, tmp_path, archiver.before).done] == [(0, 3), (4, 5)]


class _Dead(BaseException):
    pass


STEPS = ["_line", "_read_back", "_rename", "_record", "replace", "fsync", "delete"]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_dying_at_any_step_loses_nothing(
    logged: Database, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    owner = {"replace": Path, "fsync": archiving.os}.get(step, archiving)  # type: ignore[attr-defined]
    real: Callable[..., object] = getattr(owner, step)

    def dying(*arguments: object, **options: object) -> object:
        if after:
            real(*arguments, **options)
        raise _Dead

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, dying)
        with pytest.raises(_Dead):
            archive(logged, keys, tmp_path)
    recorded = step == "_record" and after
    assert texts(logged) == (11 - 4 + 1 if recorded else 11)
    assert checked(logged, keys, tmp_path).sound
    archive(logged, keys, tmp_path)
    assert texts(logged) == 4
    found = checked(logged, keys, tmp_path)
    assert (found.findings, found.not_at_hand) == ([], 0)
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*")), "no left-overs"


def test_two_archivers_are_not_at_it_at_once(logged: Database, keys: Keys, tmp_path: Path) -> None:
    first = Archiver(logged, keys, tmp_path, LATER).steps()
    for _ in range(6):
        next(first)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert len(before) == 2, "a file, and the next one's beginning"
    with pytest.raises(ArchivingRefused, match="Another process is archiving"):
        archive(logged, keys, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    for _ in first:
        pass
    found = checked(logged, keys, tmp_path)
    assert (found.findings, found.archived, found.not_at_hand) == ([], 10, 0)


def test_archivers_without_the_lock_lose_nothing(
    logged: Database, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection broke, and another began: each has a file of its own, and one of them is refused."""
    monkeypatch.setattr(archiving, "_LOCK", sa.text("SELECT true"))
    monkeypatch.setattr(archiving, "_sweep", lambda folder: None)
    runs = [Archiver(logged, keys, tmp_path, LATER).steps() for _ in range(2)]
    for _ in range(3):
        for run in runs:
            next(run)
    assert len(list(tmp_path.glob(".leaves-*.part"))) == 2
    for _ in runs[0]:
        pass
    with pytest.raises(ArchivingRefused, match="Another process is archiving"):
        for _ in runs[1]:
            pass
    found = checked(logged, keys, tmp_path)
    assert (found.findings, found.archived, found.not_at_hand) == ([], 10, 0)


def test_a_damaged_leaf_is_not_archived(logged: Database, keys: Keys, tmp_path: Path) -> None:
    for damage in (
        "UPDATE evidence_texts SET leaf = leaf || ' ' WHERE seq = 3",
        "DELETE FROM evidence_texts WHERE seq = 3",
    ):
        with logged.begin() as connection:
            connection.execute(sa.text(damage))
        with pytest.raises(ArchivingRefused, match="Leaf 2 is missing or damaged: run renzheng fsck first"):
            archive(logged, keys, tmp_path)
    assert texts(logged) == 10


def test_a_file_that_is_another_is_not_written_over(logged: Database, keys: Keys, tmp_path: Path) -> None:
    other = tmp_path / "leaves-000000000000-000000000003.jsonl.gz"
    other.write_bytes(b"another log's")
    with pytest.raises(ArchivingRefused, match=r"holds something else\. Nothing was deleted"):
        archive(logged, keys, tmp_path)
    assert other.read_bytes() == b"another log's"
    assert texts(logged) == 11


@pytest.mark.parametrize("lost", [20, 1])
def test_a_file_that_does_not_read_back_deletes_nothing(
    logged: Database, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """The disk swallows the end of it."""

    def swallowing(descriptor: int) -> None:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - lost)

    monkeypatch.setattr(archiving.os, "fsync", swallowing)  # type: ignore[attr-defined]
    with pytest.raises(ArchivingRefused, match=r"does not read back: .*\. Nothing was deleted\."):
        archive(logged, keys, tmp_path)
    assert texts(logged) == 11
    assert not list(tmp_path.glob("leaves-*"))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "it is not the file that was recorded": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"),
    "is cut": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "is empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_file_is_found(logged: Database, keys: Keys, tmp_path: Path, what: str) -> None:
    second = archive(logged, keys, tmp_path).done[1]
    DAMAGE[what](tmp_path / second.file)
    found = checked(logged, keys, tmp_path)
    assert found.findings == [f"archive {second.file}: it is not the file that was recorded"]
    assert found.not_at_hand == 4


def test_a_file_that_is_missing_is_damage_where_its_folder_was_given(
    logged: Database, keys: Keys, tmp_path: Path
) -> None:
    second = archive(logged, keys, tmp_path).done[1]
    (tmp_path / second.file).unlink()
    found = checked(logged, keys, tmp_path)
    assert found.findings == [f"archive {second.file}: it is not in the folder"]
    assert found.not_at_hand == 4
    assert checked(logged, keys, None).sound


def test_an_act_whose_leaf_is_not_at_hand_is_missed(logged: Database, keys: Keys, tmp_path: Path) -> None:
    archive(logged, keys, tmp_path)
    with logged.begin() as connection:
        gone = connection.execute(
            sa.text("DELETE FROM acts WHERE id = (SELECT subject_id FROM evidence WHERE place = 5) RETURNING id")
        ).scalar_one()
    for folder in (None, tmp_path):
        assert checked(logged, keys, folder).findings == [
            f"leaf 5: it tells of a administration that is not there: {gone}"
        ]


def test_a_file_that_was_made_anew_is_found(logged: Database, keys: Keys, tmp_path: Path) -> None:
    """Somebody changes a leaf in the file and the recorded hash of the file with it."""
    first = archive(logged, keys, tmp_path).done[0]
    path = tmp_path / first.file
    path.write_bytes(
        gzip.compress(gzip.decompress(path.read_bytes()).replace(b'\\"number\\":2}', b'\\"number\\":3}'), mtime=0)
    )
    with logged.begin() as connection:
        digest = archiving.archives.digest(path)  # type: ignore[attr-defined]
        connection.execute(sa.update(evidence_archives).where(evidence_archives.c.first == 0).values(sha256=digest))
    assert checked(logged, keys, tmp_path).findings == [
        f"archive {first.file}: no act tells of it",
        "leaf 2: its text is not what was hashed",
    ]


def test_old_decisions_are_still_answered(
    service: Service, new_database: NewDatabase, new_client: NewClient, tmp_path: Path
) -> None:
    database = new_database(migrated=True)
    alone = over(service, database)
    terminal = new_client(Role.TERMINAL, service=alone)
    _, card = register(new_client(Role.AUTHORITY, service=alone))
    given = verify(terminal, card)
    drain(database, service.keys)
    before = terminal.get(f"/v1/verifications/{given['id']}").json()
    assert before["receipt"]["inclusion"]["index"] > 0
    regulator = new_client(Role.REGULATOR, service=alone)
    with database.begin() as connection:
        lost = connection.execute(
            sa.text("DELETE FROM evidence_texts WHERE seq = 1 RETURNING leaf, signature, seq, signing_key_id")
        ).one()
    first = regulator.get("/v1/evidence/leaves").json()["leaves"][0]
    assert (first["withheld"], first.get("leaf")) == ("missing", None)
    with database.begin() as connection:
        connection.execute(sa.insert(evidence_texts).values(**lost._mapping))
    archive(database, service.keys, tmp_path)
    assert terminal.get(f"/v1/verifications/{given['id']}").json() == before
    page = new_client(Role.REGULATOR, service=alone).get("/v1/evidence/leaves").json()
    assert {leaf.get("withheld") for leaf in page["leaves"]} == {"archived"}
    assert checked(database, service.keys, tmp_path).sound
