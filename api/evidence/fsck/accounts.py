"""Transactions held against the checks that they rest on: none is covered by a check that does not carry it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, func, select

from api.cards.leaves import written
from api.evidence.leaves import leaf_hash
from api.storage.tables import transactions, verifications

if TYPE_CHECKING:
    from api.evidence.fsck.leaves import Told

Tell = Callable[[Select[Any], str], None]
"""Tells of what a statement finds, under a heading."""

_COVERED = transactions.c.required & transactions.c.cause.is_(None)
_CARRIES = (
    (verifications.c.id == transactions.c.verification_id)
    & (verifications.c.terminal_id == transactions.c.terminal_id)
    & (verifications.c.institution_id == transactions.c.institution_id)
    & (verifications.c.decision == "PASS")
)


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
