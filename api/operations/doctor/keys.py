"""Key files: there, whole, nobody else's; and the master keys that wrap the keys of records."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, exc, select, text

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import RECORDS_LOOKED_AT
from api.operations.doctor.subject import Subject
from api.storage import keys as deployment
from api.storage.errors import StorageError
from api.storage.keys import KEY_BYTES
from api.storage.recordkeys import masters
from api.storage.recordkeys.tables import key_store, record_keys

_FILES = ("master.key", "index.key", "signing.key", "feed.key")
# Identifiers are random: the first ones are a sample. Of transforms the one that turns what is new.
_SEALED = (("templates", "template_sealed"), ("impostor_templates", "template_sealed"), ("cards", "number_sealed"))
_SAMPLES = [
    f"(SELECT encode(substring({column} FROM 2 FOR 16), 'hex')::uuid FROM {table}"  # noqa: S608 - our own names
    f" WHERE get_byte({column}, 0) = 2 ORDER BY id LIMIT :rows)"
    for table, column in _SEALED
]
_WANTED = text(" UNION ".join([*_SAMPLES, "SELECT id FROM face_transforms WHERE superseded_at IS NULL"]))
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def there(examined: Subject) -> Iterator[Finding]:
    """All of them or none: one that is missing beside others would be made anew, and fit nothing that is stored."""
    folder = examined.settings.keys_dir
    missing = [name for name in _FILES if not (folder / name).exists()]
    if len(missing) == len(_FILES):
        yield found("keys_not_made", path=folder)
    else:
        for name in missing:
            yield found("key_missing", path=folder / name)


def whole(examined: Subject) -> Iterator[Finding]:
    """Each holds 32 bytes that can be read."""
    for path in _key_files(examined):
        try:
            size = len(path.read_bytes())
        except OSError as error:
            yield found("key_unreadable", path=path, why=error.strerror)
        else:
            if size != KEY_BYTES:
                yield found("key_damaged", path=path, size=size)


def modes(examined: Subject) -> Iterator[Finding]:
    """For their owner alone; who reads the master key and a backup has the templates."""
    given = examined.settings
    others = [one for one in (given.transit_token_file, given.register_key_file) if one is not None]
    for path in (*_key_files(examined), *others):
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & _not_for(path):
            yield found("key_open", path=path, mode=f"{mode:o}")
    folder = given.keys_dir
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        yield found("keys_writable", path=folder, mode=f"{stat.S_IMODE(folder.stat().st_mode):o}")


def _not_for(path: Path) -> int:
    """Bits that a key file must not have. One that is mounted belongs to somebody else, and is read by our group."""
    return _OTHERS if path.stat().st_uid == os.geteuid() else _OTHERS & ~stat.S_IRGRP


def secrets_given(examined: Subject) -> Iterator[Finding]:
    """The files that settings name can be read."""
    given = examined.settings
    for path in (given.transit_token_file, given.register_key_file):
        if path is not None and not os.access(path, os.R_OK):
            yield found("key_unreadable", path=path, why="missing or not ours")


def master_keys(examined: Subject) -> Iterator[Finding] | None:
    """Every master key that wraps a record's key is at hand. None where the store or the key files are not."""
    if examined.keys is None or not all((examined.settings.keys_dir / name).exists() for name in _FILES):
        return None
    return _master_keys(examined)


def _master_keys(examined: Subject) -> Iterator[Finding]:
    assert examined.keys is not None
    try:
        names = set(masters.of_deployment(examined.settings, deployment.load(examined.settings.keys_dir)).names())
    except StorageError as error:
        yield found("master_keys_unusable", why=error)
        return
    wrapping: set[str | None] = set(examined.keys.execute(select(record_keys.c.master_key_id).distinct()).scalars())
    chosen = examined.keys.execute(select(key_store.c.master_key_id)).scalar()
    for name in sorted(one for one in wrapping | {chosen} if one is not None and one not in names):
        yield found("master_key_not_here", name=name)


def _key_files(examined: Subject) -> list[Path]:
    folder = examined.settings.keys_dir
    found_files = [folder / name for name in (*_FILES, "database.key") if (folder / name).exists()]
    return [*found_files, *sorted(folder.glob("master-*.key"))]


def record_keys_there(examined: Subject) -> Iterator[Finding] | None:
    """The store holds the keys that what is stored is sealed under: of templates and numbers some are looked at, for
    there may be hundreds of millions. None where the two databases are not at hand."""
    if examined.data is None or examined.keys is None:
        return None
    return _record_keys_there(examined.data, examined.keys)


def _record_keys_there(data: Connection, store: Connection) -> Iterator[Finding]:
    try:
        wanted = _wanted(data)
        held = set(store.execute(select(record_keys.c.id).where(record_keys.c.id.in_(wanted))).scalars())
        # Who is erased in between takes both away, what is sealed before its key.
        missing = (wanted - held) & _wanted(data) if wanted - held else set()
    except exc.ProgrammingError:
        return  # a database without tables: told by `database.schema`
    if missing:
        yield found("record_keys_missing", missing=len(missing), looked=len(wanted))


def _wanted(data: Connection) -> set[UUID]:
    return set(data.execute(_WANTED, {"rows": RECORDS_LOOKED_AT}).scalars())


CHECKS = (there, whole, modes, secrets_given, master_keys, record_keys_there)
