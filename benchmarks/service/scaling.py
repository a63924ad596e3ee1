"""Decisions a second on one core and on more: service, database and terminals together on so many.

One service process as `renzheng serve` runs it, with four cards; terminals post a face and one finger without a pause.
In turns, round after round, all threads of service, database and terminals are bound to the first so many cores that
this program may use. Two terminals for each core keep it busy, the others rest.

- `cores_N/decisions_per_s`: the mean of the rounds. `cores_N/cores_of_others`: what other programs took of the whole
  machine meanwhile: where it is not near 0 the figures say little.
- `scaling_N`: decisions a second on N cores over those on the first number of cores. Intervals are from a bootstrap
  over the rounds.
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import psutil
import typer
from numpy.typing import NDArray

import models
from api.demo.counter import Caller
from api.demo.material import MaterialMissing, gather
from api.storage import embedded
from benchmarks.common.progress import say
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.service import meter as service_meter
from benchmarks.service import process as service_process
from benchmarks.service.load import Answered, Shown, Terminals, clients
from benchmarks.service.process import database_processes
from benchmarks.service.rate import CONFIDENCE, RESAMPLES, new_keys, registered, unexpected_answers
from models.errors import ModelError

PROGRAM = [sys.executable, "-m", "api.cli", "serve"]
TERMINALS_EACH = 2
SETTLE_S = 1.0

Rounds = dict[int, list[tuple[float, float]]]
"""For each number of cores: decisions a second of each round, and the cores that others took."""


def run(cores: Sequence[int], seconds: float, rounds: int, json_path: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when an answer was an error or no PASS."""
    allowed = sorted(os.sched_getaffinity(0))
    if max(cores) > len(allowed):
        typer.echo(f"this machine lends {len(allowed)} cores, {max(cores)} were asked for", err=True)
        raise typer.Exit(2)
    try:
        material = gather(None, models.home(), say)
    except (MaterialMissing, ModelError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from error
    with service_process.own_home(models.home()) as home:
        authority_key, *terminal_keys = new_keys(home, TERMINALS_EACH * max(cores))
        try:
            service = service_process.start(home, PROGRAM)
            try:
                with closing(Caller(service.url, authority_key)) as authority:
                    shown = registered(authority, material.people)
                process = psutil.Process(service.process.pid)
                found, answers = _rounds(service.url, process, home, terminal_keys, shown, cores, seconds, rounds)
            finally:
                bind([os.getpid()], allowed)
                service.stop()
        finally:
            embedded.stop(home / "database")
    results = summarise("generated", found)
    print_table(results, title="Decisions a second, by cores")
    if json_path is not None:
        write_json(json_path, "scaling", results)
    unexpected = unexpected_answers(answers)
    for what, times in unexpected.items():
        typer.echo(f"NOT AS EXPECTED, {times} of {len(answers)}: {what}", err=True)
    if unexpected or not answers:
        raise typer.Exit(1)


def _rounds(
    url: str,
    process: psutil.Process,
    home: Path,
    keys: Sequence[str],
    shown: Sequence[Shown],
    cores: Sequence[int],
    seconds: float,
    rounds: int,
) -> tuple[Rounds, list[Answered]]:
    allowed = sorted(os.sched_getaffinity(0))
    found: Rounds = {number: [] for number in cores}
    answers: list[Answered] = []
    for turn in range(rounds):
        for number in cores:
            say(f"round {turn + 1} of {rounds}: {number} cores")
            with clients(url, keys[: TERMINALS_EACH * number]) as counters, Terminals(counters, shown) as load:
                load.await_answers(1)
                # Now all threads are there; those that begin later inherit it.
                bind([os.getpid(), process.pid, *(one.pid for one in database_processes(home))], allowed[:number])
                time.sleep(SETTLE_S)
                began = service_meter.read(process, home)
                time.sleep(seconds)
                ended = service_meter.read(process, home)
                answered = load.visits(began.at_s, ended.at_s)
            used = sum(getattr(ended, part) - getattr(began, part) for part in ("service", "database", "client"))
            length = ended.at_s - began.at_s
            decided = sum(one.error is None for one in answered)
            found[number].append((decided / length, max(0.0, ended.machine - began.machine - used) / length))
            answers += answered
    return found, answers


def bind(processes: Iterable[int], cores: Sequence[int]) -> None:
    """Bind every thread that the processes have now to these cores."""
    for pid in processes:
        with suppress(FileNotFoundError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(ProcessLookupError):  # it ended meanwhile
                    os.sched_setaffinity(int(task.name), cores)


def summarise(name: str, found: Rounds) -> list[Result]:
    """The figures of the rounds; see above."""
    results = []
    for number, measured in found.items():
        rates = np.array([rate for rate, _ in measured])
        low, high = _interval(rates[_drawn(len(rates))].mean(axis=1))
        results += [
            Result(f"{name}/cores_{number}", "decisions_per_s", float(rates.mean()), low, high, "1/s", len(rates)),
            Result(
                f"{name}/cores_{number}",
                "cores_of_others",
                float(np.mean([others for _, others in measured])),
                None,
                None,
                "cores",
                len(rates),
            ),
        ]
    base, *more = found
    for number in more:
        one, other = (np.array([rate for rate, _ in found[cores]]) for cores in (base, number))
        drawn = _drawn(len(one))
        low, high = _interval(other[drawn].mean(axis=1) / one[drawn].mean(axis=1))
        ratio = float(other.mean() / one.mean())
        results.append(Result(name, f"scaling_{number}", ratio, low, high, "times", len(one)))
    return results


def _drawn(rounds: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, rounds, (RESAMPLES, rounds))


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
