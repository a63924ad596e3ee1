"""Registering a card with its templates, and recording what happens to it; each with its evidence, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.cards import deaths, holdings, reasons, refusals, register, templates
from api.cards.identity import CardIdentity, indexes
from api.cards.leaves import event_leaf, written
from api.cards.lifecycle import Event
from api.errors import ServiceError
from api.evidence import leaves
from api.feed import events as feed
from api.institutions import credentials
from api.institutions.caller import Caller
from api.matching import duplicates
from api.matching.captures import Captures
from api.matching.comparison import Enrolment
from api.personal.consent import Basis
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer


@dataclass(frozen=True)
class Supersedes:
    """The card whose place a new one takes, and by which event."""

    card_id: UUID
    event: Event


@refusals.kept
def enrol(
    service: Service,
    caller: Caller,
    attempt: Attempt,
    card: CardIdentity,
    captures: Captures,
    supersedes: Supersedes | None = None,
    basis: Basis = Basis.NOT_STATED,
) -> StoredAnswer:
    """Make templates of the captures and register the card. A capture that gives no template stops it all.

    Raises `CardExists`, `HolderRecordedDeceased`, `ServiceError` `enrolment_failed` with the captures that failed, and
    for a card that it supersedes the errors of `register.report`, of which `CardUnknown` is told as a `ServiceError`
    that names the field.
    """
    with service.database.begin() as connection:
        given = idempotency.find(connection, attempt)
    if given is not None:
        return given
    enrolment = service.comparer.enrol(captures)
    require_all(enrolment)
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        return given or _store(connection, service, caller, attempt, card, enrolment, supersedes, basis)


@refusals.kept
def add_templates(
    service: Service, caller: Caller, attempt: Attempt, card_id: UUID, event: Event, captures: Captures, basis: Basis
) -> StoredAnswer:
    """Add a face (`face_added`) or fingers (`fingerprints_added`) to a registered card that does not hold them.

    A capture that gives no template stops it all. Raises `CardUnknown`, `CardNotValid`, and `ServiceError`
    `enrolment_failed` with the captures that failed, `face_enrolled`, or `finger_enrolled` with the fingers that the
    card has.
    """
    with service.database.begin() as connection:
        given = idempotency.find(connection, attempt)
        if given is not None:
            return given
        # Asked early, so that a card of nobody's costs no comparison.
        register.require_possible(connection, card_id, event, caller)
    enrolment = service.comparer.enrol(captures)
    require_all(enrolment)
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            return given
        duplicates.keep(connection, service.keys, enrolment.capture_digests)
        recorded = register.report(connection, card_id, event, None, caller)
        _require_new(connection, card_id, enrolment)
        templates.add(connection, service.keys, card_id, enrolment.templates)
        recorded = holdings.record(connection, service.keys, recorded, basis)
        answer = {**_told(connection, service, caller, attempt, recorded), "enrolled": _enrolled(enrolment)}
        return _answer(connection, service, attempt, answer, [recorded])


@refusals.kept
def report(
    service: Service,
    caller: Caller,
    attempt: Attempt,
    card_id: UUID,
    event: Event,
    superseded_by: UUID | None,
    reason: str | None = None,
) -> StoredAnswer:
    """Record an event. Once this returns, no verification that decides afterwards can pass a card it invalidates.

    Raises the errors of `register.report`.
    """
    key = reasons.key_for(service.keys, reason)
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            return given
        if event is not Event.HOLDER_DECEASED:
            recorded = register.report(connection, card_id, event, superseded_by, caller)
            reasons.keep(connection, key, [recorded.id], reason)
            answer = _told(connection, service, caller, attempt, recorded)
            return _answer(connection, service, attempt, answer, [recorded])
        dead = register.report_death(connection, card_id, caller)
        reasons.keep(connection, key, [one.id for one in dead], reason)
        answer, *also = (_told(connection, service, caller, attempt, one) for one in dead)
        # Of cards that others registered the reporter learns nothing; who registered them learns of the report.
        seen = deaths.tell(connection, service.keys, caller, dead)
        answer["also"] = [told for told, one in zip(also, dead[1:], strict=True) if one.card_id in seen]
        return _answer(connection, service, attempt, answer, dead)


def _require_new(connection: Connection, card_id: UUID, enrolment: Enrolment) -> None:
    """Nothing is replaced: else an authority's key could quietly put another person in a holder's place."""
    if any(template.modality == "face" for template in enrolment.templates) and templates.has_face(connection, card_id):
        raise ServiceError("face_enrolled")
    held = templates.positions(connection, card_id)
    again = [template.position for template in enrolment.templates if template.position in held]
    if again:
        raise ServiceError("finger_enrolled", [{"field": str(one), "code": "finger_enrolled"} for one in again])


def require_all(enrolment: Enrolment) -> None:
    """Raises `ServiceError` `enrolment_failed` with the captures that gave no template."""
    if enrolment.failures:
        raise ServiceError(
            "enrolment_failed",
            [
                {"field": failure.position or failure.modality, "code": str(failure.reason)}
                for failure in enrolment.failures
            ],
        )


def _store(
    connection: Connection,
    service: Service,
    caller: Caller,
    attempt: Attempt,
    card: CardIdentity,
    enrolment: Enrolment,
    supersedes: Supersedes | None,
    basis: Basis,
) -> StoredAnswer:
    duplicates.keep(connection, service.keys, enrolment.capture_digests)
    found = indexes(service.keys.index, card)
    recorded = register.add(connection, service.keys, card, found, caller)
    templates.add(connection, service.keys, recorded.card_id, enrolment.templates)
    recorded = holdings.record(connection, service.keys, recorded, basis)
    receipt = _append_leaf(connection, service, caller, attempt, recorded)
    events, superseded = [recorded], None
    if supersedes is not None:
        events.append(_superseded(connection, caller, supersedes, recorded.card_id))
        superseded = _told(connection, service, caller, attempt, events[-1])
    answer = {
        "id": str(recorded.card_id),
        "status": recorded.status.value,
        "enrolled": _enrolled(enrolment),
        "registered_at": written(recorded.recorded_at),
        "superseded": superseded,
        "also_valid": [str(one) for one in register.still_valid(connection, caller, recorded.card_id, found.number)],
        "receipt": receipt.as_json(),
    }
    return _answer(connection, service, attempt, answer, events)


def _superseded(
    connection: Connection, caller: Caller, supersedes: Supersedes, card_id: UUID
) -> register.RecordedEvent:
    try:
        return register.report(connection, supersedes.card_id, supersedes.event, card_id, caller)
    except register.CardUnknown as error:
        raise ServiceError("card_unknown", [{"field": "supersedes.card_id", "code": "card_unknown"}]) from error


def _told(
    connection: Connection, service: Service, caller: Caller, attempt: Attempt, recorded: register.RecordedEvent
) -> dict[str, Any]:
    """An event as it is answered, with its receipt; writes its leaf."""
    receipt = _append_leaf(connection, service, caller, attempt, recorded)
    return {
        "id": str(recorded.id),
        "card_id": str(recorded.card_id),
        "event": recorded.event.value,
        "status": recorded.status.value,
        "superseded_by": None if recorded.superseded_by is None else str(recorded.superseded_by),
        "recorded_at": written(recorded.recorded_at),
        "receipt": receipt.as_json(),
    }


def _enrolled(enrolment: Enrolment) -> list[dict[str, Any]]:
    return [
        {"modality": made.modality, "position": made.position, "engine": made.engine, "quality": made.quality}
        for made in enrolment.templates
    ]


def _append_leaf(
    connection: Connection, service: Service, caller: Caller, attempt: Attempt, recorded: register.RecordedEvent
) -> leaves.Receipt:
    leaf = {**event_leaf(caller, recorded), **attempt.told}
    return leaves.append(connection, service.keys, "card_event", recorded.id, recorded.recorded_at, leaf)


def _answer(
    connection: Connection,
    service: Service,
    attempt: Attempt,
    answer: dict[str, Any],
    recorded: Sequence[register.RecordedEvent],
) -> StoredAnswer:
    """Keep the answer, and give what happened its numbers in the feed: last, they are held to the commit."""
    idempotency.store(connection, attempt, 201, answer)
    feed.announce(connection, service.keys, recorded)
    return StoredAnswer(201, answer, new=True)
