"""Transactions held against the checks that they rest on, and overrides against the acts: no omission is covered in
silence, and nobody went on alone."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Text, cast, func, select

from api.cards.leaves import written
from api.cards.lifecycle import Status
from api.evidence.leaves import leaf_hash
from api.storage.tables import acts, check_disputes, overrides, transactions, verifications

if TYPE_CHECKING:
    from api.evidence.fsck.leaves import Told

Tell = Callable[[Select[Any], str], None]
"""Tells of what a statement finds, under a heading."""

_COVERED = transactions.c.required & transactions.c.cause.is_(None)
_CARRIES = (
    (verifications.c.id == transactions.c.verification_id)
    & (verifications.c.terminal_id == transactions.c.terminal_id)
    & (verifications.c.institution_id == transactions.c.institution_id)
    & (
        (verifications.c.decision == "PASS")
        | select(overrides.c.id)
        .where(
            overrides.c.verification_id == verifications.c.id,
            overrides.c.state == "approved",
            overrides.c.decided_at <= transactions.c.reported_at,
        )
        .exists()
    )
)
# Cards that nobody goes on with, as `overrides.rules` has it.
BARRED = frozenset(Status) - {Status.VALID}


def check(tell: Tell) -> None:
    """Tell of transactions that are called covered and are not, of checks that carry two, and of omissions of none."""
    carrying = select(verifications.c.id).where(_CARRIES).exists()
    tell(
        select(transactions.c.id).where(_COVERED, ~carrying),
        "transactions that no check carries, and that are not called omissions",
    )
    carried = select(transactions.c.verification_id).where(_COVERED).group_by(transactions.c.verification_id)
    tell(carried.having(func.count() > 1), "checks on which more than one transaction rests")
    tell(
        select(transactions.c.id).where(~transactions.c.required, transactions.c.cause.is_not(None)),
        "omissions of transactions that needed no check",
    )
    _check_overrides(tell)
    _check_disputes(tell)


def _check_overrides(tell: Tell) -> None:
    entered, decided = acts.alias("entered"), acts.alias("decided")
    said = (
        select(overrides.c.id)
        .outerjoin(entered, (entered.c.subject_id == overrides.c.id) & (entered.c.act == "override_entered"))
        .outerjoin(
            decided,
            (decided.c.subject_id == overrides.c.id)
            & (decided.c.act == func.concat("override_", overrides.c.state))
            & (overrides.c.state != "entered"),
        )
    )
    tell(
        said.where(
            entered.c.actor_id.is_distinct_from(overrides.c.entered_by)
            | entered.c.institution_id.is_distinct_from(overrides.c.institution_id)
            | entered.c.details["verification"].as_string().is_distinct_from(cast(overrides.c.verification_id, Text))
            | entered.c.details["reason"].as_string().is_distinct_from(overrides.c.reason)
            | decided.c.actor_id.is_distinct_from(overrides.c.decided_by)
            | ((overrides.c.state == "entered") != overrides.c.decided_by.is_(None))
        ),
        "overrides that are recorded otherwise than the acts say",
    )
    row = select(overrides.c.id).where(overrides.c.id == acts.c.subject_id).exists()
    tell(
        select(acts.c.subject_id).where(acts.c.act == "override_entered", ~row),
        "overrides that an act entered and that are gone",
    )
    tell(
        select(overrides.c.id).where(overrides.c.state == "approved", overrides.c.decided_by == overrides.c.entered_by),
        "overrides that no second person approved",
    )
    barred = [status.value for status in BARRED]
    tell(
        select(overrides.c.id)
        .join(verifications, verifications.c.id == overrides.c.verification_id)
        .where((verifications.c.decision == "PASS") | verifications.c.document_status.in_(barred)),
        "overrides of decisions that nobody goes past",
    )
    of_other_house = overrides.c.institution_id != verifications.c.institution_id
    tell(
        select(overrides.c.id)
        .join(verifications, verifications.c.id == overrides.c.verification_id)
        .where(of_other_house | (overrides.c.terminal_id != verifications.c.terminal_id)),
        "overrides of another terminal's decisions",
    )


def _check_disputes(tell: Tell) -> None:
    opened, resolved = acts.alias("opened"), acts.alias("resolved")
    row = check_disputes.c
    outcome = resolved.c.act == func.concat("check_dispute_", row.state)
    tell(
        select(row.id)
        .outerjoin(opened, (opened.c.subject_id == row.id) & (opened.c.act == "check_disputed"))
        .outerjoin(resolved, (resolved.c.subject_id == row.id) & outcome)
        .where(
            opened.c.actor_id.is_distinct_from(row.opened_by)
            | opened.c.institution_id.is_distinct_from(row.institution_id)
            | opened.c.details["verification"].as_string().is_distinct_from(cast(row.verification_id, Text))
            | opened.c.details["terminal"].as_string().is_distinct_from(cast(row.terminal_id, Text))
            | opened.c.details["reason"].as_string().is_distinct_from(row.reason)
            | resolved.c.actor_id.is_distinct_from(row.resolved_by)
            | ((row.state == "open") != row.resolved_by.is_(None))
        ),
        "disputes of checks that are recorded otherwise than the acts say",
    )
    there = select(row.id).where(row.id == acts.c.subject_id).exists()
    tell(
        select(acts.c.subject_id).where(acts.c.act == "check_disputed", ~there),
        "disputes of checks that an act opened and that are gone",
    )


def transaction(row: Row[Any], leaf: "Told") -> Iterator[tuple[str, object, object]]:
    """What a fact is called, what the row says, and what the leaf says."""
    body = leaf.body
    yield "institution", str(row.institution_id), body.get("institution")
    yield "terminal", str(row.terminal_id), body.get("terminal")
    yield "reference", row.reference_index.hex(), body.get("reference")
    yield "kind", row.kind, body.get("business")
    yield "check", None if row.verification_id is None else str(row.verification_id), body.get("verification")
    yield "requirement", row.required, body.get("required")
    yield "omission", row.cause, body.get("cause")
    yield "policy", row.policy_version, body.get("policy_version")
    yield "time", (written(row.reported_at), written(row.done_at)), (body.get("at"), body.get("done_at"))
    yield "leaf", row.leaf_hash, leaf_hash(leaf.text)
