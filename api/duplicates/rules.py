"""How a case is decided: by people, one act each, with its evidence, all or nothing. Cards are touched by none of it.

A case is `open`, then `proposed` by whoever takes some of its people for one person, and `confirmed` by a second one
who agrees on the same people. To say that somebody holds two identities accuses them, and so takes two persons, as it
does to put them on the impostor list. One person is enough to reject a case, or to take a decision back, as one is to
take an entry off that list: it clears people, everybody sees it in the evidence, and the case stays to be looked at.

Every decision names the revision that was looked at: a case that a search or a colleague changed meanwhile is not
decided unseen, and a late copy of a request does nothing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func

from api.cards import refusals
from api.cards.leaves import written
from api.duplicates import records
from api.duplicates.parameters import DECIMALS, LEAST_MEMBERS
from api.duplicates.words import Outcome, State
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.once import Done, once
from api.service import Service
from api.storage.idempotency import Attempt, StoredAnswer

_FROM = {
    Outcome.CONFIRMED: frozenset({State.OPEN, State.PROPOSED}),
    Outcome.REJECTED: frozenset({State.OPEN, State.PROPOSED}),
    Outcome.OPEN: frozenset({State.PROPOSED, State.CONFIRMED, State.REJECTED}),
}


@dataclass(frozen=True)
class Decision:
    """`members`: who is one person, where the outcome is `confirmed`; None: all of the case, or those proposed."""

    outcome: Outcome
    reason: str
    revision: int
    members: frozenset[UUID] | None = None


@dataclass(frozen=True)
class _Step:
    """What a decision does: the act that tells of it, the new state, who proposed, and who is taken for one person."""

    act: str
    state: State
    proposed_by: UUID | None
    same: frozenset[UUID] | None


@refusals.kept
def decide(service: Service, caller: Caller, attempt: Attempt, case_id: UUID, decision: Decision) -> StoredAnswer:
    """Decide a case, or propose to. Raises `ServiceError` `not_found`, `duplicate_state`, `duplicate_changed`,
    `duplicate_members_unknown` or `second_person_needed`, and `KeyReused`."""

    def do(connection: Connection) -> Done:
        case = records.find(connection, caller, case_id, lock=True)
        if case is None:
            raise ServiceError("not_found")
        if case.revision != decision.revision:
            raise ServiceError("duplicate_changed")
        held = {row.id: row.same for row in records.members(connection, case_id)}
        step = _step(case, held, caller, decision)
        records.take_for_same(connection, case_id, step.same)
        row = records.change(
            connection,
            case_id,
            state=step.state,
            revision=case.revision + 1,
            proposed_by=step.proposed_by,
            decided_by=caller.principal_id,
            decided_at=func.clock_timestamp(),
            reason=decision.reason,
        )
        return _done(caller, row, step)

    return once(service, caller, attempt, do)


def _step(case: Row[Any], held: dict[UUID, bool | None], caller: Caller, decision: Decision) -> _Step:
    """What a decision does. Raises `ServiceError`."""
    if case.state not in _FROM[decision.outcome]:
        raise ServiceError("duplicate_state")
    if decision.outcome is Outcome.CONFIRMED:
        return _confirm(case, held, caller, decision.members)
    if decision.members is not None:
        raise ServiceError("duplicate_members_unknown")
    if decision.outcome is Outcome.REJECTED:
        return _Step("duplicate_rejected", State.REJECTED, None, frozenset())
    return _Step("duplicate_reopened", State.OPEN, None, None)


def _confirm(case: Row[Any], held: dict[UUID, bool | None], caller: Caller, members: frozenset[UUID] | None) -> _Step:
    """The first who says so, or who names others than were proposed, proposes; a second one who agrees confirms."""
    if members is not None and (not members <= held.keys() or len(members) < LEAST_MEMBERS):
        raise ServiceError("duplicate_members_unknown")
    proposed = frozenset(one for one, same in held.items() if same) if case.state == State.PROPOSED else None
    same = members or proposed or frozenset(held)
    if same != proposed:
        return _Step("duplicate_proposed", State.PROPOSED, caller.principal_id, same)
    # The database refuses it too (ck_duplicate_cases_second_person).
    if case.proposed_by == caller.principal_id:
        raise ServiceError("second_person_needed")
    return _Step("duplicate_confirmed", State.CONFIRMED, case.proposed_by, same)


def _done(caller: Caller, row: Row[Any], step: _Step) -> Done:
    details = {
        "revision": row.revision,
        "content": row.content.hex(),
        "members": None if step.same is None else sorted(str(one) for one in step.same),
    }
    return Done(step.act, caller.institution_id, row.id, details, shown(row))


def shown(row: Any) -> dict[str, Any]:
    """A case as it is answered, without whom it is about."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "state": row.state,
        "revision": row.revision,
        "llr": round(row.llr, DECIMALS),
        "opened_at": written(row.opened_at),
        "earlier_id": _text(row.earlier_id),
        "superseded_by": _text(row.superseded_by),
        "proposed_by": _text(row.proposed_by),
        "decided_by": _text(row.decided_by),
        "decided_at": None if row.decided_at is None else written(row.decided_at),
        "reason": row.reason,
    }


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
