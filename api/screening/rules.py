"""The rules of the impostor list, one function an act: entered by one person, approved by a second one, ended by any
one; each with its evidence, all or nothing.

An entry is `proposed`, and then `approved`, which puts it on the list, or `refused`. A listed one ends as `removed` or
`expired`. What ended is not taken up again, and its templates are deleted. Entries are reached by their institution and
those above it, and by the authorities; beyond that they are not found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from api.cards import refusals
from api.cards.enrolment import require_all
from api.cards.leaves import written
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.once import MADE, Done, once
from api.matching.captures import Captures
from api.matching.comparison import Enrolment
from api.personal.finishing import finish_soon
from api.screening import cases, records, templates
from api.screening.parameters import MOST_DAYS
from api.screening.records import Entered
from api.screening.words import Ground, State
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer


@dataclass(frozen=True)
class Proposal:
    """Who is to be listed, on what ground, for which case; `captures` are forgotten when templates are made."""

    captures: Captures
    ground: Ground
    case_reference: str
    review_on: date
    expires_on: date


@refusals.kept
def propose(service: Service, caller: Caller, attempt: Attempt, proposal: Proposal) -> StoredAnswer:
    """Enter somebody, who is not listed before a second person approves. A capture that gives no template stops it.

    Raises `ServiceError` `enrolment_failed` with the captures that failed, or `impostor_dates_invalid`; `KeyReused`.
    """
    with service.database.begin() as connection:
        given = idempotency.find(connection, attempt)
        if given is not None:
            return given
        _require_dates(records.today(connection), proposal.review_on, proposal.expires_on)
    enrolment = service.comparer.enrol(proposal.captures)
    require_all(enrolment)
    return once(service, caller, attempt, lambda connection: _enter(connection, service, caller, proposal, enrolment))


@refusals.kept
def approve(service: Service, caller: Caller, attempt: Attempt, impostor_id: UUID) -> StoredAnswer:
    """Put a proposed entry on the list. Once this returns, every verification that decides afterwards knows of it.

    Raises `ServiceError` `not_found`, `second_person_needed` or `impostor_state`.
    """

    def change(connection: Connection, entry: Row[Any]) -> Row[Any]:
        _require(entry, State.PROPOSED)
        # The database refuses it too (ck_impostors_second_person).
        if entry.entered_by == caller.principal_id:
            raise ServiceError("second_person_needed")
        if entry.expires_on < entry.today:
            raise ServiceError("impostor_state")
        return records.approve(connection, impostor_id, caller.principal_id)

    return _change(service, caller, attempt, impostor_id, "impostor_approved", change)


@refusals.kept
def refuse(service: Service, caller: Caller, attempt: Attempt, impostor_id: UUID, reason: str) -> StoredAnswer:
    """End a proposed entry, whoever entered it. Raises `ServiceError` `not_found` or `impostor_state`."""

    def change(connection: Connection, entry: Row[Any]) -> Row[Any]:
        _require(entry, State.PROPOSED)
        templates.erase(connection, impostor_id)
        return records.end(connection, impostor_id, State.REFUSED, caller.principal_id, reason, listed=False)

    return _ended(service, _change(service, caller, attempt, impostor_id, "impostor_refused", change))


@refusals.kept
def remove(service: Service, caller: Caller, attempt: Attempt, impostor_id: UUID, reason: str) -> StoredAnswer:
    """Take an entry off the list, at once; one person is enough, for a wrong entry harms somebody every day.

    Once this returns, no verification that decides afterwards hits it. Raises as `refuse`.
    """

    def change(connection: Connection, entry: Row[Any]) -> Row[Any]:
        _require(entry, State.APPROVED)
        templates.erase(connection, impostor_id)
        return records.end(connection, impostor_id, State.REMOVED, caller.principal_id, reason, listed=True)

    return _ended(service, _change(service, caller, attempt, impostor_id, "impostor_removed", change))


@refusals.kept
def review(service: Service, caller: Caller, attempt: Attempt, impostor_id: UUID, review_on: date) -> StoredAnswer:
    """Confirm a listed entry until the next review. Its end stays: whoever has to be listed longer is entered anew.

    Raises `ServiceError` `impostor_dates_invalid`, and as `refuse`.
    """

    def change(connection: Connection, entry: Row[Any]) -> Row[Any]:
        _require(entry, State.APPROVED)
        _require_dates(entry.today, review_on, entry.expires_on)
        return records.review(connection, impostor_id, review_on)

    return _change(service, caller, attempt, impostor_id, "impostor_reviewed", change)


def _ended(service: Service, given: StoredAnswer) -> StoredAnswer:
    """The key goes at once, and its leaf says so."""
    finish_soon(service.database, service.keys)
    return given


def _enter(connection: Connection, service: Service, caller: Caller, proposal: Proposal, enrolment: Enrolment) -> Done:
    impostor_id = uuid4()
    case = cases.sealed(service.keys, impostor_id, proposal.case_reference)
    entered = Entered(impostor_id, proposal.ground, case, proposal.review_on, proposal.expires_on)
    row = records.add(connection, entered, caller)
    templates.add(connection, service.keys, impostor_id, enrolment.templates)
    made = [{"modality": one.modality, "position": one.position, "engine": one.engine} for one in enrolment.templates]
    details = {
        "ground": proposal.ground.value,
        "case": cases.named(service.keys, proposal.case_reference),
        "review_on": proposal.review_on.isoformat(),
        "expires_on": proposal.expires_on.isoformat(),
        "templates": made,
    }
    answer = {**shown(row), "sequence": None}
    return Done("impostor_proposed", row.institution_id, row.id, details, answer, status=MADE)


def _change(
    service: Service,
    caller: Caller,
    attempt: Attempt,
    impostor_id: UUID,
    act: str,
    change: Callable[[Connection, Row[Any]], Row[Any]],
) -> StoredAnswer:
    """Change an entry that the caller reaches. Answered are ids, dates and states, without the case."""

    def do(connection: Connection) -> Done:
        entry = records.find(connection, caller, impostor_id, lock=True)
        if entry is None:
            raise ServiceError("not_found")
        row = change(connection, entry)
        sequence = row.listed_seq if act == "impostor_approved" else row.unlisted_seq
        details = {"sequence": sequence, "review_on": row.review_on.isoformat()}
        return Done(act, row.institution_id, row.id, details, {**shown(row), "sequence": sequence})

    return once(service, caller, attempt, do)


def shown(row: Any) -> dict[str, Any]:
    """An entry as it is answered, without its case and what is held of it."""
    return {
        "id": str(row.id),
        "state": row.state,
        "ground": row.ground,
        "institution_id": str(row.institution_id),
        "entered_by": str(row.entered_by),
        "entered_at": written(row.entered_at),
        "approved_by": None if row.approved_by is None else str(row.approved_by),
        "approved_at": None if row.approved_at is None else written(row.approved_at),
        "ended_by": None if row.ended_by is None else str(row.ended_by),
        "ended_at": None if row.ended_at is None else written(row.ended_at),
        "reason": row.reason,
        "review_on": row.review_on.isoformat(),
        "expires_on": row.expires_on.isoformat(),
    }


def _require(entry: Row[Any], state: State) -> None:
    if entry.state != state:
        raise ServiceError("impostor_state")


def _require_dates(today: date, review_on: date, expires_on: date) -> None:
    fields = [] if today < review_on <= expires_on else ["review_on"]
    if not today <= expires_on <= today + timedelta(days=MOST_DAYS):
        fields.append("expires_on")
    if fields:
        raise ServiceError(
            "impostor_dates_invalid", [{"field": field, "code": "impostor_dates_invalid"} for field in fields]
        )
