"""Whether the promise holds: replicas on one PostgreSQL server under load, while anything is killed, paused or cut off.

Once a loss report is acknowledged, no verification decided afterwards passes. `tests.faults.replicas` is the harness:
three replicas, a PostgreSQL server and two failing networks are processes of their own; clients verify the cards of a
small deck, report them lost, stolen, found, re-issued, and register new ones, and send again elsewhere what was not
answered. Comparisons are scripted. The history is judged chunk by chunk by the order of commits in the write-ahead log
and by the clients' own clock (`tests/faults/replicas/checker.py` says why these orders are sound).

- `operations`: verifications, reports and registrations that clients asked for, each once; `answered` of them were told
  what became of them, the others gave up after a lost answer. `passed` and `refused` are the verifications among them.
- `operations_per_s`: over the wall time of all chunks, with healing and judging.
- `kills`: SIGKILLs of a replica, of the database server, of one of its processes, of everything at once; then each
  kind, and the other faults, by their names in `tests/faults/replicas/faults.py`.
- `violations`: acts that break the promise, or are not as they were told, or are lost. Any makes the exit code 1.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import models
from benchmarks.common.progress import LINE_EVERY_S, say
from benchmarks.common.report import Result, print_table, write_json
from tests.faults.replicas.campaign import Campaign, StateOfAnotherRun, Totals, open_campaign
from tests.faults.replicas.faults import KILLS

SHOWN_VIOLATIONS = 20


def run(operations: int, seed: int, pause: float, state: Path | None, json_path: Path | None = None) -> None:
    """Run, or go on, print the table, write the JSON. Exit code 1 for any violation, 2 for the state of another run."""
    signal.signal(signal.SIGTERM, _interrupted)
    with _folder(state) as folder:
        say("starting the database and the replicas")
        try:
            with open_campaign(folder, seed, pause_s=pause) as campaign:
                _go_on(campaign, operations)
                totals, violations = campaign.run.totals, campaign.run.violations
        except StateOfAnotherRun as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    results = summarise(f"seed {seed}", totals)
    print_table(results, title=f"The promise under faults, {totals.chunks} chunks")
    if json_path is not None:
        write_json(json_path, "faults", results)
    for violation in violations[:SHOWN_VIOLATIONS]:
        typer.echo(f"VIOLATION, {violation.kind}: {violation.act}: {violation.text}", err=True)
    if totals.violations:
        raise typer.Exit(1)


def summarise(name: str, totals: Totals) -> list[Result]:
    """The figures."""
    made = totals.operations

    def count(metric: str, value: int, unit: str) -> Result:
        return Result(name, metric, value, None, None, unit, made)

    kills = sum(totals.faults[kind] for kind in KILLS)
    return [
        count("operations", made, "operations"),
        count("answered", made - totals.answers["none"], "operations"),
        count("passed", totals.answers["PASS"], "operations"),
        count("refused", totals.answers["REFUSE"], "operations"),
        count("violations", totals.violations, "acts"),
        Result(name, "operations_per_s", made / totals.seconds, None, None, "1/s", made),
        count("kills", kills, "kills"),
        *(count(fault, times, "faults") for fault, times in sorted(totals.faults.items())),
    ]


def _go_on(campaign: Campaign, operations: int) -> None:
    held = campaign.run.totals
    if held.operations:
        say(f"going on behind {held.operations:,} operations")
    if not sys.stderr.isatty():
        campaign.go_on(operations, _Lines(operations, campaign))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("operations", total=operations, completed=held.operations)

        def tell(begun: int) -> None:
            progress.update(task, completed=begun, description=f"operations, {held.violations} violations")

        campaign.go_on(operations, tell)


class _Lines:
    """Progress for a log."""

    def __init__(self, operations: int, campaign: Campaign) -> None:
        self._operations = operations
        self._campaign = campaign
        self._due = 0.0

    def __call__(self, begun: int) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_EVERY_S
            found = self._campaign.run.totals.violations
            say(f"operations: {begun:,} of {self._operations:,}, {found} violations")


@contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    """The folder to keep the run in, or one that is removed in the end."""
    if state is not None:
        state.mkdir(mode=0o755, parents=True, exist_ok=True)
        yield state
        return
    home = models.home()
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=home))
    # The server runs as another user when root starts it, and has to reach its folder.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _interrupted(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
