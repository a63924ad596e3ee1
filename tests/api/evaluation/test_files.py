"""The evaluator's files: what is read, what is refused, and that a refusal names the line and no content."""

import math
from pathlib import Path

import pytest

from api.evaluation.files import (
    FAILED,
    FileMalformed,
    Pair,
    Scored,
    read_engine,
    read_pairs,
    read_scores,
    write_scores,
)

HEADER = "reference,probe,mated,score\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_scores_with_columns_in_any_order_and_others_between(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffscore,Probe,engine,mated,reference\r\n0.25,b,x,1,a\r\n\r\n-3e2,c,x,0,a\r\n")
    assert read_scores(path) == [Scored(Pair("a", "b", True), 0.25), Scored(Pair("a", "c", False), -300.0)]


def test_failures_are_below_every_score(tmp_path: Path) -> None:
    rows = read_scores(write(tmp_path, f"{HEADER}a,b,1,FTA\na,c,1,fte\na,d,0,-inf\n"))
    assert [row.score for row in rows] == [FAILED] * 3
    assert [row.failure for row in rows] == ["fta", "fte", None]


def test_distances_are_turned_round(tmp_path: Path) -> None:
    rows = read_scores(write(tmp_path, f"{HEADER}a,b,1,0.5\na,c,0,inf\n"), distances=True)
    assert [row.score for row in rows] == [-0.5, -math.inf]
    with pytest.raises(FileMalformed, match="line 2"):
        read_scores(write(tmp_path, f"{HEADER}a,b,1,-inf\n"), distances=True)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    rows = [Scored(Pair("Ü/1,2", 'q"', True), 0.125), Scored(Pair("a", "b", False), FAILED)]
    write_scores(tmp_path / "out.csv", rows)
    assert read_scores(tmp_path / "out.csv") == rows


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("SECRET,b,1,x", "score must be a number, fta or fte"),
        ("SECRET,b,1,nan", "score must be a number"),
        ("SECRET,b,1,inf", "score must be a number"),
        ("SECRET,b,1,1e39", "score must be a number"),
        ("SECRET,b,1,", "score must be a number"),
        ("SECRET,b,yes,1", "mated must be 1 or 0"),
        ("SECRET,,1,1", "must not be empty"),
        ("SECRET,b,1", "3 fields, too few"),
        ('SECRET,"b,1,1', "line"),
    ],
)
def test_a_line_that_is_none_is_told_by_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    path = write(tmp_path, f"{HEADER}a,b,1,0.5\n{line}\n")
    with pytest.raises(FileMalformed, match=complaint) as caught:
        read_scores(path)
    assert "line 3" in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["", "\n", "a,b,1,0.5\n", "reference,probe,score\n", "reference;probe;mated;score\n"]
)
def test_a_header_that_is_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(FileMalformed, match="line 1: the header must name the columns"):
        read_scores(write(tmp_path, content))


@pytest.mark.parametrize("content", [b"\xff\xfer\0e\0", HEADER.encode() + b"a\xff,b,1,1\n"])
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileMalformed, match="not UTF-8"):
        read_scores(write(tmp_path, content))


def test_pairs_need_no_score(tmp_path: Path) -> None:
    assert read_pairs(write(tmp_path, "reference,probe,mated\na,b,1\n")) == [Pair("a", "b", True)]
    assert read_pairs(write(tmp_path, f"{HEADER}a,b,0,whatever\n")) == [Pair("a", "b", False)]


def test_the_engine_of_scores_is_told_beside_them_or_in_a_column(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_scores(path, [Scored(Pair("a", "b", True), 0.5)])
    assert read_engine(path) is None
    write_scores(path, [Scored(Pair("a", "b", True), 0.5)], engine="words-1")
    assert path.read_text() == f"{HEADER}a,b,1,0.5\n", "the four columns that everybody reads"
    assert read_engine(path) == "words-1"
    (tmp_path / "scores.csv.json").write_text("{}")
    with pytest.raises(FileMalformed, match="which engine"):
        read_engine(path)
    assert read_engine(write(tmp_path, "reference,probe,mated,score,Engine\na,b,1,1,words-2\n")) == "words-2"
