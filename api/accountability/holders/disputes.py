"""The rules of disputes: opened by the holder at any counter that has just identified them, resolved by a supervisor of
the institution that made the check. A dispute turns no decision: it says what a person found out afterwards."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from api.accountability import explanations
from api.accountability.holders import identified, records
from api.cards import refusals
from api.cards.leaves import written
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.once import CHANGED, MADE, Done, once
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer

ABOUT, NOTE = "dispute", "resolution"


class Reason(StrEnum):
    """What the holder says."""

    NOT_ME = "not_me"
    WRONGLY_REFUSED = "wrongly_refused"
    WRONGLY_PASSED = "wrongly_passed"
    PURPOSE = "purpose"
    OTHER = "other"


class State(StrEnum):
    """Where a dispute is."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Dispute:
    """Which check is disputed, by the holder whom another one identified, and why."""

    identified_by: UUID
    verification_id: UUID
    reason: Reason
    text: str | None


@refusals.kept
def dispute(service: Service, caller: Caller, attempt: Attempt, wish: Dispute) -> StoredAnswer:
    """Open a dispute of a check of the holder's own number.

    Raises `ServiceError` `not_found`, `holder_not_identified` or `dispute_open`; `KeyReused` and `KeyRevoked`.
    """

    def do(connection: Connection) -> Done:
        number = identified.number_of(connection, caller, wish.identified_by)
        idempotency.lock(connection, "dispute", str(wish.verification_id))
        check = records.check(connection, number, wish.verification_id)
        if check is None:
            raise ServiceError("not_found")
        if records.is_open(connection, wish.verification_id):
            raise ServiceError("dispute_open")
        row = _added(connection, service, caller, wish, check)
        details = {
            "verification": str(wish.verification_id),
            "terminal": str(row.terminal_id),
            "identified_by": str(wish.identified_by),
            "reason": wish.reason.value,
            "text": None if wish.text is None else explanations.named(service.keys, wish.text),
        }
        return _done(connection, row, details)

    return once(service, caller, attempt, do)


@refusals.kept
def resolve(
    service: Service, caller: Caller, attempt: Attempt, dispute_id: UUID, outcome: State, note: str
) -> StoredAnswer:
    """End a dispute as upheld or rejected. Raises `ServiceError` `not_found` or `dispute_resolved`."""

    def do(connection: Connection) -> Done:
        found = records.find(connection, caller, dispute_id, lock=True)
        if found is None:
            raise ServiceError("not_found")
        if found.state != State.OPEN:
            raise ServiceError("dispute_resolved")
        sealed = explanations.sealed(service.keys, NOTE, dispute_id, note)
        row = records.resolve(connection, dispute_id, outcome.value, caller.principal_id, sealed)
        details = {
            "verification": str(row.verification_id),
            "terminal": str(row.terminal_id),
            "note": explanations.named(service.keys, note),
        }
        return _done(connection, row, details)

    return once(service, caller, attempt, do)


def _added(connection: Connection, service: Service, caller: Caller, wish: Dispute, check: Row[Any]) -> Row[Any]:
    dispute_id = uuid4()
    text = None if wish.text is None else explanations.sealed(service.keys, ABOUT, dispute_id, wish.text)
    return records.add(
        connection,
        {
            "id": dispute_id,
            "verification_id": check.id,
            "institution_id": check.institution_id,
            "terminal_id": check.terminal_id,
            "identified_by": wish.identified_by,
            "reason": wish.reason.value,
            "text_sealed": text,
            "opened_by": caller.principal_id,
        },
    )


def _done(connection: Connection, row: Row[Any], details: dict[str, Any]) -> Done:
    """The act, named after the state that it led to, of whoever made the check. Answered without what was written."""
    opened = row.state == State.OPEN
    column = "opened_leaf" if opened else "resolved_leaf"
    return Done(
        ACTS[State(row.state)],
        row.institution_id,
        row.id,
        details,
        told_to_the_holder(row) if opened else shown(row),
        MADE if opened else CHANGED,
        note=lambda leaf: records.note_leaf(connection, row.id, **{column: leaf}),
    )


ACTS = {
    State.OPEN: "check_disputed",
    State.UPHELD: "check_dispute_upheld",
    State.REJECTED: "check_dispute_rejected",
}


def told_to_the_holder(row: Any) -> dict[str, Any]:
    """A dispute as the counter answers it: not whose check it was, which may be another house's."""
    return {
        "id": str(row.id),
        "verification_id": str(row.verification_id),
        "state": row.state,
        "reason": row.reason,
        "opened_at": written(row.opened_at),
    }


def shown(row: Any) -> dict[str, Any]:
    """A dispute as those see it who answer for the check, without what was written."""
    return {
        **told_to_the_holder(row),
        "institution_id": str(row.institution_id),
        "terminal_id": str(row.terminal_id),
        "resolved_by": None if row.resolved_by is None else str(row.resolved_by),
        "resolved_at": None if row.resolved_at is None else written(row.resolved_at),
    }
