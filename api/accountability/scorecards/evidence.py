"""Down to the evidence: what was counted under a figure, each with the hash of its leaf, by which the log proves it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, select, tuple_

from api.accountability.scorecards import losses
from api.accountability.scorecards.figures import FIRST_REFUSALS, NOT_KNOWN, Source, source_of
from api.accountability.scorecards.months import Month
from api.accountability.scorecards.reach import Reach, in_month
from api.errors import ServiceError
from api.storage.tables import check_disputes, overrides, transactions, verifications
from api.verification.presented import ACQUIRED

# What is named in a list of evidence, in their order: by kind, when it was, at which terminal, and its leaf.
_LEAF_OF_CHECK = verifications.c.answer["receipt"]["leaf_hash"].as_string().label("leaf_hash")


def page(
    connection: Connection, month: Month, reach: Reach, figure: str, *, after: UUID | None, limit: int
) -> tuple[list[dict[str, Any]], UUID | None]:
    """What a figure counts, oldest first, and which to name for what follows. Raises `ServiceError`
    `figure_unknown`."""
    rows = _listed(month, reach, figure).subquery()
    place = tuple_(rows.c.at, rows.c.id)
    wanted = select(rows)
    if after is not None:
        last = select(rows.c.at, rows.c.id).where(rows.c.id == after)
        wanted = wanted.where(place > last.scalar_subquery())
    found = list(connection.execute(wanted.order_by(rows.c.at, rows.c.id).limit(limit + 1)))
    items = [_item(row) for row in found[:limit]]
    return items, found[limit - 1].id if len(found) > limit else None


def _item(row: Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "id": str(row.id),
        "at": row.at.isoformat(),
        "terminal_id": str(row.terminal_id),
        "amount": row.amount,
        "leaf_hash": row.leaf_hash,
    }


def _listed(month: Month, reach: Reach, figure: str) -> Select[Any]:
    source = source_of(figure)
    if source is Source.CHECKS:
        return _of_checks(month, reach, figure)
    if source is Source.TRANSACTIONS:
        return _of_transactions(month, reach, figure)
    if source is Source.OVERRIDES:
        return _of_overrides(month, reach, figure)
    if source is Source.DISPUTES:
        return _of_disputes(month, reach, figure)
    refusals = {FIRST_REFUSALS: losses.first_refusals, NOT_KNOWN: losses.not_known}.get(figure)
    if refusals is None:
        raise ServiceError("figure_unknown")
    counted = refusals(month, reach).subquery()
    return _checks().join(counted, counted.c.id == verifications.c.id)


def _checks(amount: ColumnElement[Any] | None = None) -> Select[Any]:
    row = verifications.c
    return select(
        literal("verification").label("kind"),
        row.id,
        row.decided_at.label("at"),
        row.terminal_id,
        (literal(1) if amount is None else amount).label("amount"),
        _LEAF_OF_CHECK,
    ).select_from(verifications)


def _of_checks(month: Month, reach: Reach, figure: str) -> Select[Any]:
    row = verifications.c
    head, _, rest = figure.partition(".")
    amount: ColumnElement[Any] | None = None
    refusing = row.document_status.in_(["valid", "card_not_found"])
    why = func.coalesce(row.person_verdict, "not_assessed")
    conditions: dict[str, ColumnElement[bool]] = {
        "checks": row.id.is_not(None),
        "checks.not_passed": row.decision != "PASS",
        "checks.face_declined": row.face_declined.is_(True),
        "captures.face": row.face_capture.is_not(None),
        "captures.face.failed": row.face_capture != ACQUIRED,
    }
    if figure in conditions:
        condition = conditions[figure]
    elif head == "checks" and rest in {"PASS", "REVIEW", "REFUSE"}:
        condition = row.decision == rest
    elif head == "refusals" and rest:
        condition = and_(
            row.decision == "REFUSE", (refusing & (why == rest)) | (~refusing & (row.document_status == rest))
        )
    elif rest.startswith("face.failed."):
        condition = and_(row.face_capture != ACQUIRED, row.face_capture == rest.removeprefix("face.failed."))
    elif figure in {"captures.fingers", "captures.fingers.failed"}:
        amount = row.fingers_failed if figure.endswith("failed") else row.fingers_presented
        condition = amount > 0
    else:
        raise ServiceError("figure_unknown")
    return _checks(amount).where(
        condition, reach.of(row.institution_id, row.terminal_id), in_month(month, row.decided_at)
    )


def _of_transactions(month: Month, reach: Reach, figure: str) -> Select[Any]:
    row = transactions.c
    conditions: dict[str, ColumnElement[bool]] = {
        "transactions": row.id.is_not(None),
        "transactions.required": row.required,
        "transactions.covered": row.required & row.cause.is_(None),
        "omissions": row.cause.is_not(None),
    }
    head, _, rest = figure.partition(".")
    condition = conditions.get(figure)
    if condition is None:
        if head != "omissions" or not rest:
            raise ServiceError("figure_unknown")
        condition = row.cause == rest
    return select(
        literal("transaction").label("kind"),
        row.id,
        row.done_at.label("at"),
        row.terminal_id,
        literal(1).label("amount"),
        func.encode(row.leaf_hash, "hex").label("leaf_hash"),
    ).where(condition, reach.of(row.institution_id, row.terminal_id), in_month(month, row.done_at))


def _of_overrides(month: Month, reach: Reach, figure: str) -> Select[Any]:
    """Those that were approved or refused by the leaf of that, others by the leaf of their entry."""
    row = overrides.c
    _, _, state = figure.partition(".")
    if figure != "overrides" and state not in {"approved", "refused"}:
        raise ServiceError("figure_unknown")
    leaf = func.coalesce(row.decided_leaf, row.entered_leaf) if state else row.entered_leaf
    return (
        select(
            literal("override").label("kind"),
            row.id,
            row.entered_at.label("at"),
            row.terminal_id,
            literal(1).label("amount"),
            func.encode(leaf, "hex").label("leaf_hash"),
        )
        .join_from(overrides, verifications, verifications.c.id == row.verification_id)
        .where(
            row.state == state if state else row.id.is_not(None),
            reach.of(row.institution_id, row.terminal_id),
            in_month(month, verifications.c.decided_at),
        )
    )


def _of_disputes(month: Month, reach: Reach, figure: str) -> Select[Any]:
    """Opened ones by the leaf of that, resolved ones by the leaf of their resolution."""
    row = check_disputes.c
    conditions: dict[str, ColumnElement[bool]] = {
        "disputes": row.id.is_not(None),
        "disputes.resolved": row.resolved_at.is_not(None),
        "disputes.upheld": row.state == "upheld",
        "disputes.rejected": row.state == "rejected",
    }
    condition = conditions.get(figure)
    if condition is None:
        raise ServiceError("figure_unknown")
    at, leaf = (row.opened_at, row.opened_leaf) if figure == "disputes" else (row.resolved_at, row.resolved_leaf)
    return select(
        literal("dispute").label("kind"),
        row.id,
        at.label("at"),
        row.terminal_id,
        literal(1).label("amount"),
        func.encode(leaf, "hex").label("leaf_hash"),
    ).where(condition, reach.of(row.institution_id, row.terminal_id), in_month(month, at))
