"""How much of each kind is there whose time is over: by what the rows say, whatever the runs told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from api.personal.holds.conditions import held
from api.personal.retention import runs
from api.personal.retention.kinds import KINDS, Kind
from api.personal.retention.parameters import GRACE_H
from api.settings import Settings


@dataclass(frozen=True)
class Found:
    """A kind as it stands: rows whose time is over (`due`), of them those that should be gone by now (`overdue`), rows
    that only a legal hold keeps (`held`, none of the others), and the moment at which the oldest's clock began."""

    kind: Kind
    days: int
    before: datetime
    due: int
    overdue: int
    held: int
    oldest: datetime | None


def look(connection: Connection, settings: Settings, at: datetime | None = None) -> list[Found]:
    """Count, and change nothing. `at`: as of that moment, where it is not now."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    before = runs.cut_offs(connection, settings, at)
    return [_found(connection, settings, kind, before[kind.name]) for kind in KINDS]


def _found(connection: Connection, settings: Settings, kind: Kind, before: datetime) -> Found:
    counted = f"""
        SELECT count(*) FILTER (WHERE NOT held) AS due, count(*) FILTER (WHERE NOT held AND clock < :late) AS overdue,
            count(*) FILTER (WHERE held) AS held, min(clock) FILTER (WHERE NOT held) AS oldest
        FROM (
            SELECT {kind.clock} AS clock, {held(kind.reach)} AS held
            FROM {kind.table} AS t WHERE {kind.clock} < :before AND {kind.still}
        ) AS over
    """  # noqa: S608 - our own words
    late = before - timedelta(hours=GRACE_H)
    row = connection.execute(text(counted), {"before": before, "late": late}).one()
    return Found(kind, kind.days(settings), before, row.due, row.overdue, row.held, row.oldest)
