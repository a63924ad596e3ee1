"""A run's storage: one goes on at a time, and what it removed is counted in the transactions that removed it.

So a run that is broken off has counted exactly what is gone. Whoever comes next goes on with it, to the same moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert, select, update

from api.institutions import acts
from api.personal.retention.kinds import KINDS
from api.personal.retention.parameters import ACT, APART_H, GAP_DAYS
from api.settings import Settings
from api.storage.keys import Keys
from api.storage.tables import acts as recorded
from api.storage.tables import retention_counts, retention_runs


@dataclass(frozen=True)
class Run:
    """A run that goes on: `before` is, for each kind, the moment whose rows and older ones go."""

    id: UUID
    before: Mapping[str, datetime]


def cut_offs(connection: Connection, settings: Settings, at: datetime | None = None) -> dict[str, datetime]:
    """For each kind the moment before which its clock must have begun; `at` None: now, by the database's clock."""
    now = at or connection.execute(select(func.clock_timestamp())).scalar_one()
    return {kind.name: now - timedelta(days=kind.days(settings)) for kind in KINDS}


def begin(connection: Connection, keys: Keys, settings: Settings, at: datetime | None = None) -> Run:
    """The run that was broken off, else a new one.

    One that was to reach further than one of now does (it began under a clock that was put right since, or data are to
    be kept longer), or knew other kinds, ends with what it removed.
    """
    before = cut_offs(connection, settings, at)
    left = select(retention_runs.c.id).where(retention_runs.c.finished_at.is_(None))
    run_id: UUID | None = connection.execute(left).scalar_one_or_none()
    if run_id is not None:
        counts = connection.execute(select(retention_counts).where(retention_counts.c.run_id == run_id))
        run = Run(run_id, {row.kind: row.before for row in counts})
        if run.before.keys() == before.keys() and all(moment <= before[kind] for kind, moment in run.before.items()):
            return run
        finish(connection, keys, run)
    run_id = uuid4()
    connection.execute(insert(retention_runs).values(id=run_id))
    rows = [{"run_id": run_id, "kind": kind, "before": moment, "removed": 0} for kind, moment in before.items()]
    connection.execute(insert(retention_counts), rows)
    return Run(run_id, before)


def count(connection: Connection, run: Run, kind: str, removed: int) -> None:
    """Count what is removed in this transaction."""
    row = (retention_counts.c.run_id == run.id) & (retention_counts.c.kind == kind)
    more = retention_counts.c.removed + removed
    connection.execute(update(retention_counts).where(row).values(removed=more))


def finish(connection: Connection, keys: Keys, run: Run) -> dict[str, int]:
    """End a run, with its act; gives what it removed of each kind."""
    told = details(connection, run.id)
    ended = update(retention_runs).where(retention_runs.c.id == run.id, retention_runs.c.finished_at.is_(None))
    # Told once, also where another process took it for left over, when the lock was lost with its connection.
    if connection.execute(ended.values(finished_at=func.clock_timestamp())).rowcount:
        acts.record(connection, keys, ACT, actor_id=None, institution_id=None, subject_id=run.id, details=told)
    return {kind: one["removed"] for kind, one in told["kinds"].items()}


def details(connection: Connection, run_id: UUID) -> dict[str, Any]:
    """What the evidence tells of a run: numbers and moments, and nobody."""
    rows = connection.execute(select(retention_counts).where(retention_counts.c.run_id == run_id))
    return {"kinds": {row.kind: {"before": row.before.isoformat(), "removed": row.removed} for row in rows}}


def last_finished(connection: Connection) -> datetime | None:
    """When a run last came to its end; one that did so in the future, by a clock that was put right since, is none."""
    past = select(func.max(retention_runs.c.finished_at)).where(retention_runs.c.finished_at <= func.clock_timestamp())
    moment: datetime | None = connection.execute(past).scalar_one()
    return moment


@dataclass(frozen=True)
class RetentionStanding:
    """Whether the database's clock is doubted, so that nothing is removed; and for how many hours no run came to its
    end, counted from the deployment's first act where none ever did."""

    clock_doubted: bool
    late_h: float


def standing(connection: Connection, here: datetime) -> RetentionStanding:
    """How retention stands; `here` is this machine's clock."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    last = last_finished(connection)
    since = last or connection.execute(select(func.min(recorded.c.at))).scalar_one()
    late = timedelta(0) if since is None else max(now - since, timedelta(0))
    return RetentionStanding(_doubted(now, here, last), late / timedelta(hours=1))


def clock_is_doubted(connection: Connection, here: datetime) -> bool:
    """Whether the database's clock may not be right: it is far from this machine's (`here`), or from the last run.

    Whose clock jumps by years would else remove everything at once.
    """
    return standing(connection, here).clock_doubted


def _doubted(now: datetime, here: datetime, last: datetime | None) -> bool:
    return abs(now - here) > timedelta(hours=APART_H) or (last is not None and now - last > timedelta(days=GAP_DAYS))


def is_due(connection: Connection, hours: int) -> bool:
    """Whether no run came to its end for so many hours."""
    now = func.clock_timestamp()
    lately = retention_runs.c.finished_at.between(now - timedelta(hours=hours), now)
    due: bool = connection.execute(select(~select(retention_runs.c.id).where(lately).exists())).scalar_one()
    return due
