"""A sequencer that dies by kill -9: `dying_sequencer ADDRESS KEYS`.

Reads points from its input, one a line: how many statements, and `before` or `after` (the next of them) or `commit` (0
before it, 1 after). For each it forks a process that runs the sequencer until it is at that point, and there kills
itself. Answers with the signal that ended it, or with `ended` when it never came to that point.
"""

import os
import signal
import sys
import time
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from api.evidence.sequencer import Sequencer
from api.storage import keys
from api.storage.database import Database
from api.storage.journeys import Journey
from tests.api.watching import watch

RUN_AT_MOST_S = 120.0


def die() -> None:
    """As the machine's end would: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(database: Database, number: int, kind: str) -> None:
    """Put the death where it is wanted. Looking whether the connection lives counts as no statement."""
    if kind == "commit":
        send = Journey.send

        def dying(journey: Journey) -> None:
            ends = journey.commit
            journey.commit = ends and number == 1
            send(journey)
            if ends:
                die()

        Journey.send = dying  # type: ignore[method-assign, assignment]
        return
    seen = 0
    committed = False

    def count(_: str) -> None:
        nonlocal seen
        if seen == number and not committed:
            die()
        seen += 1

    commit = psycopg.Connection.commit

    def commits(connection: psycopg.Connection) -> None:
        nonlocal committed
        commit(connection)
        committed = True

    psycopg.Connection.commit = commits  # type: ignore[method-assign, assignment]
    if kind == "before":
        watch(database, before=count)
    else:
        watch(database, after=count)


def run(address: str, folder: str, number: int, kind: str) -> None:
    """Run the sequencer until everything is placed, unless it dies."""
    database = Database(make_url(address), pool_size=1, timeout_s=60)
    one = Sequencer(database, keys.load(Path(folder)))
    die_at(one._database, number, kind)
    one.start()
    deadline = time.monotonic() + RUN_AT_MOST_S
    while one.counts.placed == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    one.stop()


def forked(point: str) -> int:
    """Run in a process of its own, made in a moment because everything is imported; gives how it ended."""
    child = os.fork()
    if child == 0:
        number, kind = point.split()
        run(sys.argv[1], sys.argv[2], int(number), kind)
        os._exit(0)
    return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    for line in sys.stdin:
        status = forked(line)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "ended", flush=True)  # noqa: T201
