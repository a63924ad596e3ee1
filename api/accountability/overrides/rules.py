"""The rules of overrides, one function an act: entered by one person, approved or refused by another; each with its
evidence, all or nothing.

An override turns no decision: what was REVIEW or REFUSE stays that for good. It records that a person went on, why, and
who else answers for it. Nobody goes on with a card that the register took out of use, at whichever moment it did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from api.accountability import explanations
from api.accountability.overrides import records
from api.accountability.parameters import OVERRIDE_WINDOW_S
from api.cards import refusals
from api.cards.leaves import written
from api.cards.lifecycle import Status
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.once import CHANGED, MADE, Done, once
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer

# Cards that nobody uses any more, whoever shows them: lost, stolen, replaced, cancelled, or the holder is dead.
BARRED = frozenset(Status) - {Status.VALID}
ABOUT = "override"


class Reason(StrEnum):
    """Why somebody goes on."""

    IDENTIFIED_OTHERWISE = "identified_otherwise"
    COMPARED_BY_EYE = "compared_by_eye"
    CAPTURE_NOT_POSSIBLE = "capture_not_possible"
    SYSTEM_FAULT = "system_fault"
    ORDER = "order"
    OTHER = "other"


class State(StrEnum):
    """Where an override is."""

    ENTERED = "entered"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True)
class Explained:
    """Why somebody goes on, as a code and in their own words."""

    reason: Reason
    text: str


@refusals.kept
def enter(
    service: Service, caller: Caller, attempt: Attempt, verification_id: UUID, explained: Explained
) -> StoredAnswer:
    """Enter an override of a decision, by which nothing may be done before another person approves.

    Raises `ServiceError` `not_found`, `override_not_needed`, `override_not_possible`, `override_too_late` or
    `override_exists`; `KeyReused` and `KeyRevoked`.
    """

    def do(connection: Connection) -> Done:
        idempotency.lock(connection, "override", str(verification_id))
        decided = records.decision(connection, caller, verification_id)
        if decided is None:
            raise ServiceError("not_found")
        _require_possible(connection, decided)
        if records.standing(connection, verification_id):
            raise ServiceError("override_exists")
        row = _added(connection, service, caller, decided, explained)
        details = {
            "verification": str(verification_id),
            "reason": explained.reason.value,
            "text": explanations.named(service.keys, explained.text),
        }
        return _done(connection, row, details, MADE)

    return once(service, caller, attempt, do)


@refusals.kept
def approve(service: Service, caller: Caller, attempt: Attempt, override_id: UUID) -> StoredAnswer:
    """Answer for an override that somebody else entered: from now on business may rest on the check.

    Raises `ServiceError` `not_found`, `override_state`, `second_person_needed`, `override_not_possible` or
    `override_too_late`.
    """

    def change(connection: Connection, row: Row[Any]) -> Row[Any]:
        # The database refuses it too (ck_overrides_second_person).
        if row.entered_by == caller.principal_id:
            raise ServiceError("second_person_needed")
        _require_possible(connection, records.decision_of(connection, row.verification_id))
        return records.decide(connection, override_id, State.APPROVED, caller.principal_id)

    return _change(service, caller, attempt, override_id, change)


@refusals.kept
def refuse(service: Service, caller: Caller, attempt: Attempt, override_id: UUID) -> StoredAnswer:
    """End an override that was entered, whoever entered it. Raises `ServiceError` `not_found` or `override_state`."""

    def change(connection: Connection, _: Row[Any]) -> Row[Any]:
        return records.decide(connection, override_id, State.REFUSED, caller.principal_id)

    return _change(service, caller, attempt, override_id, change)


def _require_possible(connection: Connection, decided: Row[Any]) -> None:
    """The card's row is held to the commit: once a loss report was acknowledged, nobody's going on is approved."""
    if decided.decision == "PASS":
        raise ServiceError("override_not_needed")
    if {decided.document_status, records.card_status(connection, decided.card_id)} & BARRED:
        raise ServiceError("override_not_possible")
    if decided.now > decided.decided_at + timedelta(seconds=OVERRIDE_WINDOW_S):
        raise ServiceError("override_too_late")


def _added(
    connection: Connection, service: Service, caller: Caller, decided: Row[Any], explained: Explained
) -> Row[Any]:
    override_id = uuid4()
    return records.add(
        connection,
        {
            "id": override_id,
            "verification_id": decided.id,
            "institution_id": decided.institution_id,
            "terminal_id": decided.terminal_id,
            "reason": explained.reason.value,
            "text_sealed": explanations.sealed(service.keys, ABOUT, override_id, explained.text),
            "entered_by": caller.principal_id,
        },
    )


def _change(
    service: Service,
    caller: Caller,
    attempt: Attempt,
    override_id: UUID,
    change: Callable[[Connection, Row[Any]], Row[Any]],
) -> StoredAnswer:
    def do(connection: Connection) -> Done:
        found = records.find(connection, caller, override_id, lock=True)
        if found is None:
            raise ServiceError("not_found")
        if found.state != State.ENTERED:
            raise ServiceError("override_state")
        row = change(connection, found)
        return _done(connection, row, {"verification": str(row.verification_id)}, CHANGED)

    return once(service, caller, attempt, do)


def _done(connection: Connection, row: Row[Any], details: dict[str, Any], status: int) -> Done:
    """The act, named after the state that it led to. Answered without the text."""
    column = "entered_leaf" if row.state == State.ENTERED else "decided_leaf"
    return Done(
        ACTS[State(row.state)],
        row.institution_id,
        row.id,
        details,
        shown(row),
        status,
        note=lambda leaf: records.note_leaf(connection, row.id, **{column: leaf}),
    )


ACTS = {
    State.ENTERED: "override_entered",
    State.APPROVED: "override_approved",
    State.REFUSED: "override_refused",
}


def shown(row: Any) -> dict[str, Any]:
    """An override as it is answered, without its text."""
    return {
        "id": str(row.id),
        "verification_id": str(row.verification_id),
        "institution_id": str(row.institution_id),
        "terminal_id": str(row.terminal_id),
        "state": row.state,
        "reason": row.reason,
        "entered_by": str(row.entered_by),
        "entered_at": written(row.entered_at),
        "decided_by": None if row.decided_by is None else str(row.decided_by),
        "decided_at": None if row.decided_at is None else written(row.decided_at),
    }
