"""Durable appends per second into the evidence log, and how soon and how fast their inclusion is proven.

Writer processes commit acts, one leaf a transaction, each on the disk before the next begins: an act that is nothing
but its leaf is one statement (`--form statement`); `--form transaction` takes a connection from the pool for each and
puts BEGIN and COMMIT around it, as the service does for acts of several statements. Meanwhile one sequencer, as in a
replica, places the leaves in the tree and signs checkpoints. The log is an embedded PostgreSQL on RENZHENG_HOME's
disk; `--leaves` fills it first.

- `appends_per_s`: leaves that were committed *and* placed under a signed checkpoint within the time, over the time.
- `proof_*`: from asking for the proof of a leaf, drawn at random over the whole log, to having it, under the load;
  every proof is verified against its checkpoint's signed root.
- `wait_*`: from an act's commit to the first moment at which its inclusion can be proven, as an answer waits for it.
- `sequencer_us`, `writer_us`, `database_us`: CPU time an append of the sequencer's process (which asks for the proofs
  too), of the writers and of the database server.

Afterwards everything that waits is placed and the log is counted: a leaf that is missing is an error.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import typer
from sqlalchemy import func, select

import models
from api.evidence import log, merkle, proofs
from api.evidence.checkpoints import open_note
from api.evidence.parameters import ORIGIN
from api.evidence.proofs import ProofImpossible
from api.evidence.sequencer import Sequencer, drain
from api.settings import Settings
from api.storage import database, embedded, migrate
from api.storage import keys as key_files
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence
from benchmarks.common.machine import ROOT
from benchmarks.common.progress import say
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.evidence import fill as evidence_fill
from benchmarks.evidence.writer import commit_one

RESAMPLES = 2000
# One in so many milliseconds a proof is asked for, so that asking does not become the load.
ASK_EVERY_S = 0.02
POLL_S = 0.001
WAIT_AT_MOST_S = 30.0


@dataclass
class Probed:
    """Times in seconds, one a question."""

    proofs: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """One run. CPU times in seconds of the whole run."""

    placed: int
    committed: int
    seconds: float
    probed: Probed
    writers_cpu_s: float
    own_cpu_s: float
    database_cpu_s: float


def run(seconds: float, writers: int, threads: int, leaves: int, form: str, json_path: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when a committed leaf is not in the log."""
    with _log(models.home()) as (home, opened, keys):
        if leaves:
            evidence_fill.fill(opened, keys, leaves)
        measured = measure(home, opened, keys, seconds, writers, threads, form)
        drain(opened, keys)
        with opened.begin() as connection:
            held = connection.execute(select(func.count()).select_from(evidence)).scalar_one()
            size = log.tree_size(connection)
    results = summarise(f"log of {leaves:,} leaves" if leaves else "empty log", measured)
    print_table(results, title=f"Evidence log, {writers} writer processes with {threads} threads each")
    if json_path is not None:
        write_json(json_path, "evidence", results)
    expected = leaves + measured.committed
    if not held == size == expected:
        typer.echo(
            f"NOT AS EXPECTED: {expected} leaves were committed, {held} are held, {size} are in the tree", err=True
        )
        raise typer.Exit(1)


def measure(
    home: Path, opened: Database, keys: Keys, seconds: float, writers: int, threads: int, form: str
) -> Measured:
    """Load the log and probe it."""
    command = [sys.executable, "-m", "benchmarks.evidence.writer", str(home), str(seconds), str(threads), form]
    say("starting the writers")
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(writers)
    ]
    sequencer = Sequencer(opened, keys)
    try:
        for process in processes:
            if _line(process) != "ready\n":
                raise RuntimeError("a writer did not start")
        drain(opened, keys)
        before = _size(opened)
        server = _server_cpu(home)
        own = time.process_time()
        sequencer.start()
        probed, ended = Probed(), threading.Event()
        prober = threading.Thread(target=_probe, args=(opened, keys, sequencer, probed, ended))
        say(f"loading the log for {seconds:g} s")
        for process in processes:
            _tell(process)
        prober.start()
        time.sleep(seconds)
        placed = _size(opened) - before
        told = [json.loads(_line(process)) for process in processes]
        ended.set()
        prober.join()
        return Measured(
            placed=placed,
            committed=sum(one["committed"] for one in told) + len(processes) + len(probed.waits),
            seconds=seconds,
            probed=probed,
            writers_cpu_s=sum(one["cpu_s"] for one in told),
            own_cpu_s=time.process_time() - own,
            database_cpu_s=_server_cpu(home) - server,
        )
    finally:
        sequencer.stop()
        for process in processes:
            process.kill()
            process.communicate()


def _probe(opened: Database, keys: Keys, sequencer: Sequencer, probed: Probed, ended: threading.Event) -> None:
    """Ask for proofs of leaves from all over the log, and follow an act of one's own from its commit to its proof."""
    drawn = random.Random(1)
    while not ended.wait(ASK_EVERY_S):
        size = _size(opened)
        if size == 0:
            continue
        with opened.begin() as connection:
            drawn_leaf = select(evidence.c.leaf_hash).where(evidence.c.place == drawn.randrange(size))
            digest = connection.execute(drawn_leaf).scalar_one()
        began = time.perf_counter()
        with opened.begin() as connection:
            shown = proofs.inclusion(connection, digest)
        probed.proofs.append(time.perf_counter() - began)
        _verify(digest, shown, keys)
        probed.waits.append(_followed(opened, keys, sequencer))


def _followed(opened: Database, keys: Keys, sequencer: Sequencer) -> float:
    digest = bytes.fromhex(commit_one(opened, keys, 0))
    sequencer.wake()
    began = time.perf_counter()
    while time.perf_counter() < began + WAIT_AT_MOST_S:
        seen = sequencer.counts.growths
        try:
            with opened.begin() as connection:
                shown = proofs.inclusion(connection, digest)
        except ProofImpossible:
            sequencer.wait_for_growth(seen, POLL_S * 10)
            continue
        took = time.perf_counter() - began
        _verify(digest, shown, keys)
        return took
    raise RuntimeError("a leaf did not get into the log")


def _verify(digest: bytes, shown: proofs.Inclusion, keys: Keys) -> None:
    root = open_note(shown.checkpoint, ORIGIN, keys.trusted).root
    if not merkle.verify_inclusion(digest, shown.index, shown.size, shown.proof, root):
        raise RuntimeError("a proof does not hold")


def summarise(log_name: str, measured: Measured) -> list[Result]:
    """The figures; intervals of percentiles by bootstrap over the questions."""
    rate = measured.placed / measured.seconds
    results = [Result(log_name, "appends_per_s", rate, None, None, "1/s", measured.placed)]
    for name, times in (("proof", measured.probed.proofs), ("wait", measured.probed.waits)):
        values = 1000 * np.asarray(times)
        draws = np.random.default_rng(1).choice(values, (RESAMPLES, len(values)))
        for percentile in (50, 99):
            low, high = np.percentile(np.percentile(draws, percentile, axis=1), (2.5, 97.5))
            value = float(np.percentile(values, percentile))
            results.append(
                Result(log_name, f"{name}_p{percentile}_ms", value, float(low), float(high), "ms", len(values))
            )
    for name, cpu_s in (
        ("writer_us", measured.writers_cpu_s),
        ("sequencer_us", measured.own_cpu_s),
        ("database_us", measured.database_cpu_s),
    ):
        results.append(Result(log_name, name, 1e6 * cpu_s / measured.placed, None, None, "us", measured.placed))
    return results


@contextmanager
def _log(parent: Path) -> Iterator[tuple[Path, Database, Keys]]:
    """An empty log in a folder of its own beside the user's, removed in the end."""
    parent.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="evidence-", dir=parent))
    settings = Settings(home=home, database_url=None, database_timeout_s=600)
    keys = key_files.load(settings.keys_dir)
    try:
        opened = database.open_database(settings)
        migrate.upgrade(opened)
        yield home, opened, keys
        opened.close()
    finally:
        embedded.stop(settings.database_dir)
        shutil.rmtree(home)


def _size(opened: Database) -> int:
    with opened.begin() as connection:
        return log.tree_size(connection)


def _line(process: subprocess.Popen[str]) -> str:
    return "" if process.stdout is None else process.stdout.readline()


def _tell(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.write("go\n")
        process.stdin.flush()


def _server_cpu(home: Path) -> float:
    """CPU seconds of the database server with all its processes, those that ended included."""
    number = int((home / "database" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    server = psutil.Process(number)
    times = [server.cpu_times(), *(child.cpu_times() for child in server.children())]
    reaped = times[0].children_user + times[0].children_system
    return float(sum(one.user + one.system for one in times) + reaped)
