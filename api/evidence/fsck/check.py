"""The check, in order: every leaf at its place with tree and checkpoints, the waiting leaves, then the acts.

Reads the leaves once and keeps only the right edge of the tree: memory does not grow with the log. In a snapshot
(`freeze`) a service that goes on writing does not disturb it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, func, select

from api.evidence.fsck import acts, feed, registered
from api.evidence.fsck.archives import Archives
from api.evidence.fsck.heads import Heads
from api.evidence.fsck.leaves import LeafChecker
from api.evidence.fsck.report import Kept, Report
from api.evidence.fsck.tree import Tree
from api.evidence.parameters import ROWS
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_texts

_LEAVES = select(
    evidence, evidence_texts.c.leaf, evidence_texts.c.signature, evidence_texts.c.signing_key_id
).outerjoin(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
_PLACED = _LEAVES.where(evidence.c.place.is_not(None)).order_by(evidence.c.place)
_WAITING = _LEAVES.where(evidence.c.place.is_(None)).order_by(evidence.c.seq)


def freeze(connection: Connection) -> None:
    """Make the transaction, of which this is the first statement, a read-only snapshot that may take its time."""
    connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    connection.execute(sa.text("SET LOCAL statement_timeout = 0"))


def check(connection: Connection, keys: Keys, kept: Sequence[Kept] = (), archive: Path | None = None) -> Report:
    """Check everything that the transaction sees. `archive` is the folder of archived leaves."""
    report = Report()
    for _ in steps(connection, keys, report, kept, archive):
        pass
    return report


def steps(
    connection: Connection, keys: Keys, report: Report, kept: Sequence[Kept] = (), archive: Path | None = None
) -> Iterator[None]:
    """As `check`, one step for every leaf; `report` is whole when the steps are at their end."""
    archives = Archives(connection, archive, report)
    checker = LeafChecker(connection, keys, archives, report)
    yield from _check_placed(connection, keys, checker, report, kept)
    archives.close()
    for rows in _partitions(connection, _WAITING):
        checker.check(rows)
        report.waiting += len(rows)
    acts.check(connection, report)
    registered.check(connection, keys, report)
    feed.check(connection, keys, report)
    _check_promises(connection, report)


def count(connection: Connection) -> int:
    """How many steps `steps` takes, more or less."""
    found: int = connection.execute(select(func.coalesce(func.max(evidence.c.place) + 1, 0))).scalar_one()
    return found


def _check_placed(
    connection: Connection, keys: Keys, checker: LeafChecker, report: Report, kept: Sequence[Kept]
) -> Iterator[None]:
    tree = Tree(connection, report)
    heads = Heads(connection, keys, kept, report)
    for rows in _partitions(connection, _PLACED):
        for row in rows:
            report.leaves += 1
            yield
            if not 0 <= row.place < heads.covered:
                report.add(f"leaf {row.place}: no checkpoint covers it")
                continue
            if row.place > tree.size:
                report.add(f"places {tree.size} to {row.place - 1}: leaves are missing")
            while row.place > tree.size:
                tree.add_missing()
                heads.compare(tree)
            if heads.is_late(row.include_by):
                report.late += 1
            tree.add(row.leaf_hash)
            heads.compare(tree)
        checker.check(rows)
    tree.finish()
    heads.finish(tree)


def _partitions(
    connection: Connection, statement: sa.Select[tuple[object, ...]]
) -> Iterator[Sequence[sa.Row[tuple[object, ...]]]]:
    with connection.execute(statement, execution_options={"yield_per": ROWS}) as result:
        yield from result.partitions()


def _check_promises(connection: Connection, report: Report) -> None:
    overdue: int = connection.execute(
        select(func.count())
        .select_from(evidence)
        .where(evidence.c.place.is_(None), evidence.c.include_by < func.clock_timestamp())
    ).scalar_one()
    if overdue:
        report.add(f"promises: {overdue} leaves have no place although the promised time is over")
