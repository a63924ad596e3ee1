"""Writes the cards of an institution to a file that `importing` reads: numbers opened, so that it needs guarding.

What the register holds only as keyed hashes, the chip's serial and its text, cannot be written out again.
"""

import contextlib
import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, select, text

from api.cards.bulk.columns import guarded
from api.cards.bulk.reading import FileUnusable
from api.cards.number import sealed_as
from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text
from api.storage.tables import cards

COLUMNS = ("number", "issuer", "valid_from", "valid_to", "type", "status", "id")
_LONG_TERM = "长期"
_FETCH = 5000

Writer = Callable[[dict[str, str]], None]


def save(
    database: Database,
    keys: Keys,
    caller: Caller,
    path: Path,
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    overwrite: bool = False,
) -> int:
    """Write every card that the caller sees to a `.csv`, `.jsonl` or `.parquet` file; gives their number.

    A file that is there stays, unless told to `overwrite` it. The file appears whole or not at all, and only its owner
    may read it. That it was written is an administrative act with its leaf. Raises `FileUnusable`, `SealBroken`,
    `KeyRevoked` (in the end, when the key was revoked meanwhile) and `DatabaseUnavailable`.
    """
    count = 0
    with _writer(path, overwrite=overwrite) as write, database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for row in _rows(connection, keys, caller):
            write(row)
            count += 1
            if count % _FETCH == 0:
                on_progress(count)
        # Held only now: whoever revokes the key must not wait for a million cards.
        credentials.hold(connection, caller)
        acts.record(
            connection,
            keys,
            "cards_exported",
            actor_id=caller.principal_id,
            institution_id=caller.institution_id,
            subject_id=None,
            details={"cards": count},
        )
    return count


def _rows(connection: Connection, keys: Keys, caller: Caller) -> Iterator[dict[str, str]]:
    statement = select(cards).where(cards_seen(caller)).order_by(cards.c.created_at, cards.c.id)
    with connection.execute(statement, execution_options={"yield_per": _FETCH}) as found:
        for row in found:
            yield {
                "number": open_text(keys, row.number_sealed, sealed_as(row.id)).decode(),
                "issuer": row.issuer,
                "valid_from": row.valid_from.isoformat(),
                "valid_to": _LONG_TERM if row.valid_to is None else row.valid_to.isoformat(),
                "type": row.type,
                "status": row.status,
                "id": str(row.id),
            }


@contextmanager
def _writer(path: Path, *, overwrite: bool) -> Iterator[Writer]:
    """A file beside the one that is wanted, moved to its place in the end."""
    makers = {".csv": _csv, ".jsonl": _json_lines, ".parquet": _parquet}
    make = makers.get(path.suffix.lower())
    if make is None:
        raise FileUnusable(
            "证件文件须以 .csv、.jsonl 或 .parquet 结尾。 A file of cards ends in .csv, .jsonl or .parquet."
        )
    _require_free(path, overwrite=overwrite)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise FileUnusable(f"文件无法写入。 It cannot be written: {error.strerror}.") from error
    try:
        with make(beside) as write:
            yield write
        # Again: somebody else's may have come meanwhile.
        _require_free(path, overwrite=overwrite)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _require_free(path: Path, *, overwrite: bool) -> None:
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileUnusable(
            "文件已存在，须用 --overwrite 才会覆盖。 It is there already, and not overwritten unless that is asked for."
        )


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _csv(path: Path) -> Iterator[Writer]:
    with _text(path) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        yield lambda row: writer.writerow({name: guarded(cell) for name, cell in row.items()})


@contextmanager
def _json_lines(path: Path) -> Iterator[Writer]:
    with _text(path) as file:

        def write(row: dict[str, str]) -> None:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Writer]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FileUnusable(
            "读写 Parquet 须安装 pyarrow。 Parquet needs pyarrow: pip install 'renzheng[parquet]'."
        ) from error
    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
    held: list[dict[str, Any]] = []
    with contextlib.closing(pyarrow.parquet.ParquetWriter(path, schema)) as file:

        def write(row: dict[str, str]) -> None:
            held.append(row)
            if len(held) == _FETCH:
                file.write_table(pyarrow.Table.from_pylist(held, schema=schema))
                held.clear()

        yield write
        if held:
            file.write_table(pyarrow.Table.from_pylist(held, schema=schema))
