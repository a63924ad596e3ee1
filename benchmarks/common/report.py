"""How every benchmark of the project says what it measured: a table, one tidy JSON form, and scores as CSV."""

import csv
import json
import math
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.evaluation.report import Figure
from benchmarks.common.machine import ROOT, describe_machine, describe_versions
from biometrics.scoring.support import per_cent_text

FRACTION = "fraction"
# One form for what a benchmark measures and what an evaluator does.
Result = Figure
SCORE_COLUMNS = ("reference", "probe", "mated", "score")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One comparison: the two samples' names, whether they are of one source, and the comparison score."""

    reference: str
    probe: str
    mated: bool
    score: float


def command_line(arguments: Sequence[str] | None = None) -> str:
    """The command that a reader runs to get the figures again; paths inside the checkout are made relative to it."""
    words = sys.argv[1:] if arguments is None else arguments
    return shlex.join(["python", "-m", "benchmarks", *(_readable(word) for word in words)])


def _readable(word: str) -> str:
    path = Path(word)
    if path.is_absolute():
        for base, prefix in ((ROOT, ""), (ROOT.parent, "../")):
            if path.is_relative_to(base):
                return prefix + str(path.relative_to(base))
    return word


def document(benchmark: str, results: Iterable[Result], *, command: str | None = None) -> dict[str, object]:
    """The tidy form of `results`, as `write_json` writes it; `when` is UTC in ISO 8601."""
    return {
        "benchmark": benchmark,
        "command": command_line() if command is None else command,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "results": [asdict(result) for result in results],
    }


def write_json(path: Path, benchmark: str, results: Iterable[Result], *, command: str | None = None) -> None:
    """Write `results` in the project's one JSON form; the folder is made when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = document(benchmark, results, command=command)
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_scores(path: Path, rows: Iterable[ScoreRow | tuple[str, str, bool, float]]) -> int:
    """Write comparison scores as CSV (mated as 1 or 0, the score with float32's digits); returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCORE_COLUMNS)
        for row in rows:
            reference, probe, mated, score = (
                (row.reference, row.probe, row.mated, row.score) if isinstance(row, ScoreRow) else row
            )
            writer.writerow((reference, probe, int(mated), f"{score:.9g}"))
            count += 1
    return count


def read_scores(path: Path) -> list[ScoreRow]:
    """Read what `write_scores` wrote. Raises ValueError, with the line, where a row is none."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != SCORE_COLUMNS:
            raise ValueError(f"{path}: the columns must be {','.join(SCORE_COLUMNS)}")
        return [_score_row(path, reader.line_num, row) for row in reader]


def _score_row(path: Path, line: int, row: dict[str, str]) -> ScoreRow:
    try:
        mated = {"1": True, "0": False}[row["mated"]]
        score = float(row["score"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {line}: not a comparison: {row}") from error
    if math.isnan(score):
        raise ValueError(f"{path}, line {line}: the score is no number")
    return ScoreRow(row["reference"], row["probe"], mated, score)


def print_table(results: Sequence[Result], *, title: str | None = None, console: Console | None = None) -> None:
    """Print `results` for people: one row a figure, rates in per cent."""
    out = console or Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=title)
    for column in ("set", "metric"):
        table.add_column(column, no_wrap=True)
    for column in ("value", "low", "high"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("unit")
    table.add_column("n", justify="right")
    for result in results:
        figures = [value_text(result), *(figure(bound, result.unit) for bound in (result.low, result.high))]
        unit = "%" if result.unit == FRACTION else result.unit
        table.add_row(result.set, result.metric, *figures, unit, f"{result.n:,}")
    out.print(table)


def value_text(result: Result) -> str:
    """The value for people; a rate without an error as "< upper bound", where there is one (rule of 3), never as 0.

    A `..._loss` is a difference of rates, which may well be 0.
    """
    if result.unit == FRACTION and result.value == 0 and result.high and not result.metric.endswith("_loss"):
        return f"< {figure(result.high, result.unit)}"
    return figure(result.value, result.unit)


def figure(value: float | None, unit: str) -> str:
    """A value for people: rates in per cent, with as many decimals as show that they are not 0; `-` for none."""
    if value is None:
        return "-"
    if unit != FRACTION:
        return f"{value:,.4g}"
    return per_cent_text(value) if 0 < abs(value) < 1 else f"{100 * value:.3f}"
