"""The rules of holds, one function an act: put on by one person at once, lifted by two.

To put one on loses nothing, and cannot wait; to lift one may lose what cannot be made again.
"""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func

from api.accountability import explanations
from api.cards import refusals, register
from api.cards.leaves import written
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.once import CHANGED, MADE, Done, once
from api.personal.holds import records
from api.personal.holds.conditions import placing
from api.personal.holds.words import ABOUT, HoldGround, HoldState, Subject
from api.service import Service
from api.storage.idempotency import Attempt, StoredAnswer

ACTS = {
    HoldState.STANDING: "hold_placed",
    HoldState.LIFTING: "hold_lifting",
    HoldState.LIFTED: "hold_lifted",
}


@refusals.kept
def place(
    service: Service,
    caller: Caller,
    attempt: Attempt,
    subject: Subject,
    subject_id: UUID,
    ground: HoldGround,
    reference: str,
) -> StoredAnswer:
    """Put a hold on. When this returns nothing removes what it keeps. Raises `ServiceError` `not_found`."""

    def do(connection: Connection) -> Done:
        placing(connection)
        if not records.is_there(connection, caller, subject, subject_id):
            raise ServiceError("not_found")
        number = records.number_of(connection, caller, subject_id) if subject is Subject.PERSON else None
        if number is not None:
            # An erasure that goes on is waited for, and one that comes later finds the hold.
            register.enter(connection, number)
        hold_id = uuid4()
        row = records.add(
            connection,
            {
                "id": hold_id,
                "subject": subject.value,
                "subject_id": subject_id,
                "number_index": number,
                "ground": ground.value,
                "reference_sealed": explanations.sealed(service.keys, ABOUT, hold_id, reference),
                "institution_id": caller.institution_id,
                "placed_by": caller.principal_id,
            },
        )
        return _done(row, {"reference": explanations.named(service.keys, reference)}, MADE)

    return once(service, caller, attempt, do)


@refusals.kept
def lift(service: Service, caller: Caller, attempt: Attempt, hold_id: UUID) -> StoredAnswer:
    """Say that a hold may end, or, as the second person, end it.

    Raises `ServiceError` `not_found`, `second_person_needed` and `hold_lifted`.
    """

    def do(connection: Connection) -> Done:
        found = records.find(connection, caller, hold_id, lock=True)
        if found is None:
            raise ServiceError("not_found")
        if found.state == HoldState.LIFTED:
            raise ServiceError("hold_lifted")
        if found.state == HoldState.STANDING:
            row = records.change(connection, hold_id, state=HoldState.LIFTING.value, lifting_by=caller.principal_id)
            return _done(row, {}, CHANGED)
        # The database refuses it too (ck_holds_second_person).
        if found.lifting_by == caller.principal_id:
            raise ServiceError("second_person_needed")
        lifted = {"state": HoldState.LIFTED.value, "lifted_by": caller.principal_id}
        row = records.change(connection, hold_id, **lifted, lifted_at=func.clock_timestamp())
        return _done(row, {}, CHANGED)

    return once(service, caller, attempt, do)


def _done(row: Row[Any], details: dict[str, Any], status: int) -> Done:
    """The act, named after the state that it led to. Answered without the reference."""
    details = {"on": row.subject, "which": str(row.subject_id), "ground": row.ground, **details}
    return Done(ACTS[HoldState(row.state)], row.institution_id, row.id, details, shown(row), status)


def shown(row: Any) -> dict[str, Any]:
    """A hold as it is answered, without its reference."""
    return {
        "id": str(row.id),
        "subject": row.subject,
        "subject_id": str(row.subject_id),
        "ground": row.ground,
        "state": row.state,
        "institution_id": str(row.institution_id),
        "placed_by": str(row.placed_by),
        "placed_at": written(row.placed_at),
        "lifting_by": None if row.lifting_by is None else str(row.lifting_by),
        "lifted_by": None if row.lifted_by is None else str(row.lifted_by),
        "lifted_at": None if row.lifted_at is None else written(row.lifted_at),
    }
