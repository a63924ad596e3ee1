"""Reads files of cards row by row, in constant memory; a row that cannot be read is a fault with its line number.

Lines are counted as editors do, from 1, the heading of a CSV file included; rows of a Parquet file from 1.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from api.cards.bulk.columns import COLUMNS, REQUIRED, unguarded

# The longest sound row has a text block of 344 characters; what is longer is no row of ours.
_LONGEST_LINE = 16 * 1024
_PARQUET_ROWS = 4096
_READ_AT_ONCE = 1 << 20


class FileUnusable(Exception):
    """The file as a whole cannot be read; the text says why in both languages, without any of its content."""


@dataclass(frozen=True)
class Row:
    """A row of the file: its values, or the code of what is wrong with it. Never logged."""

    line: int
    values: dict[str, Any] | None = field(repr=False)
    fault: str | None = None


def rows(path: Path) -> Iterator[Row]:
    """The rows of a `.csv`, `.jsonl` or `.parquet` file, the first two also with `.gz`. Raises `FileUnusable`."""
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet" and not path.name.lower().endswith(".gz"):
        yield from _parquet(path)
        return
    readers = {"csv": _csv, "jsonl": _json_lines, "ndjson": _json_lines}
    if kind not in readers:
        raise FileUnusable(
            "证件文件须以 .csv、.jsonl 或 .parquet 结尾。 A file of cards ends in .csv, .jsonl or .parquet."
        )
    with _opened(path) as file:
        yield from readers[kind](file)


def count(path: Path) -> int:
    """About how many rows the file has, for a progress bar: its lines, or what a Parquet file says. 0 where it cannot
    be told, which `rows` says why."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet

            with pyarrow.parquet.ParquetFile(path) as file:
                return int(file.metadata.num_rows)
        with _opened(path) as lines:
            return sum(part.count(b"\n") for part in iter(lambda: lines.read(_READ_AT_ONCE), b""))
    except (ImportError, OSError, ValueError, FileUnusable):
        return 0


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as raw:
            yield gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw  # type: ignore[misc]
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise FileUnusable("压缩文件已损坏。 The file is compressed and damaged.") from error


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers; None for one that is too long, which is passed over without being held."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) < _LONGEST_LINE or line.endswith(b"\n"):
            yield number, line
            continue
        while rest := file.readline(_LONGEST_LINE):
            if rest.endswith(b"\n"):
                break
        yield number, None


def _csv(file: BinaryIO) -> Iterator[Row]:
    lines = _lines(file)
    _, heading = next(lines, (1, b""))
    names = _cells((heading or b"").removeprefix(b"\xef\xbb\xbf"))
    if names is None or not set(REQUIRED) <= set(names):
        raise FileUnusable(f"首行须列出各列名称。 The first line must name the columns {', '.join(REQUIRED)}.")
    if len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
        raise FileUnusable(f"列名有误或重复。 Columns are {', '.join(COLUMNS)}, each once.")
    for number, line in lines:
        cells = None if line is None else _cells(line)
        if cells == []:
            continue
        if cells is None or len(cells) != len(names):
            yield Row(number, None, "row_malformed")
        else:
            yield Row(number, {name: unguarded(cell) for name, cell in zip(names, cells, strict=True) if cell})


def _cells(line: bytes) -> list[str] | None:
    """The cells of a line; none of the columns holds a line break, so that a row is a line."""
    try:
        found = list(csv.reader(io.StringIO(line.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(found) > 1:
        return None
    return found[0] if found else []


def _json_lines(file: BinaryIO) -> Iterator[Row]:
    for number, line in _lines(file):
        if line is not None and not line.strip():
            continue
        try:
            values = None if line is None else json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, dict):
            yield Row(number, values)
        else:
            yield Row(number, None, "row_malformed")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for a name that comes twice: which of the two is meant nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FileUnusable(
            "读写 Parquet 须安装 pyarrow。 Parquet needs pyarrow: pip install 'renzheng[parquet]'."
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            sound = set(REQUIRED) <= set(names) <= set(COLUMNS) and len(set(names)) == len(names)
            if not sound:
                raise FileUnusable(
                    f"列名有误或缺列。 Columns are {', '.join(COLUMNS)}, each once; the first four must be there."
                )
            number = 0
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                for values in _values(batch):
                    number += 1
                    if values is None or _is_too_long(values):
                        yield Row(number, None, "row_malformed")
                        continue
                    yield Row(number, {name: _plain(value) for name, value in values.items() if value is not None})
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileUnusable("不是完好的 Parquet 文件。 It is no sound Parquet file.") from error


def _is_too_long(values: dict[str, Any]) -> bool:
    """As a line is: what no card can hold is not handed on."""
    return sum(len(value) for value in values.values() if isinstance(value, str | bytes)) > _LONGEST_LINE


def _values(batch: Any) -> list[dict[str, Any] | None]:
    """A batch's rows; None for one with a value that is none here: a day of the year 29000, broken text."""
    try:
        return list(batch.to_pylist())
    except (ValueError, OverflowError):
        if batch.num_rows == 1:
            return [None]
        return [row for at in range(batch.num_rows) for row in _values(batch.slice(at, 1))]


def _plain(value: Any) -> Any:
    """Dates as the other formats write them; `to_pylist` gives what Python has for the column's type."""
    return value.isoformat() if hasattr(value, "isoformat") else value
