"""Backups of the keys of records: a file each, to be kept for days only.

Whoever erases a person promises that no backup brings the templates back. Backups of the data are kept for years, so
that promise is kept by those of the keys: each bears its end, after which it is not restored, and is taken away by the
next backup into its folder. A key that was deleted since does not come back from one either.

A file is lines: a head (JSON; also which master key wraps what is new, and which key texts are sealed under), a line
for each key (its identifier, the wrapped key, the master key's name, the time it was made), and at the end an
HMAC-SHA-256 over all of it, under a key derived from the deployment's index key. The keys in it are wrapped; without
the master key they open nothing.
"""

import base64
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.storage.database import Database
from api.storage.errors import MasterKeyUnavailable, StorageError
from api.storage.keys import Keys
from api.storage.recordkeys import notes
from api.storage.recordkeys.parameters import BATCH
from api.storage.recordkeys.tables import erased_keys, key_store, record_keys
from api.storage.sealing import keyed_hash

SUFFIX = ".record-keys"
_FORMAT = "renzheng record keys v1"


class BackupUnusable(StorageError):
    """A backup that is not restored; `code` of the catalogue says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Written:
    """A backup that was made, until when it may be restored, and how many older ones were taken away."""

    path: Path
    keys: int
    expires_at: datetime
    removed: int


@dataclass(frozen=True)
class Restored:
    """How many keys came back, were there, and stay deleted."""

    restored: int
    there: int
    erased: int


def backup(keys: Keys, folder: Path, days: int) -> Written:
    """Write all keys into a new file of a folder, which only its owner reads, and take expired ones away.

    Raises `DatabaseUnavailable`, OSError.
    """
    store = keys.of_records.database
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with store.begin() as connection:
        now: datetime = connection.execute(select(func.now())).scalar_one()
        head = {
            "format": _FORMAT,
            "deployment": str(connection.execute(select(key_store.c.deployment)).scalar_one()),
            "made_at": now.isoformat(),
            "expires_at": (now + timedelta(days=days)).isoformat(),
            "master_key": keys.of_records.chosen,
            "text_key": str(connection.execute(select(key_store.c.text_key_id)).scalar_one() or ""),
        }
        removed = _remove_expired(folder, keys, now)
        path = folder / f"{now:%Y%m%dT%H%M%S.%fZ}{SUFFIX}"
        count = _write(path, keys, head, connection)
    return Written(path, count, now + timedelta(days=days), removed)


def restore(data: Database, keys: Keys, path: Path) -> Restored:
    """Bring keys back that the store lost, but for those that were deleted.

    Raises `BackupUnusable`, `DatabaseUnavailable`, OSError.
    """
    store = keys.of_records.database
    head = _head(path, keys)
    with store.begin() as connection:
        now: datetime = connection.execute(select(func.now())).scalar_one()
        deployment = connection.execute(select(key_store.c.deployment)).scalar_one()
    if head["deployment"] != str(deployment):
        raise BackupUnusable("key_backup_foreign")
    if now >= datetime.fromisoformat(head["expires_at"]):
        raise BackupUnusable("key_backup_expired")
    restored = there = erased = 0
    with path.open(encoding="ascii") as file:
        next(file)
        while some := list(islice(_rows(file), BATCH)):
            gone = _gone(data, store, {row["id"] for row in some})
            wanted = [row for row in some if row["id"] not in gone]
            added = 0
            if wanted:
                with store.begin() as connection:
                    statement = upsert(record_keys).values(wanted).on_conflict_do_nothing()
                    added = len(connection.execute(statement.returning(record_keys.c.id)).all())
                # Who was erased since the look deleted nothing; who is erased from now on finds the key.
                since = _gone(data, store, {row["id"] for row in wanted})
                if since:
                    keys.of_records.forget(since)
            restored, there, erased = restored + added, there + len(wanted) - added, erased + len(gone)
    _choose(keys, head)
    _name_text_key(keys, head)
    return Restored(restored, there, erased)


def _choose(keys: Keys, head: dict[str, str]) -> None:
    """A store that was made anew knows of no master key but the first: what is new is wrapped as it was before."""
    try:
        name = keys.of_records.masters.named(head.get("master_key", "")).id
    except MasterKeyUnavailable:
        return
    with keys.of_records.database.begin() as connection:
        chosen = update(key_store).where(key_store.c.master_key_id.is_(None))
        connection.execute(chosen.values(master_key_id=name))


def _name_text_key(keys: Keys, head: dict[str, str]) -> None:
    """A store that was made anew seals texts under the key that the lost one did, which came back: replicas that know
    it go on with it, and sessions of pages with them. One that has another by now keeps that."""
    if not head.get("text_key"):
        return
    key_id = UUID(head["text_key"])
    with keys.of_records.database.begin() as connection:
        there = select(record_keys.c.id).where(record_keys.c.id == key_id).exists()
        none_yet = update(key_store).where(key_store.c.text_key_id.is_(None), there)
        connection.execute(none_yet.values(text_key_id=key_id))


def _gone(data: Database, store: Database, ids: set[UUID]) -> set[UUID]:
    """Both sides know of deletions: either may have been brought back to an earlier state."""
    with data.begin() as connection:
        gone = notes.noted(connection, ids)
    with store.begin() as connection:
        found = select(erased_keys.c.id).where(erased_keys.c.id.in_(list(ids)))
        return gone | set(connection.execute(found).scalars())


def _write(path: Path, keys: Keys, head: dict[str, str], connection: Connection) -> int:
    code = _code(keys)
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    count = 0
    try:
        with os.fdopen(descriptor, "wb") as file:

            def put(text: str) -> None:
                line = f"{text}\n".encode("ascii")
                code.update(line)
                file.write(line)

            put(json.dumps(head))
            every = select(record_keys).execution_options(yield_per=BATCH)
            for row in connection.execute(every):
                wrapped = base64.b64encode(row.wrapped).decode()
                put(f"{row.id} {wrapped} {row.master_key_id} {row.created_at.isoformat()}")
                count += 1
            file.write(f"{code.hexdigest()}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _head(path: Path, keys: Keys) -> dict[str, str]:
    """The head of a whole backup of this deployment's. Raises `BackupUnusable`."""
    code, last, first = _code(keys), b"", b""
    with path.open("rb") as file:
        for line in file:
            code.update(last)
            first, last = first or line, line
    if not hmac.compare_digest(last, f"{code.hexdigest()}\n".encode("ascii")):
        raise BackupUnusable("key_backup_damaged")
    head: dict[str, str] = json.loads(first)
    if head.get("format") != _FORMAT:
        raise BackupUnusable("key_backup_damaged")
    return head


def _rows(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        given = line.split()
        if len(given) == 4:
            key_id, wrapped, master, made_at = given
            yield {
                "id": UUID(key_id),
                "wrapped": base64.b64decode(wrapped),
                "master_key_id": master,
                "created_at": datetime.fromisoformat(made_at),
            }


def _remove_expired(folder: Path, keys: Keys, now: datetime) -> int:
    """Others' files, and what is damaged, are left to whoever put them there."""
    removed = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            expired = now >= datetime.fromisoformat(_head(path, keys)["expires_at"])
        except BackupUnusable:
            continue
        if expired:
            path.unlink()
            removed += 1
    return removed


def _code(keys: Keys) -> "hmac.HMAC":
    return hmac.new(keyed_hash(keys.index, "backup of record keys"), digestmod=sha256)
