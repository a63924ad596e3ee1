"""Moving old leaves' texts out of the database, into files. Their hashes stay, and with them every proof.

A stretch goes in steps, and dying after any of them loses nothing: the file is written beside, read back and compared,
on the disk, and renamed; then, in one transaction, it is recorded, its act gets a leaf, and the texts are deleted. A
file that was written and not recorded is written again.
"""

import base64
import gzip
import hashlib
import json
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from api.evidence import archives, leaves, log
from api.evidence.archives import ArchiveDamaged, Stretch
from api.evidence.parameters import ARCHIVE_LEAVES, ROWS
from api.institutions import acts
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_archives, evidence_texts

_LOCK = text("SELECT pg_try_advisory_xact_lock(7310869391204048741)")  # "evarchve"


class ArchivingRefused(Exception):
    """Nothing more is archived; the text says why, and what to do."""


@dataclass
class Archiver:
    """Archives the leaves written before an instant into `folder`; `done` lists the stretches."""

    database: Database
    keys: Keys
    folder: Path
    before: datetime
    done: list[Stretch] = field(default_factory=list)

    def total(self) -> int:
        """How many leaves there are to archive."""
        with self.database.begin() as connection:
            _unhurried(connection)
            first, end = self._span(connection)
        return end - first

    def steps(self) -> Iterator[None]:
        """Archive, one step for every leaf. Raises `ArchivingRefused`, with what was archived before it standing."""
        with _alone(self.database):
            _sweep(self.folder)
            yield from self._stretches()

    def _stretches(self) -> Iterator[None]:
        while True:
            with self.database.begin() as connection:
                _unhurried(connection)
                first, end = self._span(connection)
            if first >= end:
                return
            part, stretch = yield from self._write(first, min(end, first + ARCHIVE_LEAVES) - 1)
            _rename(part, self.folder, stretch)
            _record(self.database, self.keys, stretch)
            self.done.append(stretch)

    def _span(self, connection: Connection) -> tuple[int, int]:
        """From the first place that is not archived up to the first leaf that is too young, exclusive."""
        first = _next_place(connection)
        young: int | None = connection.execute(
            select(func.min(evidence.c.place)).where(evidence.c.place >= first, evidence.c.created_at >= self.before)
        ).scalar_one()
        return first, log.tree_size(connection) if young is None else young

    def _write(self, first: int, last: int) -> Generator[None, None, tuple[Path, Stretch]]:
        """Write the file beside its name, put it on the disk and read it back."""
        name = archives.file_name(first, last)
        path = _beside(self.folder, name)
        written = hashlib.sha256()
        # Without a time and a name in it: the same leaves make the same file.
        with path.open("xb") as raw:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
                for row in self._rows(first, last):
                    line = _line(row)
                    written.update(line)
                    file.write(line)
                    yield
            raw.flush()
            os.fsync(raw.fileno())
        stretch = Stretch(first, last, name, archives.digest(path))
        _read_back(path, stretch, written.digest())
        return path, stretch

    def _rows(self, first: int, last: int) -> Iterator[Row[Any]]:
        statement = (
            select(evidence.c.place, evidence.c.leaf_hash, evidence.c.include_by, evidence_texts)
            .join(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
            .where(evidence.c.place.between(first, last))
            .order_by(evidence.c.place)
        )
        expected = first
        with self.database.begin() as connection:
            _unhurried(connection)
            with connection.execute(statement, execution_options={"yield_per": ROWS}) as rows:
                for row in rows:
                    if row.place != expected or leaves.leaf_hash(row.leaf) != row.leaf_hash:
                        break
                    expected += 1
                    yield row
        if expected != last + 1:
            raise ArchivingRefused(
                f"第 {expected} 条记录缺失或损坏，请先运行 renzheng fsck。\n"
                f"Leaf {expected} is missing or damaged: run renzheng fsck first."
            )


def _unhurried(connection: Connection) -> None:
    connection.execute(text("SET LOCAL statement_timeout = 0"))


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """One archiver at a time, for its whole run: the lock is held on a connection that does nothing else."""
    with database.begin() as holder:
        if not holder.execute(_LOCK).scalar_one():
            raise ArchivingRefused("另一进程正在归档。\nAnother process is archiving.")
        yield


def _sweep(folder: Path) -> None:
    """Take away what runs that died have left of files without a name yet."""
    for part in folder.glob(".leaves-*.part"):
        part.unlink(missing_ok=True)


def _next_place(connection: Connection) -> int:
    place: int = connection.execute(select(func.coalesce(func.max(evidence_archives.c.last) + 1, 0))).scalar_one()
    return place


def _beside(folder: Path, name: str) -> Path:
    """A name that no other run has, should the lock be lost with its connection."""
    return folder / f".{name}.{secrets.token_hex(8)}.part"


def _line(row: Row[Any]) -> bytes:
    leaf = {
        "place": row.place,
        "leaf_hash": row.leaf_hash.hex(),
        "leaf": row.leaf,
        "include_by": leaves.promise_text(row.include_by),
        "signature": base64.b64encode(row.signature).decode(),
        "key_id": row.signing_key_id,
    }
    return json.dumps(leaf, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_back(path: Path, stretch: Stretch, written: bytes) -> None:
    """What is on the disk is what was in the database, line by line and as a whole."""
    found = hashlib.sha256()
    try:
        for _ in archives.read(path, stretch):
            pass
        with gzip.open(path, "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    except (ArchiveDamaged, OSError, EOFError) as error:
        raise ArchivingRefused(
            f"{path.name} 写入后无法读回；未删除任何内容。\n"
            f"{path.name} does not read back: {error}. Nothing was deleted."
        ) from error
    if found.digest() != written:
        raise ArchivingRefused(
            f"{path.name} 读回的内容与写入的不同；未删除任何内容。\n"
            f"{path.name} does not read back as it was written. Nothing was deleted."
        )


def _rename(part: Path, folder: Path, stretch: Stretch) -> None:
    """Give the file its name, unless a file is there that says something else: that may be another log's."""
    path = folder / stretch.file
    if path.exists() and archives.digest(path) != stretch.sha256:
        raise ArchivingRefused(
            f"{path} 已存在且内容不同；未删除任何内容。\n{path} is there and holds something else. Nothing was deleted."
        )
    part.replace(path)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _record(database: Database, keys: Keys, stretch: Stretch) -> None:
    """Record the stretch with its act, and delete its texts."""
    with database.begin() as connection:
        _unhurried(connection)
        if _next_place(connection) != stretch.first:
            raise ArchivingRefused("另一进程正在归档。\nAnother process is archiving.")
        connection.execute(
            insert(evidence_archives).values(
                first=stretch.first, last=stretch.last, file=stretch.file, sha256=stretch.sha256
            )
        )
        acts.record(
            connection,
            keys,
            archives.ACT,
            actor_id=None,
            institution_id=None,
            subject_id=None,
            details=archives.details(stretch),
        )
        old = select(evidence.c.seq).where(evidence.c.place.between(stretch.first, stretch.last))
        gone = connection.execute(delete(evidence_texts).where(evidence_texts.c.seq.in_(old))).rowcount
        if gone != stretch.last - stretch.first + 1:
            raise ArchivingRefused(
                f"应有 {stretch.last - stretch.first + 1} 条文本，实有 {gone} 条。\n"
                f"{gone} texts are there instead of {stretch.last - stretch.first + 1}."
            )
