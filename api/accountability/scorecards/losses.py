"""First refusals of cards that their holders reported lost or stolen, as far as the tables still know whose cards they
were: retention takes that from decisions whose time is over."""

from typing import Any

from sqlalchemy import ColumnElement, Exists, FromClause, Select, literal_column, or_, select, true, tuple_

from api.accountability.scorecards.figures import LOST, REPORTS
from api.accountability.scorecards.months import Month
from api.accountability.scorecards.reach import Reach, in_month
from api.storage.tables import card_events, verifications

# In the statement's text, as in the index's condition: parameters would hide that it is the same.
_LOST: list[ColumnElement[str]] = [literal_column(f"'{status.value}'") for status in sorted(LOST)]

_refused = verifications.alias("refused")


def first_refusals(month: Month, reach: Reach) -> Select[Any]:
    """Of every card that was reported lost or stolen, an institution's first refusal of it since the last report.

    Not those that come after one of which it is not known any more whose card it was: they may be the second.
    """
    before = verifications.alias("before")
    report = _last_report()
    earlier = (
        select(before.c.id)
        .where(
            before.c.card_id == _refused.c.card_id,
            before.c.institution_id == _refused.c.institution_id,
            before.c.document_status.in_(_LOST),
            before.c.decided_at >= report.c.recorded_at,
            tuple_(before.c.decided_at, before.c.id) < tuple_(_refused.c.decided_at, _refused.c.id),
        )
        .exists()
    )
    return (
        select(
            _refused.c.id,
            _refused.c.institution_id,
            _refused.c.terminal_id,
            _refused.c.decided_at.label("at"),
            report.c.recorded_at.label("reported_at"),
        )
        .join(report, true())
        .where(_of_month(month, reach), ~earlier, ~_removed_since(report))
    )


def not_known(month: Month, reach: Reach) -> Select[Any]:
    """Refusals of lost cards of which the tables do not tell whether they were the first: those whose time is over, and
    those that such a one precedes since the report."""
    report = _last_report()
    return (
        select(_refused.c.id, _refused.c.institution_id, _refused.c.terminal_id)
        .outerjoin(report, true())
        .where(
            _of_month(month, reach),
            or_(_refused.c.removed_at.is_not(None), report.c.recorded_at.is_not(None) & _removed_since(report)),
        )
    )


def _of_month(month: Month, reach: Reach) -> ColumnElement[bool]:
    own = reach.of(_refused.c.institution_id, _refused.c.terminal_id)
    return own & in_month(month, _refused.c.decided_at) & _refused.c.document_status.in_(_LOST)


def _last_report() -> FromClause:
    """The last loss report of the card before it was refused."""
    return (
        select(card_events.c.recorded_at)
        .where(
            card_events.c.card_id == _refused.c.card_id,
            card_events.c.event.in_(REPORTS),
            card_events.c.recorded_at <= _refused.c.decided_at,
        )
        .order_by(card_events.c.recorded_at.desc())
        .limit(1)
        .lateral("report")
    )


def _removed_since(report: FromClause) -> Exists:
    """Whether the institution refused some lost card between, of which it is not known any more which it was."""
    gone = verifications.alias("gone")
    return (
        select(gone.c.id)
        .where(
            gone.c.card_id.is_(None),
            gone.c.removed_at.is_not(None),
            gone.c.institution_id == _refused.c.institution_id,
            gone.c.document_status.in_(_LOST),
            gone.c.decided_at.between(report.c.recorded_at, _refused.c.decided_at),
        )
        .exists()
    )
