"""Verifications per second of a real service, their latency, and the share of its time that is raw model time.

A service process as `renzheng serve` runs it (real engines, embedded PostgreSQL with fsync on, on RENZHENG_HOME's disk)
holds four cards, each with a face and one finger; terminals post verifications of the rightful holders, a face and one
finger each, one after another without a pause. What is measured begins after a warm-up.

- `verifications_per_s`: answers within the time, over the time. `latency_*`: from the request's start to its whole
  answer as the terminal sees it; intervals from a bootstrap over the answers.
- `model_time_share`: CPU time that the service's threads spent inside `run` of the networks (YuNet, SFace, LEADER),
  over the CPU time of the whole service process, both in the same seconds of the same run. The runs are timed in the
  service itself (`service_timed`): timed apart from the load they would look cheaper than they are on busy cores. A run
  that reaches over an end of the time counts by the part within. The service's CPU time is the kernel's.
- `model_ms`, `service_ms`, `database_ms`, `client_ms`: CPU time a verification; `yunet_ms`, `sface_ms`, `leader_ms`:
  medians of one run. `database_share`: of service and database together.
- `cores_of_others`: cores that other programs kept busy meanwhile. Where it is not near 0, rates and latencies say
  little about the service; the CPU times still do.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import typer

import models
from api.demo.counter import Caller, Card, made_up_number
from api.demo.material import MaterialMissing, Person, gather
from api.demo.scenes import TODAY
from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, embedded, keys, migrate
from benchmarks.common.progress import say
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.service import meter as service_meter
from benchmarks.service import process as service_process
from benchmarks.service.load import Answered, Shown, Terminals, clients, wait
from benchmarks.service.meter import Reading
from benchmarks.service.timed import Run, read_runs
from models.errors import ModelError

RESAMPLES = 2000
CONFIDENCE = 0.95
PROGRAM = [sys.executable, "-m", "benchmarks.service.timed"]
# These terminals ask as fast as they are answered; the limit is looked at all the same.
UNLIMITED = 1_000_000
NETWORKS = ("yunet", "sface", "leader")


@dataclass(frozen=True)
class Measured:
    """One run of the load: counters at both ends, answers between, all runs of the networks, the service's memory."""

    began: Reading
    ended: Reading
    answers: list[Answered]
    runs: list[Run]
    service_mib: float


def run(seconds: float, terminals: int, json_path: Path | None = None, data: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when an answer was an error or no PASS."""
    try:
        material = gather(data, models.home(), say)
    except (MaterialMissing, ModelError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from error
    say(f"faces: {material.faces_from}\nfingers: {material.fingers_from}")
    with service_process.own_home(models.home()) as home:
        measured = measure(home, material.people, seconds, terminals)
    results = summarise("generated" if data is None else data.resolve().name, measured)
    print_table(results, title=f"Service, {terminals} terminals, face and one finger")
    if json_path is not None:
        write_json(json_path, "service", results)
    unexpected = unexpected_answers(measured.answers)
    for what, times in unexpected.items():
        typer.echo(f"NOT AS EXPECTED, {times} of {len(measured.answers)}: {what}", err=True)
    if unexpected or not measured.answers:
        raise typer.Exit(1)


def measure(home: Path, people: Sequence[Person], seconds: float, terminals: int) -> Measured:
    """Start a service on `home`, load it, end it."""
    say("starting the database and the service")
    authority_key, *terminal_keys = new_keys(home, terminals)
    timings = home / "runs.json"
    try:
        service = service_process.start(home, [*PROGRAM, str(timings)])
        try:
            with (
                closing(Caller(service.url, authority_key)) as authority,
                clients(service.url, terminal_keys) as counters,
            ):
                say("registering the cards")
                shown = registered(authority, people)
                began, ended, answers, mib = _load(home, service, Terminals(counters, shown), seconds)
        finally:
            service.stop()
    finally:
        embedded.stop(home / "database")
    return Measured(began, ended, answers, read_runs(timings), mib)


def new_keys(home: Path, terminals: int) -> list[str]:
    """The authority's key and the terminals'; the database is started and stays."""
    settings = Settings(home=home, database_url=None)
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        with opened.begin() as connection:
            authority = principals.add(connection, secrets, "authority", "authority", Role.AUTHORITY)
            counters = [
                principals.add(connection, secrets, "bank", f"{number}", Role.TERMINAL, requests_per_minute=UNLIMITED)
                for number in range(terminals)
            ]
    finally:
        opened.close()
    return [authority.key, *(counter.key for counter in counters)]


def registered(authority: Caller, people: Sequence[Person]) -> list[Shown]:
    """Cards of the people, registered; each with what its holder shows."""
    shown = [Shown(Card(made_up_number(), *TODAY), person.capture, person.finger_capture) for person in people]
    for one, person in zip(shown, people, strict=True):
        authority.register(one.card, person.reference, person.finger_reference)
    return shown


def _load(
    home: Path, service: service_process.ServiceProcess, load: Terminals, seconds: float
) -> tuple[Reading, Reading, list[Answered], float]:
    process = psutil.Process(service.process.pid)
    with load:
        say("warming up")
        load.await_warm()
        began = service_meter.read(process, home)

        def progress(gone: float) -> None:
            answered = len(load.visits(began.at_s, time.monotonic()))
            say(f"{gone:.0f} of {seconds:.0f} s: {answered} verifications")

        wait(seconds, progress)
        ended = service_meter.read(process, home)
        memory = process.memory_info().rss / 2**20
    return began, ended, load.visits(began.at_s, ended.at_s), memory


def unexpected_answers(answers: Sequence[Answered]) -> Counter[str]:
    """Errors, and decisions about rightful holders that are no PASS, by what they say."""
    return Counter(answer.error or f"decision {answer.decision}" for answer in answers if answer.decision != "PASS")


def summarise(name: str, measured: Measured) -> list[Result]:
    """The figures of a run; see above. Without a single decision there are only the counts."""
    began, ended = measured.began, measured.ended
    seconds = ended.at_s - began.at_s
    decided = [answer for answer in measured.answers if answer.error is None]
    passed = sum(answer.decision == "PASS" for answer in decided)
    failed = len(measured.answers) - len(decided)
    results = [
        Result(name, "errors", failed, None, None, "answers", len(measured.answers)),
        Result(name, "verifications_per_s", len(decided) / seconds, None, None, "1/s", len(decided)),
    ]
    if not decided:
        return results
    n = len(decided)
    service, database_, client, machine = (
        getattr(ended, part) - getattr(began, part) for part in ("service", "database", "client", "machine")
    )
    model = model_seconds(measured.runs, began.at_s, ended.at_s)
    figures = [
        ("pass_share", passed / n, FRACTION),
        ("model_time_share", model / service, FRACTION),
        ("database_share", database_ / (service + database_), FRACTION),
        ("model_ms", 1e3 * model / n, "ms"),
        ("service_ms", 1e3 * service / n, "ms"),
        ("database_ms", 1e3 * database_ / n, "ms"),
        ("client_ms", 1e3 * client / n, "ms"),
        ("service_mib", measured.service_mib, "MiB"),
        ("cores_of_others", max(0.0, machine - service - database_ - client) / seconds, "cores"),
    ]
    results.extend(latencies(name, [1e3 * (answer.ended_s - answer.began_s) for answer in decided]))
    results.extend(Result(name, metric, value, None, None, unit, n) for metric, value, unit in figures)
    results.extend(_network_results(name, measured.runs, began.at_s, ended.at_s))
    return results


def model_seconds(runs: Sequence[Run], from_s: float, to_s: float) -> float:
    """CPU time of the networks' runs between two times; a run over an end counts by the part of it within."""
    total = 0.0
    for one in runs:
        within = min(one.ended_s, to_s) - max(one.began_s, from_s)
        if within > 0:
            total += one.cpu_s * within / (one.ended_s - one.began_s)
    return total


def latencies(name: str, milliseconds: Sequence[float]) -> list[Result]:
    """Median and 99th percentile of the latencies, with intervals from a bootstrap over the answers."""
    values = np.asarray(milliseconds)
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    results = []
    for percent in (50, 99):
        low, high = np.quantile(np.percentile(drawn, percent, axis=1), tails)
        value = float(np.percentile(values, percent))
        results.append(Result(name, f"latency_p{percent}_ms", value, float(low), float(high), "ms", len(values)))
    return results


def _network_results(name: str, runs: Sequence[Run], from_s: float, to_s: float) -> list[Result]:
    results = []
    for network in NETWORKS:
        spent = [1e3 * one.cpu_s for one in runs if one.network == network and from_s <= one.ended_s < to_s]
        if spent:
            results.append(Result(name, f"{network}_ms", median(spent), None, None, "ms", len(spent)))
    return results
