"""A process of `benchmarks.registry.rate` that decides: the service's own deciding transaction, from several threads.

`python -m benchmarks.registry.worker` reads one line of JSON (`Told`), says `ready`, waits for a line, works for a
time, and writes JSON (`Done`). The person's result is made up, as if face and one finger had been compared and matched;
everything else of `api.verification.pipeline.settle` is the service's. Which card is drawn at random; nonces were given
out beforehand.
"""

import hashlib
import json
import random
import secrets
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api import service as services
from api.cards.identity import indexes
from api.institutions import principals
from api.institutions.caller import Caller
from api.matching.captures import Captures, FingerPosition
from api.matching.comparison import ModalityResult, PersonResult
from api.service import Service
from api.settings import Settings
from api.storage import embedded
from api.storage.copying import copy_rows
from api.storage.idempotency import Attempt
from api.storage.sealing import keyed_hash
from api.storage.tables import nonces
from api.verification import pipeline
from api.verification.request import VerificationRequest
from benchmarks.registry.cards import identity
from tests.api.scripted import ScriptedComparer

# More decisions a second than this no thread makes; each has its nonce.
MOST_A_SECOND = 2000
_NONCE_LIFE = timedelta(hours=1)
_MATCH = PersonResult(
    (
        ModalityResult("face", None, None, 11.83, 1.137e-07, 81.2, True),
        ModalityResult("finger", FingerPosition.RIGHT_INDEX, None, 11.83, 1.137e-07, 64.0, True),
    ),
    0.9999,
    23.66,
    1.137e-09,
    engines=("sface-1", "leader-edges-2"),
    extrapolated=True,
)


@dataclass(frozen=True)
class Told:
    """What a worker is told: the home, its terminals' keys (each thread has one of its own), how many cards there are,
    the seed of what it draws, how long it works, and whether a sequencer runs beside, as in the service."""

    home: str
    keys: list[str]
    cards: int
    seed: int
    seconds: float
    sequencer: bool


@dataclass
class Done:
    """What a worker did: decisions by outcome, times of each in seconds, CPU seconds of the process."""

    decisions: Counter[str] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0


def work(service: Service, told: Told, terminals: list[Caller]) -> Done:
    """Decide from one thread a terminal until the time is over."""
    given = [_nonces(service, terminal, int(told.seconds * MOST_A_SECOND / len(terminals))) for terminal in terminals]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began, cpu = time.monotonic(), time.process_time()
    parts = [Done() for _ in terminals]
    threads = [
        threading.Thread(target=_decide, args=(service, told, terminal, given[at], at, began + told.seconds, parts[at]))
        for at, terminal in enumerate(terminals)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = Done(seconds=time.monotonic() - began, cpu_s=time.process_time() - cpu)
    for part in parts:
        done.decisions.update(part.decisions)
        done.times_s.extend(part.times_s)
    return done


def _decide(
    service: Service, told: Told, terminal: Caller, given: list[str], thread: int, deadline: float, done: Done
) -> None:
    drawn = random.Random(f"{told.seed} {thread}")
    for nonce in given:
        if time.monotonic() >= deadline:
            return
        card = identity(drawn.randrange(told.cards))
        request = VerificationRequest(
            caller=terminal,
            attempt=Attempt(terminal.principal_id, nonce, hashlib.sha256(nonce.encode()).digest()),
            card=card,
            channel="counter",
            purpose="account_opening",
            captures=Captures(),
            captured_at=datetime.now(UTC),
            nonce=nonce,
        )
        digests = tuple(hashlib.sha256(f"{nonce} {shot}".encode()).digest() for shot in ("face", "finger"))
        shown = indexes(service.keys.index, card)
        began = time.perf_counter()
        answer = pipeline.settle(service, request, shown, replace(_MATCH, capture_digests=digests)).answer
        done.times_s.append(time.perf_counter() - began)
        done.decisions[f"{answer['decision']} {answer['document']['status']}"] += 1
        service.sequencer.wake()
    raise RuntimeError("the nonces are used up")


def _nonces(service: Service, terminal: Caller, count: int) -> list[str]:
    """Nonces as `POST /v1/captures` gives them out, many at once."""
    made = [secrets.token_urlsafe(16) for _ in range(count)]
    end = datetime.now(UTC) + _NONCE_LIFE
    with service.database.begin() as connection:
        copy_rows(
            connection,
            nonces,
            ("principal_id", "nonce_hash", "expires_at"),
            ((terminal.principal_id, keyed_hash(service.keys.index, "nonce", nonce), end) for nonce in made),
        )
    return made


def main() -> None:
    """Read what to do, do it, tell."""
    told = Told(**json.loads(sys.stdin.readline()))
    settings = Settings(home=Path(told.home), database_url=None, database_pool_size=len(told.keys) + 1)
    service = services.build(settings, ScriptedComparer())
    try:
        if not told.sequencer:
            service.sequencer.stop()
        with service.database.begin() as connection:
            terminals = [principals.authenticate(connection, key) for key in told.keys]
        done = work(service, told, [terminal for terminal in terminals if terminal is not None])
        sys.stdout.write(json.dumps(vars(done)) + "\n")
        sys.stdout.flush()
    finally:
        service.close()
        embedded.stop(settings.database_dir)


if __name__ == "__main__":
    main()
