"""Decisions per second of registers of many cards: the status read under the lock and everything that is written.

A site with `--cards` cards and `--events` status events is loaded and kept under `--state` (see `registry_site`), one
for each size asked for. Two worker processes then run the service's own deciding transaction
(`api.verification.pipeline.settle`) on cards drawn at random, with a result of the comparison that is made up: keys
and card held, nonce and captures used up, attempts counted, decision, leaf, answer to the idempotency key, commit to
the disk. Sizes take turns, round by round, so that what else the machine does falls on all alike.

- `decisions_per_s`, `latency_*`: of the workers together, with a sequencer in each, as in the service; and without.
- `worker_us`, `database_us`: CPU time a decision of the workers (the sequencer in it) and of the database server.
- `http_decisions_per_s`: of one real service process over HTTP, a nonce and a verification each; the comparison there
  is scripted. Its terminals share the machine: `client_us` is theirs.
- `cost_of_smallest`: CPU time a decision, workers and database, over that of the smallest register in the same round.

Intervals: the lowest and the highest of the rounds. Exit code 1 when there is a decision that no card of the register
asks for.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np
import typer

from api.evidence.sequencer import drain
from benchmarks.common.machine import ROOT
from benchmarks.common.progress import say
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.registry import http as registry_http
from benchmarks.registry import site as registry_site
from benchmarks.registry.cards import ENDS
from benchmarks.registry.site import new_keys
from benchmarks.registry.worker import Done, Told
from benchmarks.service import meter as service_meter

# CPU time a decision of the largest register over the smallest's, up to which the cost is called flat.
FLAT = 1.25
# What the cards are like: good ones pass, ended ones are refused, whatever the person.
EXPECTED = {"PASS valid", *(f"REFUSE {status.value}" for _, status in ENDS)}


def run(
    cards: Sequence[int],
    events: int | None,
    seconds: float,
    rounds: int,
    workers: int,
    threads: int,
    state: Path,
    json_path: Path | None = None,
) -> None:
    """Load what is not there, measure, print the tables, write the JSON."""
    sizes = sorted(set(cards))
    homes = {size: _loaded(state, size, events, workers) for size in sizes}
    met = _Met(sizes)
    for sequencer in (True, False):
        for turn in range(rounds):
            for size in sizes:
                say(f"round {turn + 1} of {rounds}: {size:,} cards, {'with' if sequencer else 'without'} sequencer")
                done, figures = _measure(homes[size], size, seconds, workers, threads, sequencer=sequencer, seed=turn)
                met.add(
                    f"{size:,} cards{'' if sequencer else ', no sequencer'}", figures, [one.decisions for one in done]
                )
    for turn in range(rounds):
        for size in sizes:
            say(f"round {turn + 1} of {rounds}: {size:,} cards, over HTTP")
            answered = registry_http.measure(homes[size], size, seconds, workers * threads, turn)
            met.add(f"{size:,} cards, HTTP", answered.figures, [answered.decisions])
    results = met.results()
    print_table(results, title=f"Registry, {workers} workers with {threads} threads each")
    for one in met.flatness():
        verdict = "flat" if one.value <= FLAT else "NOT FLAT"
        say(f"{one.set}: {one.value:.2f} times the CPU time a decision of {sizes[0]:,} cards: {verdict}")
    if json_path is not None:
        write_json(json_path, "registry", results)
    wrong = {what: times for what, times in met.decisions.items() if what not in EXPECTED}
    for what, times in wrong.items():
        typer.echo(f"NOT AS EXPECTED, {times} decisions: {what}", err=True)
    if wrong or not met.decisions:
        raise typer.Exit(1)


class _Met:
    """What the rounds measured: figures by set and metric, a value a round; decisions of all together."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._figures: dict[str, dict[str, list[float]]] = {}
        self.decisions: Counter[str] = Counter()

    def add(self, name: str, figures: dict[str, float], decisions: Sequence[Counter[str]]) -> None:
        """One round."""
        for metric, value in figures.items():
            self._figures.setdefault(name, {}).setdefault(metric, []).append(value)
        for counted in decisions:
            self.decisions.update(counted)

    def results(self) -> list[Result]:
        """The median of the rounds, with the lowest and the highest."""
        figures = [
            _figure(name, metric, values) for name, held in self._figures.items() for metric, values in held.items()
        ]
        return figures + self.flatness()

    def flatness(self) -> list[Result]:
        """Every larger size against the smallest, round by round."""
        least = self._costs(self._sizes[0])
        return [
            _figure(
                f"{size:,} cards", "cost_of_smallest", [a / b for a, b in zip(self._costs(size), least, strict=True)]
            )
            for size in self._sizes[1:]
        ]

    def _costs(self, size: int) -> list[float]:
        held = self._figures[f"{size:,} cards"]
        return [sum(pair) for pair in zip(held["worker_us"], held["database_us"], strict=True)]


def _figure(name: str, metric: str, values: Sequence[float]) -> Result:
    units = {"per_s": "1/s", "_ms": "ms", "_us": "us"}
    unit = next((unit for end, unit in units.items() if metric.endswith(end)), "ratio")
    return Result(name, metric, median(values), min(values), max(values), unit, len(values))


def _loaded(state: Path, size: int, events: int | None, processes: int) -> Path:
    """The home of the site with so many cards, loaded if it is not."""
    wanted = max(1, size // 10) if events is None else events
    if not 0 < wanted <= size:
        raise typer.BadParameter("there must be an event at least, and no more of them than cards")
    every = size // wanted
    home = state.resolve() / f"{size}-{-(-size // every)}"
    with registry_site.open_site(home) as site:
        registry_site.load(site, size, every, processes)
    return home


def _measure(
    home: Path, size: int, seconds: float, count: int, threads: int, *, sequencer: bool, seed: int
) -> tuple[list[Done], dict[str, float]]:
    """Run the workers on a register for a time."""
    with registry_site.open_site(home) as site:
        keys = new_keys(site, count * threads)
        command = [sys.executable, "-m", "benchmarks.registry.worker"]
        workers = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
            for _ in range(count)
        ]
        try:
            for at, worker in enumerate(workers):
                told = Told(str(home), keys[at::count], size, seed * count + at, seconds, sequencer)
                _tell(worker, json.dumps(asdict(told)))
            for worker in workers:
                if _line(worker) != "ready\n":
                    raise RuntimeError("a worker did not start")
            before = service_meter.database_seconds(home)
            for worker in workers:
                _tell(worker, "go")
            done = [Done(**json.loads(_line(worker))) for worker in workers]
            spent = service_meter.database_seconds(home) - before
        finally:
            for worker in workers:
                worker.communicate()
            # What no sequencer placed would be late for the next round's.
            drain(site.database, site.keys)
    times = np.concatenate([one.times_s for one in done]) * 1000
    return done, {
        "decisions_per_s": sum(len(one.times_s) / one.seconds for one in done),
        "latency_p50_ms": float(np.percentile(times, 50)),
        "latency_p99_ms": float(np.percentile(times, 99)),
        "worker_us": 1e6 * sum(one.cpu_s for one in done) / len(times),
        "database_us": 1e6 * spent / len(times),
    }


def _line(worker: subprocess.Popen[str]) -> str:
    return "" if worker.stdout is None else worker.stdout.readline()


def _tell(worker: subprocess.Popen[str], line: str) -> None:
    if worker.stdin is not None:
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
