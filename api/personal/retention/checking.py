"""How much of each kind is there whose time is over: by what the rows say, whatever the runs told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from api.personal.retention import runs
from api.personal.retention.kinds import KINDS, Kind
from api.personal.retention.parameters import GRACE_H
from api.settings import Settings


@dataclass(frozen=True)
class Found:
    """A kind as it stands: rows whose time is over (`due`), of them those that should be gone by now (`overdue`), and
    the moment at which the clock of the oldest began."""

    kind: Kind
    days: int
    before: datetime
    due: int
    overdue: int
    oldest: datetime | None


def look(connection: Connection, settings: Settings, at: datetime | None = None) -> list[Found]:
    """Count, and change nothing. `at`: as of that moment, where it is not now."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    before = runs.cut_offs(connection, settings, at)
    return [_found(connection, settings, kind, before[kind.name]) for kind in KINDS]


def _found(connection: Connection, settings: Settings, kind: Kind, before: datetime) -> Found:
    counted = f"""
        SELECT count(*) AS due, count(*) FILTER (WHERE clock < :late) AS overdue, min(clock) AS oldest FROM (
            SELECT {kind.clock} AS clock FROM {kind.table} AS t WHERE {kind.clock} < :before AND {kind.still}
        ) AS over
    """  # noqa: S608 - our own words
    late = before - timedelta(hours=GRACE_H)
    row = connection.execute(text(counted), {"before": before, "late": late}).one()
    return Found(kind, kind.days(settings), before, row.due, row.overdue, row.oldest)
