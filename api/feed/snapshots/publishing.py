"""Snapshots in the database, from which every replica serves the same bytes, and copies of them on each one's disk."""

import hashlib
import os
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.feed.snapshots.parameters import KEPT, PIECE_BYTES
from api.storage.database import Database
from api.storage.tables import deployment, feed_snapshot_pieces, feed_snapshots
from api.terminal.snapshot import Head

_DEPLOYMENT = "deployment_id"


class SnapshotDamaged(Exception):
    """What the database holds of a snapshot is not what was stored."""


@dataclass(frozen=True)
class Published:
    """A snapshot as it is served: `size` bytes, `sha256` of them."""

    id: UUID
    seq: int
    key_id: str
    signing_key_id: str
    as_of: datetime
    size: int
    sha256: bytes


def deployment_id(connection: Connection) -> UUID:
    """This deployment's identifier, made when first asked for: another register under the same keys has another."""
    connection.execute(upsert(deployment).values(fact=_DEPLOYMENT, value=str(uuid4())).on_conflict_do_nothing())
    held = select(deployment.c.value).where(deployment.c.fact == _DEPLOYMENT)
    return UUID(connection.execute(held).scalar_one())


def publish(connection: Connection, head: Head, file: bytes) -> None:
    """Store a signed snapshot, and let go of old ones, and of such as the database's clock dated when it was ahead."""
    number = uuid4()
    connection.execute(delete(feed_snapshots).where(feed_snapshots.c.as_of > head.as_of))
    connection.execute(
        insert(feed_snapshots).values(
            id=number,
            seq=head.seq,
            key_id=head.key_id,
            signing_key_id=head.signing_id,
            as_of=head.as_of,
            cards=head.count,
            size=len(file),
            sha256=hashlib.sha256(file).digest(),
        )
    )
    for place, start in enumerate(range(0, len(file), PIECE_BYTES)):
        piece = {"snapshot_id": number, "place": place, "content": file[start : start + PIECE_BYTES]}
        connection.execute(insert(feed_snapshot_pieces).values(piece))
    newest = select(feed_snapshots.c.id).order_by(*_NEWEST_FIRST).limit(KEPT)
    connection.execute(delete(feed_snapshots).where(feed_snapshots.c.id.not_in(newest)))


def newest(connection: Connection, key_id: str) -> Published | None:
    """The newest one under a key of the feed."""
    asked = select(feed_snapshots).where(feed_snapshots.c.key_id == key_id).order_by(*_NEWEST_FIRST).limit(1)
    row = connection.execute(asked).first()
    return None if row is None else _published(row)


class Copies:
    """The folder of copies of one replica."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._fetching = threading.Lock()
        self._checked: set[bytes] = set()

    def file(self, one: Published) -> Path:
        """Where a snapshot lies here; fetched the first time. Raises `SnapshotDamaged` and OSError."""
        path = self._folder / f"{one.sha256.hex()}.snapshot"
        # One fetches, the others wait for it instead of fetching it too.
        with self._fetching:
            if not self._is_whole(one, path):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._fetch(one, path)
                self._sweep()
        return path

    def _is_whole(self, one: Published, path: Path) -> bool:
        """Whether the copy is there: its length is looked at every time, its bytes once in a process."""
        try:
            if path.stat().st_size != one.size:
                return False
            if one.sha256 not in self._checked:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").digest() != one.sha256:
                        return False
                self._checked.add(one.sha256)
        except OSError:
            return False
        return True

    def _fetch(self, one: Published, path: Path) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        digest = hashlib.sha256()
        pieces = (
            select(feed_snapshot_pieces.c.content)
            .where(feed_snapshot_pieces.c.snapshot_id == one.id)
            .order_by(feed_snapshot_pieces.c.place)
        )
        try:
            with (
                self._database.begin() as connection,
                connection.execute(pieces, execution_options={"yield_per": 1}) as rows,
                part.open("xb") as file,
            ):
                for piece in rows.scalars():
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            if digest.digest() != one.sha256:
                raise SnapshotDamaged
            part.replace(path)
            self._checked.add(one.sha256)
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Keep the newest files: downloads that began go on with the ones they opened."""
        by_age = sorted(self._folder.glob("*.snapshot"), key=lambda path: path.stat().st_mtime_ns)
        for path in by_age[:-KEPT]:
            path.unlink(missing_ok=True)


_NEWEST_FIRST = (feed_snapshots.c.seq.desc(), feed_snapshots.c.as_of.desc())


def _published(row: Row[Any]) -> Published:
    return Published(row.id, row.seq, row.key_id, row.signing_key_id, row.as_of, row.size, row.sha256)
