"""Where the CPU time of a decision goes, stage by stage, and the share of it that is raw model time.

A service process as `renzheng serve` runs it, with four cards. `counter`: terminals post a face and one finger;
`kiosk`: the same and the film that answers the challenge (`benchmarks.service.filmed`). A decision is all that it
takes: its nonce, its verification, and its place in the evidence log. What is measured begins after a warm-up.

- `decision_ms`: CPU of the whole service process over its decisions, as the kernel counts it for each thread in
  nanoseconds; `postgres_ms`: of the database's processes; `terminal_ms`: of the measuring program.
- `model_share`: CPU inside the networks' runs (`yunet_ms`, `sface_ms`, `leader_ms`: YuNet in onnxruntime, the others
  in kernels of our own) over `decision_ms`.
- the stages of `benchmarks.service.stages`, each without those within it, as threads that answer requests spent them;
  `http_ms`, `requests_ms`, `engines_ms`: what is left of the event loop's, the request threads' and the engines'
  threads' time; `sequencer_ms`: the evidence log's thread with its statements; `background_ms`: all other threads.
  Together they are `decision_ms`.
- `cores_of_others`: cores that other programs kept busy meanwhile. CPU times grow a little where it is not near 0.

Intervals are from a bootstrap over the seconds of the run.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import typer
from numpy.typing import NDArray

import models
from api.client.simulator import Shown, Visit
from api.demo.counter import Caller
from api.demo.material import Material, MaterialMissing, Person, gather
from api.storage import embedded
from benchmarks.common.progress import say
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.service import meter as service_meter
from benchmarks.service import process as service_process
from benchmarks.service.load import Shown as ShownAtCounter
from benchmarks.service.load import Terminals, clients
from benchmarks.service.rate import CONFIDENCE, RESAMPLES, new_keys, registered, unexpected_answers
from benchmarks.service.stages import Spent
from biometrics.face import FaceEngine
from models.errors import ModelError

Flow = Literal["counter", "kiosk"]
PROGRAM = [sys.executable, "-m", "benchmarks.service.staged"]
NETWORKS = ("yunet", "sface", "leader")
SLICE_S = 1.0
TRIED = [f"nonce {number}" for number in range(8)]
CARDS = 4
REST = {"main": "http", "request": "requests", "AnyIO": "requests", "asyncio": "requests", "compare": "engines"}
"""Threads whose time is told by stage, by how their names begin, and how the rest of their time is called."""


@dataclass(frozen=True)
class Moment:
    """What was used until a moment: CPU seconds of each thread of the service, of the database, of this program."""

    at_s: float
    threads: dict[int, float]
    database: float
    client: float
    machine: float


@dataclass(frozen=True)
class Run:
    """A run of one flow: the ends of its slices, in order, what was answered, and what the service's clock noted."""

    moments: list[Moment]
    answers: list[Visit]
    names: dict[int, str]
    spent: list[Spent]


def run(
    seconds: float, terminals: int, flows: Sequence[Flow], json_path: Path | None = None, data: Path | None = None
) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when an answer was an error or no PASS."""
    try:
        material = gather(data, models.home(), say)
        shows = {flow: SHOWS[flow](material) for flow in flows}
    except (MaterialMissing, ModelError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from error
    results, unexpected = [], Counter[str]()
    for flow, (people, show) in shows.items():
        with service_process.own_home(models.home()) as home:
            measured = measure(home, flow, people, show, seconds, terminals)
        results += summarise(f"{'generated' if data is None else data.resolve().name}/{flow}", measured)
        unexpected += unexpected_answers(measured.answers)
    print_table(results, title=f"Where a decision's time goes, {terminals} terminals")
    if json_path is not None:
        write_json(json_path, "share", results)
    for what, times in unexpected.items():
        typer.echo(f"NOT AS EXPECTED, {times} times: {what}", err=True)
    if unexpected or not results:
        raise typer.Exit(1)


Show = Callable[[list[ShownAtCounter]], list[Shown]]


def _counter(material: Material) -> tuple[list[Person], Show]:
    return material.people, lambda shown: [one.presented() for one in shown]


def _kiosk(material: Material) -> tuple[list[Person], Show]:
    from benchmarks.service.filmed import Filmed, actors

    say("filming the people")
    acting = actors(FaceEngine.open(models.home()), material.people, TRIED)
    if not acting:
        raise MaterialMissing("none of the pictures can be made into a film that answers a challenge")
    cast = [acting[number % len(acting)] for number in range(CARDS)]

    def show(shown: list[ShownAtCounter]) -> list[Shown]:
        filmed = [Filmed(one.card, one.face, one.finger, made) for one, (_, made) in zip(shown, cast, strict=True)]
        return [Shown(one.card.shown(), one.take) for one in filmed]

    return [person for person, _ in cast], show


SHOWS: dict[Flow, Callable[[Material], tuple[list[Person], Show]]] = {"counter": _counter, "kiosk": _kiosk}


def measure(home: Path, flow: Flow, people: Sequence[Person], show: Show, seconds: float, terminals: int) -> Run:
    """Start a service on `home`, load it, end it."""
    say(f"{flow}: starting the database and the service")
    authority_key, *terminal_keys = new_keys(home, terminals)
    noted = home / "stages.json"
    try:
        service = service_process.start(home, [*PROGRAM, str(noted)])
        try:
            with (
                closing(Caller(service.url, authority_key)) as authority,
                clients(service.url, terminal_keys) as counters,
            ):
                shown = show(registered(authority, people))
                process = psutil.Process(service.process.pid)
                with Terminals(counters, (), presented=shown, channel=flow) as load:
                    say(f"{flow}: warming up")
                    load.await_warm()
                    moments = _slices(process, home, seconds)
                    answers = load.visits(moments[0].at_s, moments[-1].at_s)
        finally:
            service.stop()
    finally:
        embedded.stop(home / "database")
    names, spent = read_stages(noted)
    return Run(moments, answers, names, spent)


def _slices(process: psutil.Process, home: Path, seconds: float) -> list[Moment]:
    say(f"measuring for {seconds:.0f} s")
    moments = [_moment(process, home)]
    while (gone := time.monotonic() - moments[0].at_s) < seconds:
        time.sleep(min(SLICE_S, seconds - gone))
        moments.append(_moment(process, home))
    return moments


def _moment(process: psutil.Process, home: Path) -> Moment:
    reading = service_meter.read(process, home)
    return Moment(time.monotonic(), thread_seconds(process.pid), reading.database, reading.client, reading.machine)


def thread_seconds(pid: int) -> dict[int, float]:
    """CPU seconds of each thread that a process has now, from the scheduler's own counters."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found[int(task.name)] = int((task / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
    return found


def read_stages(path: Path) -> tuple[dict[int, str], list[Spent]]:
    """The threads' names and the stages that a service wrote when it ended."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return {int(thread): name for thread, name in held["threads"].items()}, [Spent(*one) for one in held["spent"]]


def summarise(name: str, measured: Run) -> list[Result]:
    """The figures of a run; see above. Nothing without a single decision."""
    first, last = measured.moments[0], measured.moments[-1]
    decided = [answer for answer in measured.answers if answer.error is None]
    if not decided:
        return []
    n = len(decided)
    table = stage_table(measured)
    whole = np.sum(list(table.values()), axis=0)
    model = np.sum([table[network] for network in NETWORKS if network in table], axis=0)
    each = np.histogram([answer.ended_s for answer in decided], [moment.at_s for moment in measured.moments])[0]
    results = [
        _interval(name, "model_share", model, whole, FRACTION, n),
        _interval(name, "decision_ms", 1e3 * whole, each, "ms", n),
        Result(name, "postgres_ms", 1e3 * (last.database - first.database) / n, None, None, "ms", n),
        Result(name, "terminal_ms", 1e3 * (last.client - first.client) / n, None, None, "ms", n),
    ]
    for stage, spent in sorted(table.items(), key=lambda one: -float(one[1].sum())):
        results.append(_interval(name, f"{stage}_ms", 1e3 * spent, each, "ms", n))
    used = float(whole.sum()) + last.database - first.database + last.client - first.client
    others = (last.machine - first.machine - used) / (last.at_s - first.at_s)
    results.append(Result(name, "cores_of_others", max(0.0, others), None, None, "cores", n))
    return results


def stage_table(measured: Run) -> dict[str, NDArray[np.float64]]:
    """CPU seconds of each stage in each slice, float64 (slices,); their sum is the process's."""
    ends = np.array([moment.at_s for moment in measured.moments])
    table: defaultdict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(ends) - 1))
    told: defaultdict[int, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(ends) - 1))
    for one in measured.spent:
        if rest_of(measured.names.get(one.thread, "")) is None or not ends[0] <= one.ended_s < ends[-1]:
            continue
        place = int(np.searchsorted(ends, one.ended_s, side="right")) - 1
        table[one.stage][place] += one.cpu_s
        told[one.thread][place] += one.cpu_s
    for thread in measured.moments[-1].threads:
        used = np.array([moment.threads.get(thread, 0.0) for moment in measured.moments])
        name = measured.names.get(thread, "")
        rest = rest_of(name) or ("sequencer" if name == "sequencer" else "background")
        # What a stage spent before an end of a slice counts where it ended: of one slice the rest may be negative.
        table[rest] += np.diff(used) - told[thread]
    return dict(table)


def rest_of(thread: str) -> str | None:
    """What a thread's time outside all stages is called; None for a thread that answers no requests."""
    return next((rest for begins, rest in REST.items() if thread.startswith(begins)), None)


def _interval(
    name: str, metric: str, part: NDArray[np.float64], whole: NDArray[np.float64], unit: str, n: int
) -> Result:
    """The ratio of two sums over the slices, with its interval."""
    drawn = np.random.default_rng(0).integers(0, len(part), (RESAMPLES, len(part)))
    of = whole[drawn].sum(axis=1)
    ratios = part[drawn].sum(axis=1)[of > 0] / of[of > 0]
    low, high = np.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Result(name, metric, float(part.sum() / whole.sum()), float(low), float(high), unit, n)
