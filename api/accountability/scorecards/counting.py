"""The month's figures out of the tables: a few grouped statements, each within an index."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, select, true, tuple_

from api.accountability.scorecards.figures import (
    LOST,
    REPORTS,
    Place,
    Tally,
    of_check,
    of_override,
    of_resolution,
    of_transaction,
)
from api.accountability.scorecards.months import Month
from api.storage.tables import card_events, check_disputes, overrides, transactions, verifications
from api.verification.presented import Presented

# In the statement's text, as in the index's condition: parameters would hide that it is the same.
_LOST: list[ColumnElement[str]] = [literal_column(f"'{status.value}'") for status in sorted(LOST)]


@dataclass(frozen=True)
class Reach:
    """Whose figures: of institutions for which `institution` gives a condition on their column, and of one terminal
    where it is named."""

    institution: Callable[[ColumnElement[UUID]], ColumnElement[bool]]
    terminal_id: UUID | None = None

    def of(self, institution: ColumnElement[UUID], terminal: ColumnElement[UUID]) -> ColumnElement[bool]:
        """The condition on a table's columns."""
        own = true() if self.terminal_id is None else terminal == self.terminal_id
        return and_(self.institution(institution), own)


EVERYTHING = Reach(lambda _: true())


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
    for row in connection.execute(first_refusals(month, reach)):
        tally = found[row.institution_id, row.terminal_id]
        tally.figures["losses.first_refusals"] += 1
        tally.losses.append((row.at - row.reported_at).total_seconds())
    return dict(found)


def _count(found: dict[Place, Tally], row: Any, counted: Any) -> None:
    tally = found[row.institution_id, row.terminal_id]
    for figure, amount in counted:
        tally.figures[figure] += amount * row.rows


def in_month(month: Month, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a time lies in the month."""
    return and_(at >= month.since, at < month.until)


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


def first_refusals(month: Month, reach: Reach) -> Select[Any]:
    """Of every card that was reported lost or stolen, an institution's first refusal of it since the last report."""
    refused, before = verifications.alias("refused"), verifications.alias("before")
    report = (
        select(card_events.c.recorded_at)
        .where(
            card_events.c.card_id == refused.c.card_id,
            card_events.c.event.in_(REPORTS),
            card_events.c.recorded_at <= refused.c.decided_at,
        )
        .order_by(card_events.c.recorded_at.desc())
        .limit(1)
        .lateral("report")
    )
    earlier = (
        select(before.c.id)
        .where(
            before.c.card_id == refused.c.card_id,
            before.c.institution_id == refused.c.institution_id,
            before.c.document_status.in_(_LOST),
            before.c.decided_at >= report.c.recorded_at,
            tuple_(before.c.decided_at, before.c.id) < tuple_(refused.c.decided_at, refused.c.id),
        )
        .exists()
    )
    return (
        select(
            refused.c.id,
            refused.c.institution_id,
            refused.c.terminal_id,
            refused.c.decided_at.label("at"),
            report.c.recorded_at.label("reported_at"),
        )
        .join(report, true())
        .where(
            reach.of(refused.c.institution_id, refused.c.terminal_id),
            in_month(month, refused.c.decided_at),
            refused.c.document_status.in_(_LOST),
            ~earlier,
        )
    )
