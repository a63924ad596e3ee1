"""Registering a card with its templates, and recording what happens to it; each with its evidence, all or nothing."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.cards import register, templates
from api.cards.identity import CardIdentity, indexes
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Event
from api.errors import ServiceError
from api.evidence import leaves
from api.institutions import credentials
from api.institutions.caller import Caller
from api.matching import duplicates
from api.matching.captures import Captures
from api.matching.comparison import Enrolment
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer


def enrol(
    service: Service, caller: Caller, attempt: Attempt | None, card: CardIdentity, captures: Captures
) -> StoredAnswer:
    """Make templates of the captures and register the card. A capture that gives no template stops it all.

    Raises `CardExists`, and `ServiceError` `enrolment_failed` with the captures that failed.
    """
    if attempt is not None:
        with service.database.begin() as connection:
            given = idempotency.find(connection, attempt)
        if given is not None:
            return given
    enrolment = service.comparer.enrol(captures)
    _require_all(enrolment)
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = None if attempt is None else idempotency.claim(connection, attempt)
        return given or _store(connection, service, caller, attempt, card, enrolment)


def report(
    service: Service,
    caller: Caller,
    attempt: Attempt | None,
    card_id: UUID,
    event: Event,
    superseded_by: UUID | None,
    reason: str | None = None,
) -> StoredAnswer:
    """Record an event. Once this returns, no verification that decides afterwards can pass a card it invalidates.

    Raises the errors of `register.report`.
    """
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = None if attempt is None else idempotency.claim(connection, attempt)
        if given is not None:
            return given
        recorded = register.report(connection, card_id, event, superseded_by, caller, reason)
        receipt = _append_leaf(connection, service, caller, recorded)
        answer = {
            "id": str(recorded.id),
            "card_id": str(card_id),
            "event": recorded.event.value,
            "status": recorded.status.value,
            "superseded_by": None if superseded_by is None else str(superseded_by),
            "recorded_at": recorded.recorded_at.isoformat(),
            "receipt": receipt.as_json(),
        }
        return _answer(connection, attempt, answer)


def _require_all(enrolment: Enrolment) -> None:
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
    attempt: Attempt | None,
    card: CardIdentity,
    enrolment: Enrolment,
) -> StoredAnswer:
    recorded = register.add(connection, service.keys, card, indexes(service.keys.index, card), caller)
    templates.add(connection, service.keys, recorded.card_id, enrolment.templates)
    duplicates.keep(connection, service.keys, enrolment.capture_digests)
    receipt = _append_leaf(connection, service, caller, recorded)
    answer = {
        "id": str(recorded.card_id),
        "status": recorded.status.value,
        "enrolled": [
            {"modality": made.modality, "position": made.position, "engine": made.engine, "quality": made.quality}
            for made in enrolment.templates
        ],
        "registered_at": recorded.recorded_at.isoformat(),
        "receipt": receipt.as_json(),
    }
    return _answer(connection, attempt, answer)


def _append_leaf(
    connection: Connection, service: Service, caller: Caller, recorded: register.RecordedEvent
) -> leaves.Receipt:
    return leaves.append(
        connection, service.keys, "card_event", recorded.id, recorded.recorded_at, event_leaf(caller, recorded)
    )


def _answer(connection: Connection, attempt: Attempt | None, answer: dict[str, Any]) -> StoredAnswer:
    if attempt is not None:
        idempotency.store(connection, attempt, 201, answer)
    return StoredAnswer(201, answer)
