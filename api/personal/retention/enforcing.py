"""What is over its time is removed: kind by kind, some rows at a time, by one process, and told in the evidence.

A batch and its count are one transaction. Killed in between, a run has counted what is gone; the next goes on with it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from api.personal.finishing import finish as delete_keys
from api.personal.holds.conditions import held, removing
from api.personal.retention import runs, templates
from api.personal.retention.kinds import KINDS, TEMPLATES, Kind
from api.personal.retention.parameters import LOCK, PAUSE_S, ROWS
from api.personal.retention.runs import Run
from api.settings import Settings
from api.storage.database import Database
from api.storage.keys import Keys

Progress = Callable[[str, int], None]

_ALONE = text(f"SELECT pg_try_advisory_xact_lock(hashtextextended('{LOCK}', 0))")


class EnforcedElsewhere(Exception):
    """Another process is at it."""


class ClockDoubted(Exception):
    """The database's clock may not be right; a person has to say that it is."""


class Stopped(Exception):
    """The process ends; what is left goes with the next run."""


def enforce(
    database: Database,
    keys: Keys,
    settings: Settings,
    progress: Progress = lambda _kind, _rows: None,
    *,
    at: datetime | None = None,
    trusted: bool = False,
    ended: threading.Event | None = None,
) -> dict[str, int]:
    """Remove what is over its time; gives how much of which kind, with what a run that was broken off had removed.

    `at`: as of that moment, where it is not now. `trusted`: a person says that the database's clock is right. `ended`:
    set when the process is to end. Raises `EnforcedElsewhere`, `ClockDoubted` before anything is removed, `Stopped` and
    `DatabaseUnavailable`; what was removed by then is counted, and told when the run is finished.
    """
    going = ended or threading.Event()
    with _alone(database):
        with database.begin() as connection:
            if not trusted and runs.clock_is_doubted(connection, datetime.now(UTC)):
                raise ClockDoubted
            run = runs.begin(connection, keys, settings, at)
        for kind in KINDS:
            for rows in _batches(database, keys, run, kind):
                progress(kind.name, rows)
                if going.wait(PAUSE_S if rows >= ROWS else 0):
                    raise Stopped
        delete_keys(database, keys)
        with database.begin() as connection:
            return runs.finish(connection, keys, run)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """The lock is held on a connection that does nothing else, for the whole run."""
    with database.begin() as holder:
        if not holder.execute(_ALONE).scalar_one():
            raise EnforcedElsewhere
        yield


def _batches(database: Database, keys: Keys, run: Run, kind: Kind) -> Iterator[int]:
    if kind is TEMPLATES:
        yield from templates.enforce(database, keys, run)
    if kind.change is None:
        return
    rows = ROWS
    while rows >= ROWS:
        with database.begin() as connection:
            rows = remove(connection, run, kind)
        yield rows


def remove(connection: Connection, run: Run, kind: Kind) -> int:
    """Remove one batch of a kind, and count it; gives the number of rows."""
    removing(connection)
    values = {"before": run.before[kind.name], "rows": ROWS}
    rows = connection.execute(text(_removal(kind)), values).rowcount
    if rows:
        runs.count(connection, run, kind.name, rows)
    return rows


def _removal(kind: Kind) -> str:
    """The rows that go are held, so that their places stay theirs: oldest first, and none that others hold."""
    gone = "WHERE ctid = ANY(ARRAY(SELECT ctid FROM places))"
    parts = "".join(
        f", {part} AS (DELETE FROM {part} WHERE {column} IN (SELECT id FROM {kind.table} {gone}))"  # noqa: S608 - our own words
        for part, column in kind.parts
    )
    return f"""
        WITH places AS MATERIALIZED (
            SELECT t.ctid FROM {kind.table} AS t WHERE {kind.clock} < :before AND {kind.still}
                AND NOT {held(kind.reach)}
            ORDER BY {kind.clock} LIMIT :rows FOR UPDATE SKIP LOCKED
        ) {parts} {kind.change} {gone}
    """  # noqa: S608 - as above
