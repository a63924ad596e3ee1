"""The evaluator's files: pairs (reference, probe, mated) and scores (the same and score), CSV with a header."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Literal, TypeVar

PAIR_COLUMNS = ("reference", "probe", "mated")
SCORE_COLUMNS = (*PAIR_COLUMNS, "score")
ENGINE_COLUMN = "engine"
FAILED = -math.inf

# Rates are computed in single precision.
_MOST = 3.4e38

Failure = Literal["fta", "fte"]
Row = TypeVar("Row")

_FAILURES: dict[str, Failure] = {"fta": "fta", "fte": "fte"}


class FileMalformed(ValueError):
    """A file is not in its form; the text names the file, the line and the column, and no content."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples by name, and whether they are of one source."""

    reference: str
    probe: str
    mated: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair with its comparison score, the higher the more alike, -inf for a failure (`failure`: which, if told)."""

    pair: Pair
    score: float
    failure: Failure | None = None


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file, whose further columns are passed over. Raises `FileMalformed`, OSError."""
    return list(_rows(path, PAIR_COLUMNS, _pair))


def read_scores(path: Path, *, distances: bool = False) -> list[Scored]:
    """The scores of a file; `distances` change their sign, for higher to be more alike.

    Raises `FileMalformed`, OSError.
    A failed comparison has the score `-inf` (of distances `inf`), or `fta` (failure to acquire) or `fte` (to enrol).
    """
    sign = -1.0 if distances else 1.0

    def scored(row: Sequence[str]) -> Scored:
        word = row[3].strip().lower()
        if word in _FAILURES:
            return Scored(_pair(row), FAILED, _FAILURES[word])
        score = sign * _number(word)
        if score != FAILED and not abs(score) <= _MOST:  # NaN too
            raise ValueError("score must be a number, fta or fte")
        return Scored(_pair(row), score)

    return list(_rows(path, SCORE_COLUMNS, scored))


def read_quality(path: Path) -> dict[str, float]:
    """The qualities of samples: CSV with the columns sample and quality, higher is better.

    Raises `FileMalformed`, OSError.
    """

    def graded(row: Sequence[str]) -> tuple[str, float]:
        quality = _number(row[1].strip())
        if not math.isfinite(quality):
            raise ValueError("quality must be a number")
        return row[0].strip(), quality

    return dict(_rows(path, ("sample", "quality"), graded))


def write_scores(path: Path, rows: Iterable[Scored], *, engine: str | None = None) -> None:
    """Write scores with float32's digits, failures as -inf; the whole file or none of it. Raises OSError.

    With `engine` a file beside it, `<name>.json`, says which engine and version they are of.
    """
    if engine is not None:
        _origin(path).write_text(json.dumps({"engine": engine}) + "\n", encoding="utf-8")
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCORE_COLUMNS)
        for row in rows:
            writer.writerow((row.pair.reference, row.pair.probe, int(row.pair.mated), f"{row.score:.9g}"))
    part.replace(path)


def read_engine(path: Path) -> str | None:
    """The engine of a score file: what its column `engine` names, else the file beside it; None where neither tells.

    Raises `FileMalformed` where its rows name several, whose scores do not mean the same. OSError.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = [name.strip().lower() for name in next(csv.reader(file), [])]
    if ENGINE_COLUMN in header:
        named = set(_rows(path, (ENGINE_COLUMN,), lambda row: row[0].strip()))
        if len(named) > 1:
            raise FileMalformed(f"{path}: scores of {len(named)} engines in one file; they do not mean the same")
        return named.pop() if named else None
    try:
        return str(json.loads(_origin(path).read_text(encoding="utf-8"))["engine"])
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise FileMalformed(f"{_origin(path)}: does not say which engine the scores are of") from error


def _origin(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _rows(path: Path, columns: Sequence[str], parse: Callable[[Sequence[str]], Row]) -> Iterator[Row]:
    # utf-8-sig: spreadsheets write a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            places = _places(next(reader, []), columns)
            for row in reader:
                if row:
                    if len(row) <= max(places):
                        raise ValueError(f"{len(row)} fields, too few")
                    yield parse([row[place] for place in places])
        except UnicodeDecodeError as error:
            raise FileMalformed(f"{path}: not UTF-8 text, after line {reader.line_num}") from error
        except (ValueError, csv.Error) as error:
            raise FileMalformed(f"{path}, line {max(1, reader.line_num)}: {error}") from error


def _places(header: Sequence[str], columns: Sequence[str]) -> list[int]:
    names = [name.strip().lower() for name in header]
    missing = [column for column in columns if column not in names]
    if missing:
        hint = "; fields are separated by commas here" if len(header) == 1 and set(";\t|") & set(header[0]) else ""
        raise ValueError(f"the header must name the columns {', '.join(columns)}; missing: {', '.join(missing)}{hint}")
    return [names.index(column) for column in columns]


def _pair(row: Sequence[str]) -> Pair:
    mated = {"1": True, "0": False}.get(row[2].strip())
    if mated is None:
        raise ValueError("mated must be 1 or 0")
    # A sample stands in many rows: one string for all of them.
    reference, probe = intern(row[0].strip()), intern(row[1].strip())
    if not reference or not probe:
        raise ValueError("reference and probe must not be empty")
    return Pair(reference, probe, mated)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
