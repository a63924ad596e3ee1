"""The report of transactions, in order: sound? told before? judged against its check; written, each with its leaf.

One database transaction: all that a report tells of is recorded, or nothing. A reference is recorded once for an
institution, whatever the idempotency key: told again as it was, it is answered as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from api.accountability.parameters import CLOCK_SKEW_S, LATEST_REPORT_S
from api.accountability.transactions import records, references
from api.accountability.transactions.judging import Business, Cause, Check, omission, rule_of
from api.cards import refusals
from api.cards.leaves import written
from api.errors import ServiceError
from api.evidence import leaves
from api.evidence.leaves import Composed
from api.institutions import credentials
from api.institutions.caller import Caller
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import MAKES_NOTHING, Attempt, StoredAnswer
from api.verification.policy import KindPolicy

LEAF = "transaction"
# The reference keeps a report from being done twice for good, so that its answer may be forgotten after some days.
DONE = MAKES_NOTHING


@dataclass(frozen=True)
class Told:
    """A transaction as it is reported."""

    reference: str
    kind: str
    done_at: datetime
    verification_id: UUID | None


@dataclass(frozen=True)
class _Entry:
    """One to be recorded, under its reference's hash."""

    index: bytes
    told: Told
    business: Business
    rule: KindPolicy


@refusals.kept
def report(service: Service, caller: Caller, attempt: Attempt, told: Sequence[Told]) -> StoredAnswer:
    """Record transactions; `{"items": […]}` in their order.

    Raises `ServiceError` `transaction_kind_unknown`, `transaction_time_invalid` or `transaction_reference_reused` with
    the places of those at fault; `KeyReused` and `KeyRevoked`.
    """
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            return given
        entries = _sound(service, caller, told)
        records.lock(connection, _names(caller, entries))
        earlier = records.reported(connection, caller.institution_id, [one.index for one in entries])
        _require_same(entries, earlier)
        at = records.now(connection)
        _require_times(entries, earlier, at)
        fresh = [one for one in entries if one.index not in earlier]
        made = _recorded(connection, service, caller, attempt, fresh, at)
        answer = {"items": _answers(connection, entries, earlier, made)}
        idempotency.store(connection, attempt, DONE, answer)
        return StoredAnswer(DONE, answer, new=True)


def _sound(service: Service, caller: Caller, told: Sequence[Told]) -> list[_Entry]:
    rules = [rule_of(service.policy.transactions, one.kind) for one in told]
    _refuse("transaction_kind_unknown", "kind", [place for place, rule in enumerate(rules) if rule is None])
    indexes = [references.named(service.keys, caller.institution_id, one.reference) for one in told]
    twice = [place for place, index in enumerate(indexes) if index in indexes[:place]]
    _refuse("transaction_reference_reused", "reference", twice)
    return [
        _Entry(
            index,
            one,
            Business(caller.principal_id, caller.institution_id, one.kind, one.done_at, one.verification_id),
            rule,
        )
        for index, one, rule in zip(indexes, told, rules, strict=True)
        if rule is not None
    ]


def _require_same(entries: Sequence[_Entry], earlier: dict[bytes, Row[Any]]) -> None:
    def differs(one: _Entry) -> bool:
        row = earlier.get(one.index)
        return row is not None and one.business != Business(
            row.terminal_id, row.institution_id, row.kind, row.done_at, row.verification_id
        )

    places = [place for place, one in enumerate(entries) if differs(one)]
    _refuse("transaction_reference_reused", "reference", places)


def _require_times(entries: Sequence[_Entry], earlier: dict[bytes, Row[Any]], at: datetime) -> None:
    first, last = at - timedelta(seconds=LATEST_REPORT_S), at + timedelta(seconds=CLOCK_SKEW_S)
    places = [
        place for place, one in enumerate(entries) if one.index not in earlier and not first <= one.told.done_at <= last
    ]
    _refuse("transaction_time_invalid", "done_at", places)


def _refuse(code: str, field: str, places: list[int]) -> None:
    if places:
        raise ServiceError(code, [{"field": f"transactions.{place}.{field}", "code": code} for place in places])


def _recorded(
    connection: Connection,
    service: Service,
    caller: Caller,
    attempt: Attempt,
    entries: Sequence[_Entry],
    at: datetime,
) -> dict[bytes, tuple[dict[str, Any], Composed]]:
    """Judge and write those that are new: their rows and leaves by their references' hashes."""
    if not entries:
        return {}
    named = {one.told.verification_id for one in entries if one.told.verification_id is not None}
    checks = records.checks(connection, named)
    made: dict[bytes, tuple[dict[str, Any], Composed]] = {}
    for one in entries:
        cause = _judged(service, one, checks)
        row = _row(service, one, cause, at)
        composed = leaves.compose(service.keys, LEAF, row["id"], at, {**_leaf(caller, row), **attempt.told})
        made[one.index] = {**row, "leaf_hash": composed.leaf_hash}, composed
    records.write(connection, [row for row, _ in made.values()])
    leaves.append_many(connection, [composed for _, composed in made.values()])
    return made


def _judged(service: Service, one: _Entry, checks: dict[UUID, Check]) -> Cause | None:
    """Also marks the check as used, for those that follow in the same report."""
    named = one.told.verification_id
    check = None if named is None else checks.get(named)
    cause = omission(one.business, one.rule, check, service.policy.transactions.max_age_s)
    if named is not None and check is not None and cause is None and one.rule.check == "required":
        checks[named] = replace(check, used=True)
    return cause


def _row(service: Service, one: _Entry, cause: Cause | None, at: datetime) -> dict[str, Any]:
    transaction_id = uuid4()
    return {
        "id": transaction_id,
        "institution_id": one.business.institution_id,
        "terminal_id": one.business.terminal_id,
        "reference_index": one.index,
        "reference_sealed": references.sealed(service.keys, transaction_id, one.told.reference),
        "kind": one.told.kind,
        "done_at": one.told.done_at,
        "reported_at": at,
        "verification_id": one.told.verification_id,
        "required": one.rule.check == "required",
        "cause": None if cause is None else cause.value,
        "policy_version": service.policy.version,
    }


def _leaf(caller: Caller, row: dict[str, Any]) -> dict[str, Any]:
    """What the evidence tells of a transaction: the reference by its keyed hash only."""
    verification_id = row["verification_id"]
    return {
        "at": written(row["reported_at"]),
        "institution": str(row["institution_id"]),
        "terminal": str(row["terminal_id"]),
        "key": str(caller.key_id),
        "reference": row["reference_index"].hex(),
        "business": row["kind"],
        "done_at": written(row["done_at"]),
        "verification": None if verification_id is None else str(verification_id),
        "required": row["required"],
        "cause": row["cause"],
        "policy_version": row["policy_version"],
    }


def _names(caller: Caller, entries: Sequence[_Entry]) -> set[str]:
    """The names of the locks: one report at a time tells of a reference, and lets business rest on a check."""
    house = str(caller.institution_id)
    told = {idempotency.lock_name("transaction", house, one.index.hex()) for one in entries}
    checks = {
        idempotency.lock_name("transaction-check", str(one.told.verification_id))
        for one in entries
        if one.told.verification_id is not None
    }
    return told | checks


def _answers(
    connection: Connection,
    entries: Sequence[_Entry],
    earlier: dict[bytes, Row[Any]],
    made: dict[bytes, tuple[dict[str, Any], Composed]],
) -> list[dict[str, Any]]:
    kept = records.receipts(connection, [row.leaf_hash for row in earlier.values()]) if earlier else {}
    items = []
    for one in entries:
        if one.index in made:
            row, composed = made[one.index]
            items.append({**shown(row), "reported_before": False, "receipt": composed.receipt().as_json()})
        else:
            before = earlier[one.index]._asdict()
            items.append({**shown(before), "reported_before": True, "receipt": kept.get(before["leaf_hash"])})
    return items


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A transaction as it is answered, without its reference: answers are kept in the clear."""
    verification_id = row["verification_id"]
    return {
        "id": str(row["id"]),
        "institution_id": str(row["institution_id"]),
        "terminal_id": str(row["terminal_id"]),
        "kind": row["kind"],
        "done_at": written(row["done_at"]),
        "reported_at": written(row["reported_at"]),
        "verification_id": None if verification_id is None else str(verification_id),
        "check_required": row["required"],
        "omission": row["cause"],
        "policy_version": row["policy_version"],
        "leaf_hash": row["leaf_hash"].hex(),
    }
