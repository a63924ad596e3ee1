"""How soon every terminal knows of a change of a card's status, through the kill of a replica.

Two `renzheng serve` on one PostgreSQL hold the streams of so many terminals, which are one process of raw sockets. Loss
reports and cards found again are posted at a rate, as an authority posts them. In the middle one replica is killed
(SIGKILL): its terminals go to the other, which from then on holds all streams, with the number that they heard last.

- `latency_*`: from the commit of the change, as PostgreSQL noted it (`track_commit_timestamp`; the time is taken before
  the commit is flushed to the disk), to the moment at which the bytes were at hand in the terminals' process: the same
  wall clock. Over all events and terminals, what was late because of the kill included; `undisturbed` is without the
  events between the kill and the last terminal's return. Intervals are of a bootstrap over events, for what one event
  is late by all its deliveries are.
- `lost`, `duplicates`: pairs of a terminal and a number that were not there in the end, or more than once; `disordered`
  pairs that came after a higher number.
- `return_p99_ms`: from the loss of a connection to the first byte of the next one.
- `memory_per_terminal_bytes`: by how much the resident memory of both replicas grew while the streams were opened, over
  their number.
"""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import numpy.typing as npt
import psutil
import typer
from sqlalchemy import text

import models
from api.cards.bulk import importing
from api.feed import records
from api.feed.snapshots.publishing import deployment_id
from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database
from api.storage import keys as key_files
from api.storage.recordkeys.opening import with_records
from benchmarks.common.machine import ROOT
from benchmarks.common.progress import say
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.registry.cards import identity
from benchmarks.registry.site import UNLIMITED, Site, new_keys
from benchmarks.service import process as service_process
from benchmarks.service.plain_postgres import PlainPostgres
from benchmarks.service.process import ServiceProcess

PROGRAM = (sys.executable, "-m", "api.cli", "serve")
CARDS = 200
SETTLE_S = 3.0
# Nothing more is on its way after so long: what is missing then is lost.
AWAIT_S = 30.0
RESAMPLES = 1000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """One run. Times are nanoseconds of the wall clock; `committed_ns` is of the numbers from `first` on."""

    terminals: int
    first: int
    committed_ns: Numbers
    killed_ns: int | None
    records: dict[str, Numbers]
    memory_bytes: float


def run(terminals: int, seconds: float, rate: float, kill: bool, json_path: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when an event was lost or came twice."""
    with service_process.own_home(models.home()) as home:
        server = PlainPostgres(home / "postgres").initialise(track_commit_timestamp="on").start()
        try:
            seen = measure(home, server.new_database(), terminals, seconds, rate, kill=kill)
        finally:
            server.remove()
    results = summarise(seen)
    print_table(results, title=f"Propagation to {terminals:,} terminals")
    if json_path is not None:
        write_json(json_path, "propagation", results)
    wrong = [one.metric for one in results if one.metric in {"lost", "duplicates", "disordered"} and one.value]
    if wrong:
        typer.echo(f"NOT AS PROMISED: {', '.join(wrong)}", err=True)
        raise typer.Exit(1)


def measure(
    home: Path, url: str, terminals: int, seconds: float, rate: float, *, kill: bool, program: tuple[str, ...] = PROGRAM
) -> Seen:
    """Start the replicas on an empty database, open the streams, post the changes, end everything."""
    settings = {"RENZHENG_DATABASE_URL": url, "RENZHENG_REQUESTS_PER_MINUTE": str(UNLIMITED)}
    say("starting two replicas")
    replicas = [service_process.start(home, program, settings=settings) for _ in range(2)]
    try:
        with _site(home, url) as site:
            say(f"making {terminals:,} terminals")
            keys = new_keys(site, terminals)
            authority, cards = _register(site, home)
            first = _head(site) + 1
            before = _memory(replicas)
            with _following(home, replicas, keys, first - 1) as followers:
                memory = _memory(replicas) - before
                killed = _load(replicas, authority, cards, seconds, rate, kill=kill)
                committed = _committed(site, first)
                followers.await_events(len(committed) * terminals)
            return Seen(terminals, first, committed, killed, followers.records(), memory)
    finally:
        for replica in replicas:
            replica.kill()


class Followers:
    """The process of the terminals."""

    def __init__(self, home: Path, replicas: list[ServiceProcess], keys: list[str], after: int) -> None:
        """Returns when all streams are open."""
        places = [(urlsplit(one.url).hostname, urlsplit(one.url).port) for one in replicas]
        order, self._path = home / "order.json", home / "records.npz"
        order.write_text(json.dumps({"replicas": places, "keys": keys, "after": after}), encoding="utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.feed.terminals", str(order), str(self._path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read("ready")

    def await_events(self, count: int) -> None:
        """Wait until so many were heard, or nothing more comes for a time."""
        heard, since = -1, time.monotonic()
        while heard < count and time.monotonic() - since < AWAIT_S:
            now = int(self._ask("count"))
            heard, since = (now, time.monotonic()) if now > heard else (heard, since)
            time.sleep(0.1)

    def end(self) -> None:
        """End it; what it saw is written then."""
        if self._process.poll() is None:
            self._process.communicate("end\n", timeout=AWAIT_S)

    def records(self) -> dict[str, Numbers]:
        """What it saw."""
        with np.load(self._path) as columns:
            return {name: columns[name] for name in columns.files}

    def _ask(self, what: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self, expected: str | None = None) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line or expected not in {None, line}:
            raise RuntimeError("the terminals failed")
        return line


@contextmanager
def _following(home: Path, replicas: list[ServiceProcess], keys: list[str], after: int) -> Iterator[Followers]:
    say(f"opening {len(keys):,} streams")
    followers = Followers(home, replicas, keys, after)
    try:
        # What was needed to open them, and nothing more, is let go of before it is looked at.
        time.sleep(SETTLE_S)
        yield followers
    finally:
        followers.end()


@contextmanager
def _site(home: Path, url: str) -> Iterator[Site]:
    settings = Settings(home=home, database_url=url)
    opened = database.open_database(settings)
    try:
        with opened.begin() as connection:
            deployment = deployment_id(connection)
        keys = with_records(settings, opened, key_files.load(settings.keys_dir), deployment)
        try:
            yield Site(home, opened, keys)
        finally:
            keys.of_records.close()
    finally:
        opened.close()


def _register(site: Site, home: Path) -> tuple[str, list[str]]:
    """An authority's key, and the identifiers of cards that it registered."""
    with site.database.begin() as connection:
        key = principals.add(
            connection, site.keys, "authority", "authority", Role.AUTHORITY, requests_per_minute=UNLIMITED
        ).key
        caller = principals.authenticate(connection, key)
    assert caller is not None
    rows = [identity(number) for number in range(CARDS)]
    lines = [
        json.dumps({"number": one.number, "issuer": one.issuer, "valid_from": str(one.valid_from),
                    "valid_to": str(one.valid_to)})
        for one in rows
    ]  # fmt: skip
    path = home / "cards.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    importing.load(site.database, site.keys, caller, path, lambda *_: None)
    with site.database.begin() as connection:
        return key, [str(one) for one in connection.execute(text("SELECT id FROM cards")).scalars()]


def _load(
    replicas: list[ServiceProcess], authority: str, cards: list[str], seconds: float, rate: float, *, kill: bool
) -> int | None:
    """Post changes at a rate, evenly; gives when the first replica was killed, in the middle."""
    say(f"posting {rate:g} changes a second for {seconds:g} s")
    reporter, began, killed = Reporter(replicas, authority), time.monotonic(), None
    for number in range(round(seconds * rate)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        if kill and killed is None and number >= seconds * rate / 2:
            killed = time.time_ns()
            replicas[0].kill()
        event = "found" if number // len(cards) % 2 else "reported_lost"
        reporter.report(cards[number % len(cards)], event)
    return killed


class Reporter:
    """An authority's program: posts to the replicas in turn, and again to the other one when one is gone."""

    def __init__(self, replicas: list[ServiceProcess], key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._clients = [httpx.Client(base_url=one.url, headers=headers, timeout=30) for one in replicas]

    def report(self, card_id: str, event: str) -> None:
        """Report an event, under one idempotency key however often it is sent. Raises `httpx.HTTPStatusError`."""
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        self._clients.reverse()
        for client in list(self._clients):
            try:
                answer = client.post(f"/v1/cards/{card_id}/events", json={"event": event}, headers=headers)
            except httpx.TransportError:
                self._clients.remove(client)
            else:
                answer.raise_for_status()
                return
        raise RuntimeError("no replica is there")


def _head(site: Site) -> int:
    with site.database.begin() as connection:
        return records.head(connection).seq


def _committed(site: Site, first: int) -> Numbers:
    """When each change was committed, by the server; the row's transaction is the change's."""
    asked = text(
        "SELECT (1000000 * extract(epoch FROM pg_xact_commit_timestamp(xmin)))::bigint FROM feed_events"
        " WHERE seq >= :first ORDER BY seq"
    )
    with site.database.begin() as connection:
        return 1000 * np.array(connection.execute(asked, {"first": first}).scalars().all(), dtype=np.int64)


def _memory(replicas: list[ServiceProcess]) -> float:
    return float(sum(psutil.Process(one.process.pid).memory_info().rss for one in replicas))


def summarise(seen: Seen) -> list[Result]:
    """The figures of a run."""
    kept = _first_times(seen)
    events = len(seen.committed_ns)
    name = f"{seen.terminals:,} terminals, {'a replica killed' if seen.killed_ns else 'none killed'}"
    late_ms = (kept - seen.committed_ns[None, :]) / 1e6
    results = _latencies(name, "", late_ms)
    if seen.killed_ns is not None:
        back = seen.records["lost_ns"] > 0
        returned = seen.records["opened_ns"][back]
        disturbed = (seen.committed_ns >= seen.killed_ns - 1_000_000_000) & (seen.committed_ns <= returned.max())
        results += _latencies(name, "undisturbed_", late_ms[:, ~disturbed])
        took = (returned - seen.records["lost_ns"][back]) / 1e6
        results.append(Result(name, "return_p99_ms", float(np.percentile(took, 99)), None, None, "ms", len(took)))
    counts = {
        "lost": int(np.isnan(kept).sum()),
        "duplicates": len(seen.records["seq"]) - int((~np.isnan(kept)).sum()),
        "disordered": _disordered(seen),
        "kills": int(seen.killed_ns is not None),
    }
    pairs = seen.terminals * events
    results += [Result(name, metric, count, None, None, "", pairs) for metric, count in counts.items()]
    memory = seen.memory_bytes / seen.terminals
    results.append(Result(name, "memory_per_terminal_bytes", memory, None, None, "B", seen.terminals))
    return results


def _first_times(seen: Seen) -> npt.NDArray[np.float64]:
    """When each terminal first heard of each event (terminals, events), ns; NaN where it never did."""
    times = np.full((seen.terminals, len(seen.committed_ns)), np.inf)
    place = (seen.records["terminal"], seen.records["seq"] - seen.first)
    np.minimum.at(times, place, seen.records["received_ns"].astype(float))
    times[np.isinf(times)] = np.nan
    return times


def _disordered(seen: Seen) -> int:
    order = np.lexsort((np.arange(len(seen.records["seq"])), seen.records["terminal"]))
    terminal, seq = seen.records["terminal"][order], seen.records["seq"][order]
    return int(((np.diff(seq) < 0) & (np.diff(terminal) == 0)).sum())


def _latencies(name: str, prefix: str, late_ms: npt.NDArray[np.float64]) -> list[Result]:
    """Percentiles over all deliveries, with intervals of a bootstrap over events (columns)."""
    draws = np.random.default_rng(0).integers(late_ms.shape[1], size=(RESAMPLES, late_ms.shape[1]))
    # As counts in narrow bins an event's deliveries are summed rather than sorted, a thousand times.
    edges = np.append(np.geomspace(0.1, 60_000, 4000), np.inf)
    counts = np.stack([np.histogram(np.nan_to_num(one, nan=60_000), edges)[0] for one in late_ms.T]).astype(np.int32)
    drawn = np.stack([counts[draw].sum(axis=0).cumsum() for draw in draws])
    found = []
    for percent in (50, 99):
        low, high = np.percentile([edges[np.searchsorted(one, percent / 100 * one[-1])] for one in drawn], (2.5, 97.5))
        value = float(np.nanpercentile(late_ms, percent))
        metric = f"{prefix}latency_p{percent}_ms"
        found.append(Result(name, metric, value, float(low), float(high), "ms", late_ms.size))
    found.append(Result(name, f"{prefix}latency_max_ms", float(np.nanmax(late_ms)), None, None, "ms", late_ms.size))
    return found
