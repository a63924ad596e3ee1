"""What the service does under four times what it can do, and how it comes back.

A service process as `renzheng serve` runs it, with four cards. First some terminals that post one verification after
another measure its capacity. Then verifications arrive at a set rate, whatever is answered (an open loop, each at its
time by the clock): `calm` at 0.6 of the capacity, `over` at four times, `after` at 0.6 again, without a pause between.
Each is a nonce and a verification of a rightful holder, a face and one finger. Who is refused does not ask again, so
that the rate is what it says.

- `arrivals_per_s`: that were sent. `goodput_per_s`: decisions given to arrivals of the phase, over its length.
  `refused_share`: of the arrivals. `other`: what was neither a PASS nor a refusal.
- `accepted_p50_ms`, `accepted_p99_ms`: from an arrival's time to its decision, its nonce included; `refused_p99_ms`: to
  its refusal. Where the measuring program has no thread free for an arrival, that counts too.
- `recovery_s`: from the end of `over` to the first arrival from which on nobody is refused, and the median of whose
  next decisions (`WINDOW`) is below twice that of `calm`.

Service, database and clients share the machine: what the clients cost at four times the load is missing to the service.
"""

import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median
from typing import Any

import httpx
import numpy as np
import typer

import models
from api.demo.counter import Caller, captures
from api.demo.material import MaterialMissing, gather
from api.demo.shots import another_shot
from api.storage import embedded
from benchmarks.common.progress import say
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.service import process as service_process
from benchmarks.service.load import Answered, Shown, Terminals, clients, wait
from benchmarks.service.rate import new_keys, registered
from models.errors import ModelError

PROGRAM = [sys.executable, "-m", "api.cli", "serve"]
PHASES = {"calm": 0.6, "over": 4.0, "after": 0.6}
SATURATING = 8
CLIENTS = 96
WINDOW = 5
REFUSED = "service_overloaded"
TIMEOUT_S = 120


@dataclass(frozen=True)
class Phase:
    """The arrivals of a phase in their order; `began_s` of each is its time on the monotonic clock."""

    name: str
    rate: float
    began_s: float
    seconds: float
    arrivals: list[Answered]

    @property
    def accepted(self) -> list[Answered]:
        """Those that were decided."""
        return [one for one in self.arrivals if one.decision is not None]

    @property
    def refused(self) -> list[Answered]:
        """Those that were turned away."""
        return [one for one in self.arrivals if one.error == REFUSED]

    @property
    def others(self) -> list[Answered]:
        """Whatever else was answered: there should be none."""
        return [one for one in self.arrivals if one.decision != "PASS" and one.error != REFUSED]


def run(seconds: float, json_path: Path | None = None, data: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when anything but a PASS or a refusal was answered."""
    try:
        material = gather(data, models.home(), say)
    except (MaterialMissing, ModelError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from error
    with service_process.own_home(models.home()) as home, ExitStack() as stack:
        say("starting the database and the service")
        authority_key, *keys = new_keys(home, CLIENTS)
        stack.callback(embedded.stop, home / "database")
        service = service_process.start(home, PROGRAM)
        stack.callback(service.stop)
        authority = stack.enter_context(closing(Caller(service.url, authority_key)))
        shown = registered(authority, material.people)
        capacity = _capacity(service.url, keys[:SATURATING], shown, seconds)
        phases = _phases(service.url, keys, shown, capacity, seconds)
    results = summarise("generated" if data is None else data.resolve().name, capacity, phases)
    print_table(results, title=f"Overload, {seconds:g} s each phase")
    if json_path is not None:
        write_json(json_path, "overload", results)
    others = [one for phase in phases for one in phase.others]
    for one in others[:5]:
        typer.echo(f"NOT AS EXPECTED: {one.error or one.decision}", err=True)
    if others:
        raise typer.Exit(1)


def _capacity(url: str, keys: Sequence[str], shown: Sequence[Shown], seconds: float) -> float:
    """Decisions a second with terminals that keep the service full."""
    with clients(url, keys) as counters, Terminals(counters, shown) as load:
        say("warming up")
        load.await_warm()
        began = time.monotonic()
        wait(seconds, lambda gone: say(f"capacity: {gone:.0f} of {seconds:.0f} s"))
        ended = time.monotonic()
        return sum(one.error is None for one in load.visits(began, ended)) / (ended - began)


class _Shots:
    """Verifications to send, each of new captures. One that was refused is good again."""

    def __init__(self, shown: Sequence[Shown], prepared: int) -> None:
        self._shown = shown
        self._ready: SimpleQueue[dict[str, Any]] = SimpleQueue()
        for number in range(prepared):
            self._ready.put(self._made(number))

    def take(self) -> dict[str, Any]:
        """One that was not decided yet."""
        try:
            return self._ready.get_nowait()
        except Empty:
            return self._made(secrets.randbelow(len(self._shown)))

    def give_back(self, body: dict[str, Any]) -> None:
        """It was refused."""
        self._ready.put(body)

    def _made(self, number: int) -> dict[str, Any]:
        shown = self._shown[number % len(self._shown)]
        taken = captures(another_shot(shown.face), another_shot(shown.finger))
        return {"card": shown.card.body(), "channel": "counter", "purpose": "benchmark", "captures": taken}


def _phases(url: str, keys: Sequence[str], shown: Sequence[Shown], capacity: float, seconds: float) -> list[Phase]:
    say("preparing captures")
    shots = _Shots(shown, round(capacity * seconds * sum(min(1.0, share) for share in PHASES.values())))
    free: SimpleQueue[httpx.Client] = SimpleQueue()
    with ExitStack() as stack:
        for key in keys:
            headers = {"Authorization": f"Bearer {key}"}
            free.put(stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S)))
        pool = stack.enter_context(ThreadPoolExecutor(len(keys), thread_name_prefix="arrival"))
        began, pending = time.monotonic(), []
        for name, share in PHASES.items():
            rate = share * capacity
            say(f"{name}: {rate:.1f} arrivals a second")
            sent = []
            for number in range(round(rate * seconds)):
                at = began + number / rate
                time.sleep(max(0.0, at - time.monotonic()))
                sent.append(pool.submit(_arrival, free, shots, at))
            pending.append((name, rate, began, sent))
            began += seconds
        return [Phase(name, rate, at, seconds, [one.result() for one in sent]) for name, rate, at, sent in pending]


def _arrival(free: "SimpleQueue[httpx.Client]", shots: _Shots, at: float) -> Answered:
    """A nonce and a verification by a terminal that has nothing else to do."""
    client, body = free.get(), shots.take()
    try:
        nonce = client.post("/v1/captures").raise_for_status().json()["nonce"]
        now = datetime.now(UTC).isoformat()
        answer = client.post(
            "/v1/verifications",
            json={**body, "nonce": nonce, "captured_at": now},
            headers={"Idempotency-Key": secrets.token_hex(16)},
        )
    except httpx.HTTPError as error:
        return Answered(at, time.monotonic(), None, type(error).__name__)
    finally:
        free.put(client)
    told = answer.json()
    if answer.is_error:
        if told["code"] == REFUSED:
            shots.give_back(body)
        return Answered(at, time.monotonic(), None, told["code"])
    return Answered(at, time.monotonic(), told["decision"])


def summarise(name: str, capacity: float, phases: Sequence[Phase]) -> list[Result]:
    """The figures of a run; see above. `capacity`: decisions a second in a phase as long as the others."""
    decided = round(capacity * phases[0].seconds)
    results = [Result(name, "capacity_per_s", capacity, None, None, "1/s", decided)]
    for phase in phases:
        results.extend(_of_phase(f"{name}/{phase.name}", phase))
    calm, over, after = phases
    recovery = recovery_s(calm, after)
    if recovery is not None:
        results.append(Result(name, "recovery_s", recovery, None, None, "s", len(after.arrivals)))
    goodput = len(over.accepted) / over.seconds / capacity
    results.append(Result(name, "goodput_over_capacity", goodput, None, None, FRACTION, len(over.accepted)))
    return results


def _of_phase(name: str, phase: Phase) -> list[Result]:
    n = len(phase.arrivals)
    results = [
        Result(name, "arrivals_per_s", n / phase.seconds, None, None, "1/s", n),
        Result(name, "goodput_per_s", len(phase.accepted) / phase.seconds, None, None, "1/s", len(phase.accepted)),
        Result(name, "refused_share", len(phase.refused) / n, None, None, FRACTION, n),
        Result(name, "other", len(phase.others), None, None, "answers", n),
    ]
    for kind, percents, answers in (("accepted", (50, 99), phase.accepted), ("refused", (99,), phase.refused)):
        took = [1e3 * (one.ended_s - one.began_s) for one in answers]
        results.extend(
            Result(name, f"{kind}_p{percent}_ms", float(np.percentile(took, percent)), None, None, "ms", len(took))
            for percent in percents
            if took
        )
    return results


def recovery_s(calm: Phase, after: Phase) -> float | None:
    """See above; None where it did not come back within the phase."""
    if not calm.accepted:
        return None
    bound = 2 * median(one.ended_s - one.began_s for one in calm.accepted)
    last_refused = max((number for number, one in enumerate(after.arrivals) if one.decision is None), default=-1)
    rest = after.arrivals[last_refused + 1 :]
    for number in range(len(rest) - WINDOW + 1):
        window = rest[number : number + WINDOW]
        if median(one.ended_s - one.began_s for one in window) < bound:
            return max(0.0, window[0].began_s - after.began_s)
    return None
