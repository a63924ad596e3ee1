"""The transactions' storage: what was reported before, the checks that are named, rows written and read."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Text, bindparam, func, insert, select, text, tuple_
from sqlalchemy.sql import ColumnElement

from api.accountability.transactions.judging import Check
from api.evidence.leaves import Receipt, promise_text
from api.institutions.caller import Caller
from api.institutions.sight import transactions_seen
from api.storage.tables import evidence, evidence_texts, overrides, transactions, verifications

# In the order of their names, so that reports of the same things wait for each other and never in a circle.
_LOCKS = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(:names) AS name ORDER BY name"
).bindparams(bindparam("names", type_=ARRAY(Text)))
_CARRIED = (
    (transactions.c.verification_id == verifications.c.id) & transactions.c.required & transactions.c.cause.is_(None)
)


@dataclass(frozen=True)
class Wanted:
    """Which transactions are asked for; None: any. `since` is inclusive, `until` is not; both of when it was done."""

    omissions: bool = False
    cause: str | None = None
    kind: str | None = None
    terminal_id: UUID | None = None
    institution_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def lock(connection: Connection, names: Collection[str]) -> None:
    """Hold advisory locks until the transaction ends."""
    connection.execute(_LOCKS, {"names": sorted(names)})


def now(connection: Connection) -> datetime:
    """The database's clock."""
    at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return at


def reported(connection: Connection, institution_id: UUID, references: Collection[bytes]) -> dict[bytes, Row[Any]]:
    """The institution's transactions of these references that were reported before."""
    rows = connection.execute(
        select(transactions).where(
            transactions.c.institution_id == institution_id, transactions.c.reference_index.in_(references)
        )
    )
    return {row.reference_index: row for row in rows}


def checks(connection: Connection, verification_ids: Collection[UUID]) -> dict[UUID, Check]:
    """What is known of verifications, whether a transaction rests on each already, and whether it was gone past."""
    used = select(transactions.c.id).where(_CARRIED).exists()
    approved = select(overrides.c.decided_at).where(
        overrides.c.verification_id == verifications.c.id, overrides.c.state == "approved"
    )
    rows = connection.execute(
        select(
            verifications.c.id,
            verifications.c.terminal_id,
            verifications.c.institution_id,
            verifications.c.decision,
            verifications.c.purpose,
            verifications.c.decided_at,
            used.label("used"),
            approved.scalar_subquery().label("overridden_at"),
        ).where(verifications.c.id.in_(verification_ids))
    )
    return {row.id: Check(*row[1:]) for row in rows}


def write(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write new transactions."""
    connection.execute(insert(transactions), [*rows])


def receipts(connection: Connection, leaf_hashes: Collection[bytes]) -> dict[bytes, dict[str, str]]:
    """The receipts of leaves by their hashes, as they were given; those whose texts were archived are left out."""
    rows = connection.execute(
        select(evidence.c.leaf_hash, evidence.c.include_by, evidence_texts)
        .join(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
        .where(evidence.c.leaf_hash.in_(leaf_hashes))
    )
    return {
        row.leaf_hash: Receipt(
            row.leaf,
            row.leaf_hash.hex(),
            promise_text(row.include_by) or "",
            row.signing_key_id,
            base64.b64encode(row.signature).decode(),
        ).as_json()
        for row in rows
    }


def find(connection: Connection, caller: Caller, transaction_id: UUID) -> Row[Any] | None:
    """A transaction that the caller sees."""
    wanted = select(transactions).where(transactions.c.id == transaction_id, transactions_seen(caller))
    return connection.execute(wanted).first()


def page(
    connection: Connection, caller: Caller, wanted: Wanted, *, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    """Transactions that the caller sees, the last done first, and which to name for those that follow."""
    seen = select(transactions).where(transactions_seen(caller), *_conditions(wanted))
    place = tuple_(transactions.c.done_at, transactions.c.id)
    if after is not None:
        # Looked up among what the caller sees: another's identifier tells nothing, not even its time.
        last = seen.with_only_columns(transactions.c.done_at, transactions.c.id).where(transactions.c.id == after)
        start = last.subquery()
        seen = seen.where(place < select(start.c.done_at, start.c.id).scalar_subquery())
    rows = list(
        connection.execute(seen.order_by(transactions.c.done_at.desc(), transactions.c.id.desc()).limit(limit + 1))
    )
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    named = {
        transactions.c.cause: wanted.cause,
        transactions.c.kind: wanted.kind,
        transactions.c.terminal_id: wanted.terminal_id,
        transactions.c.institution_id: wanted.institution_id,
    }
    conditions = [column == value for column, value in named.items() if value is not None]
    if wanted.omissions:
        conditions.append(transactions.c.cause.is_not(None))
    if wanted.since is not None:
        conditions.append(transactions.c.done_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(transactions.c.done_at < wanted.until)
    return conditions
