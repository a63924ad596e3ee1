"""One replica: the service with scripted comparisons, in a process that `nursery` forked.

`without_lock` makes the mutant that the checker has to catch: the status of the card is read without the row's lock.
"""

import os
import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from api import service as services
from api.http.app import create_app
from api.settings import Settings
from api.storage.database import Database
from tests.api.scripted import ScriptedComparer
from tests.api.watching import watch
from tests.faults.replicas.clock import WrongClock

# A comparison takes its time, so that reports come between it and the decision.
COMPARISON_S = 0.02
# What reads a card's status to decide, by itself or as a part of a larger statement, and the lock at its end.
_READ = re.compile(r"(cards\.status.*?FROM cards\s+WHERE cards\.instance_index = \S+)(\s+FOR SHARE)?", re.DOTALL)


@dataclass(frozen=True)
class Birth:
    """What a replica is told: its settings by name, its port, where it writes what it says, the seed of its clock.

    `without_lock` takes the card's lock out; `dwell_s` is then how long it waits after reading.
    """

    settings: dict[str, Any]
    port: int
    log: str
    seed: str
    without_lock: bool = False
    dwell_s: float = 0.0


def serve(birth: Birth) -> None:
    """Serve until killed. For a process of its own."""
    with Path(birth.log).open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    WrongClock(birth.seed)
    waits = random.Random(birth.seed)
    comparer = ScriptedComparer(meanwhile=lambda: time.sleep(waits.random() * COMPARISON_S))
    service = services.build(Settings(**birth.settings), comparer)
    if birth.without_lock:
        take_the_lock_out(service.database, birth.dwell_s)
    uvicorn.run(create_app(service), host="127.0.0.1", port=birth.port, access_log=False, log_level="warning")


def take_the_lock_out(database: Database, dwell_s: float = 0.0) -> None:
    """Read cards without their rows' share lock, and do nothing for `dwell_s` after that."""

    def unlocked(statement: str) -> str:
        return _READ.sub(r"\1", statement)

    def dwell(statement: str) -> None:
        if dwell_s and _READ.search(statement):
            time.sleep(dwell_s)

    watch(database, before=unlocked, after=dwell)
