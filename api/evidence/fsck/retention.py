"""What is not there any more for its time is over, held against the runs that removed it: nothing hides behind them.

A row says itself that something was removed of it. As many rows say so as the runs counted, none of them is younger
than a run reached, and every run that came to its end stands in the log with its counts.
"""

from sqlalchemy import Connection, func, select, text

from api.evidence.fsck.report import Report, named
from api.personal.retention.kinds import KINDS, Kind
from api.personal.retention.parameters import ACT
from api.personal.retention.runs import details
from api.storage.tables import acts, retention_counts, retention_runs

_COUNTED = select(
    retention_counts.c.kind,
    func.sum(retention_counts.c.removed).label("removed"),
    func.max(retention_counts.c.before).label("before"),
).group_by(retention_counts.c.kind)
_TOLD = select(acts.c.subject_id, acts.c.details).where(acts.c.act == ACT)
# What acts are made of: of these a count says how many are whole no more.
_ACTS = frozenset({"verifications", "checks"})


def check(connection: Connection, report: Report) -> None:
    """Tell of rows that lack what no run removed, of young ones that do, and of runs that the log tells otherwise."""
    counted = {row.kind: row for row in connection.execute(_COUNTED)}
    for kind in KINDS:
        if kind.proven is not None:
            _check_rows(connection, kind, counted.get(kind.name), report)
    told = {row.subject_id: row.details for row in connection.execute(_TOLD)}
    finished = set(
        connection.execute(select(retention_runs.c.id).where(retention_runs.c.finished_at.is_not(None))).scalars()
    )
    wrong: list[object] = [
        str(run_id)
        for run_id in sorted(finished | told.keys(), key=str)
        if run_id not in finished or details(connection, run_id) != told.get(run_id)
    ]
    if wrong:
        report.add(f"runs of retention that are not as the acts say: {named(wrong, len(wrong))}")


def _check_rows(connection: Connection, kind: Kind, counted: object, report: Report) -> None:
    removed = int(getattr(counted, "removed", 0))
    gone = f"FROM {kind.table} AS t WHERE {kind.proven}"
    there: int = connection.execute(text(f"SELECT count(*) {gone}")).scalar_one()
    if there != removed:
        report.add(f"{kind.name}: {there} say that their time was over, and the runs removed {removed}")
    if kind.name in _ACTS:
        report.removed += there
    before = getattr(counted, "before", None)
    if before is None:
        return
    young = connection.execute(
        text(f"SELECT t.id {gone} AND {kind.clock} >= :before ORDER BY t.id"),
        {"before": before},
    )
    ids: list[object] = [str(one) for one in young.scalars()]
    if ids:
        report.add(f"{kind.name} that say that their time was over, and it was not: {named(ids, len(ids))}")
