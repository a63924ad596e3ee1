"""The month's figures out of the tables: a few grouped statements, each within an index."""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from api.accountability.scorecards import losses
from api.accountability.scorecards.figures import (
    FIRST_REFUSALS,
    NOT_KNOWN,
    Place,
    Tally,
    of_check,
    of_override,
    of_resolution,
    of_transaction,
)
from api.accountability.scorecards.months import Month
from api.accountability.scorecards.reach import Reach, in_month
from api.storage.tables import check_disputes, overrides, transactions, verifications
from api.verification.presented import Presented


def tallies(connection: Connection, month: Month, reach: Reach) -> dict[Place, Tally]:
    """What is counted at each terminal at which anything was done."""
    found: dict[Place, Tally] = defaultdict(Tally)
    for row in connection.execute(_checks(month, reach)):
        taken = Presented(row.face_capture, row.fingers_presented or 0, row.fingers_failed or 0)
        declined = row.face_declined is True
        _count(
            found, row, of_check(row.decision, row.document_status, row.person_verdict, taken, face_declined=declined)
        )
    for row in connection.execute(_transactions(month, reach)):
        _count(found, row, of_transaction(required=row.required, cause=row.cause))
    for row in connection.execute(_overrides(month, reach)):
        _count(found, row, of_override(row.state))
    for row in connection.execute(_disputes(month, reach)):
        _count(found, row, [("disputes", 1)])
    for row in connection.execute(_resolutions(month, reach)):
        _count(found, row, of_resolution(row.state))
    for row in connection.execute(losses.first_refusals(month, reach)):
        tally = found[row.institution_id, row.terminal_id]
        tally.figures[FIRST_REFUSALS] += 1
        tally.losses.append((row.at - row.reported_at).total_seconds())
    for row in connection.execute(losses.not_known(month, reach)):
        found[row.institution_id, row.terminal_id].figures[NOT_KNOWN] += 1
    return dict(found)


def _count(found: dict[Place, Tally], row: Any, counted: Any) -> None:
    tally = found[row.institution_id, row.terminal_id]
    for figure, amount in counted:
        tally.figures[figure] += amount * row.rows


def _grouped(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns, func.count().label("rows")).group_by(*columns)


def _checks(month: Month, reach: Reach) -> Select[Any]:
    row = verifications.c
    return _grouped(
        row.institution_id,
        row.terminal_id,
        row.decision,
        row.document_status,
        row.person_verdict,
        row.face_capture,
        row.fingers_presented,
        row.fingers_failed,
        row.face_declined,
    ).where(reach.of(row.institution_id, row.terminal_id), in_month(month, row.decided_at))


def _transactions(month: Month, reach: Reach) -> Select[Any]:
    row = transactions.c
    return _grouped(row.institution_id, row.terminal_id, row.required, row.cause).where(
        reach.of(row.institution_id, row.terminal_id), in_month(month, row.done_at)
    )


def _overrides(month: Month, reach: Reach) -> Select[Any]:
    """In the month of the decision that somebody went past, so that they are a share of its decisions."""
    row = overrides.c
    return (
        _grouped(row.institution_id, row.terminal_id, row.state)
        .join_from(overrides, verifications, verifications.c.id == row.verification_id)
        .where(reach.of(row.institution_id, row.terminal_id), in_month(month, verifications.c.decided_at))
    )


def _disputes(month: Month, reach: Reach) -> Select[Any]:
    row = check_disputes.c
    return _grouped(row.institution_id, row.terminal_id).where(
        reach.of(row.institution_id, row.terminal_id), in_month(month, row.opened_at)
    )


def _resolutions(month: Month, reach: Reach) -> Select[Any]:
    row = check_disputes.c
    return _grouped(row.institution_id, row.terminal_id, row.state).where(
        reach.of(row.institution_id, row.terminal_id), in_month(month, row.resolved_at)
    )
