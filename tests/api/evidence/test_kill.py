"""kill -9 at every write of the sequencer: no act and no leaf is lost, nothing has two places, the log stays sound."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from sqlalchemy import func, select, text

from api.evidence import fsck, log
from api.evidence.fsck import Kept
from api.evidence.sequencer import drain
from api.service import Service
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import acts, evidence
from tests.api.evidence.conftest import write

# The first batch that dies fills a tile and begins the next, and the one above.
BEFORE, ACTS = 240, 20


@pytest.fixture
def dies_at(database: Database, service: Service) -> Iterator[Callable[[int, str], bool]]:
    """Runs a sequencer that is to die at a point; whether it came to that point."""
    address = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.api.evidence.dying_sequencer", address, str(service.settings.keys_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def run(number: int, kind: str) -> bool:
            asked.write(f"{number} {kind}\n")
            asked.flush()
            outcome = told.readline().strip()
            assert outcome in {str(int(signal.SIGKILL)), "ended"}, outcome
            return outcome != "ended"

        yield run
        asked.close()
    assert process.returncode == 0


def wait_for_the_dead(database: Database) -> None:
    """The server notices by itself that a client is gone; until then it may hold the lock."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    there = True
    while there:
        # In a transaction of its own: within one, this view stays as it was first seen.
        with database.begin() as connection:
            there = connection.execute(others).scalar_one() > 0
        time.sleep(0.005)


# After a statement is before the next, seen from the database: the fast suite does without.
@pytest.mark.parametrize("kind", ["before", pytest.param("after", marks=pytest.mark.long), "commit"])
def test_kill_9_at_every_point_of_a_batch(
    database: Database, keys: Keys, dies_at: Callable[[int, str], bool], kind: str
) -> None:
    # The fixture's own connections are closed while others are counted.
    write(database, keys, BEFORE)
    written = drain(database, keys)
    kept: list[Kept] = []
    for point in count():
        write(database, keys, ACTS)
        written += ACTS
        database.engine.dispose()
        died = dies_at(point, kind)
        wait_for_the_dead(database)
        with database.begin() as connection:
            fsck.freeze(connection)
            report = fsck.check(connection, keys, kept)
            committed = kind == "commit" and point == 1
            assert report.findings == [], point
            assert (report.leaves + report.waiting, report.acts) == (written, written)
            assert report.waiting == (ACTS if died and not committed else 0), "a batch is there whole, or not at all"
            assert connection.execute(select(func.count(evidence.c.place.distinct()))).scalar_one() == report.leaves
            assert connection.execute(select(func.count()).select_from(acts)).scalar_one() == written
        assert drain(database, keys) == written, "the next one goes on where it was"
        with database.begin() as connection:
            kept.append(Kept(f"kept after {point}", log.latest_checkpoint(connection) or ""))
        if not died or (kind == "commit" and point == 1):
            break
    assert point >= (1 if kind == "commit" else 4), "it died at every statement of a batch"
