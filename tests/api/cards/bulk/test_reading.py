"""Files of cards: every format gives the same rows, and every fault its line."""

import gzip
import hashlib
import json
import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cards.bulk import reading
from api.cards.bulk.columns import REQUIRED, guarded, unguarded
from api.cards.bulk.reading import FileUnusable, Row

CARD = {"number": "11010519491231002X", "issuer": "北京市公安局", "valid_from": "2016-03-01", "valid_to": "长期"}
OTHER = {**CARD, "valid_to": "2036-03-01", "serial": "AB 1,2", "status": "card_reissued"}
NAMES = (*REQUIRED, "serial", "status")


def as_csv(cards: list[dict[str, Any]]) -> bytes:
    lines = [",".join(NAMES), *(",".join(f'"{card.get(name, "")}"' for name in NAMES) for card in cards)]
    return "\r\n".join(lines).encode()


def as_json_lines(cards: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(card, ensure_ascii=False) for card in cards).encode()


def write_parquet(path: Path, cards: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(cards, schema=pa.schema([(name, pa.string()) for name in NAMES])), path)


def found(path: Path) -> list[Row]:
    return list(reading.rows(path))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.CSV", "a.jsonl", "a.ndjson.gz", "a.parquet"])
def test_every_format_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        write_parquet(path, [CARD, OTHER])
    else:
        content = (as_csv if "csv" in name.lower() else as_json_lines)([CARD, OTHER])
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    first = 2 if "csv" in name.lower() else 1
    assert found(path) == [Row(first, CARD), Row(first + 1, OTHER)]


def test_a_byte_order_mark_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + as_csv([CARD]) + b"\r\n\r\n")
    assert found(path) == [Row(2, CARD)]


def test_dates_of_a_parquet_file_are_written_as_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{**CARD, "valid_from": date(2016, 3, 1)}]), path)
    assert found(path) == [Row(1, CARD)]


CSV_FAULTS = {
    "a cell too many": b"1,2,3,4,5,6,7",
    "a cell too few": b"1,2,3",
    "an open quote": b'"1,2,3,4,5,6',
    "no text": b"\xff,2,3,4,5,6",
    "too long": b"1,2,3,4,5," + b"x" * 100_000,
}


@pytest.mark.parametrize("what", CSV_FAULTS)
def test_a_bad_line_is_left_out_and_named(what: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv([CARD]) + b"\n" + CSV_FAULTS[what] + b"\n" + as_csv([OTHER]).split(b"\r\n")[1])
    assert found(path) == [Row(2, CARD), Row(3, None, "row_malformed"), Row(4, OTHER)]


OBJECT_FAULTS = [
    *(b"{", b"[]", b"1", b"\xff", b'"a"', b"[" * 10_000, b'{"a":' + b" " * 100_000 + b"1}"),
    b'{"number": "1", "number": "2", "issuer": "a", "valid_from": "2016-03-01"}',
]


@pytest.mark.parametrize("line", OBJECT_FAULTS)
def test_a_bad_object_is_left_out_and_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_json_lines([CARD]) + b"\n" + line + b"\n" + as_json_lines([OTHER]))
    assert found(path) == [Row(1, CARD), Row(2, None, "row_malformed"), Row(3, OTHER)]


VARIED = [{**CARD, "serial": hashlib.sha256(bytes([one])).hexdigest()} for one in range(200)]


def damaged(content: bytes) -> bytes:
    """The same with some bytes in the middle overwritten."""
    middle = len(content) // 2
    return content[:middle] + b"\xff" * 40 + content[middle + 40 :]


def no_text() -> pa.Array:
    """A text column of three rows, whose second is none."""
    starts = pa.py_buffer(struct.pack("<4i", 0, 1, 3, 4))
    return pa.Array.from_buffers(pa.string(), 3, [None, starts, pa.py_buffer(b"a\xff\xfeb")])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("issuer", no_text()),
        ("valid_from", pa.array([1, 10_000_000, 1], pa.int32()).cast(pa.date32())),
        ("valid_from", pa.array([1, 2**62, 1], pa.int64()).cast(pa.timestamp("us"))),
    ],
)
def test_a_parquet_value_that_is_none_is_left_out_by_row(name: str, values: pa.Array, tmp_path: Path) -> None:
    """It read so far as that the rest of the file was lost with it."""
    path = tmp_path / "a.parquet"
    columns = {**{column: pa.array(["1"] * 3) for column in REQUIRED}, name: values}
    pq.write_table(pa.table(columns), path)
    assert [(row.line, row.fault) for row in found(path)] == [(1, None), (2, "row_malformed"), (3, None)]


def test_a_parquet_row_that_is_too_long_is_left_out_as_a_line_is(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [CARD, {**OTHER, "issuer": "x" * 100_000}, OTHER])
    assert [(row.line, row.fault) for row in found(path)] == [(1, None), (2, "row_malformed"), (3, None)]


@given(cell=st.text(st.sampled_from("'=+-@\t＝＋－＠a"), max_size=5))
def test_no_spreadsheet_takes_a_cell_for_a_formula_and_we_read_it_as_it_was(cell: str) -> None:
    held = guarded(cell)
    assert held[:1] not in set("=+-@\t\r＝＋－＠")
    assert unguarded(held) == cell


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "a.txt": lambda path: path.write_text("x"),
    "a": lambda path: path.write_text("x"),
    "a.parquet.gz": lambda path: path.write_text("x"),
    "empty.csv": lambda path: path.write_bytes(b""),
    "columns.csv": lambda path: path.write_bytes(b"number,issuer\n"),
    "twice.csv": lambda path: path.write_bytes(b"number,issuer,valid_from,valid_to,number\n"),
    "unknown.csv": lambda path: path.write_bytes(b"number,issuer,valid_from,valid_to,colour\n"),
    "plain.csv.gz": lambda path: path.write_bytes(as_csv([CARD])),
    "cut.csv.gz": lambda path: path.write_bytes(gzip.compress(as_csv([CARD] * 99))[:-20]),
    "damaged.jsonl.gz": lambda path: path.write_bytes(damaged(gzip.compress(as_json_lines(VARIED)))),
    "twice.parquet": lambda path: pq.write_table(
        pa.Table.from_arrays([pa.array(["1"])] * 5, names=[*REQUIRED, "number"]),
        path,
    ),
    "words.parquet": lambda path: path.write_bytes(b"words"),
    "columns.parquet": lambda path: pq.write_table(pa.table({"number": ["1"]}), path),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_file_is_refused_without_its_content(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    UNUSABLE[name](path)
    with pytest.raises(FileUnusable) as told:
        found(path)
    assert CARD["number"] not in str(told.value)


@given(content=st.binary(max_size=300), kind=st.sampled_from(["csv", "jsonl", "parquet", "csv.gz"]))
def test_any_bytes_give_rows_or_a_clear_refusal(
    content: bytes, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    path.write_bytes(content if kind != "csv" else b"number,issuer,valid_from,valid_to\n" + content)
    try:
        given_rows = found(path)
    except FileUnusable:
        return
    assert all((row.values is None) == (row.fault is not None) for row in given_rows)


def test_rows_are_counted_for_a_progress_bar(tmp_path: Path) -> None:
    for name, opened in (("a.csv", open), ("a.csv.gz", gzip.open)):
        with opened(tmp_path / name, "wb") as file:
            file.write(b"number\n1\n2\n")
        assert reading.count(tmp_path / name) == 3
    table = pa.table({"number": ["1", "2", "3", "4"]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert reading.count(tmp_path / "a.parquet") == 4
    (tmp_path / "broken.csv.gz").write_bytes(b"no gzip")
    assert reading.count(tmp_path / "broken.csv.gz") == 0
