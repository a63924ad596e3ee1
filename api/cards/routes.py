"""`POST /v1/cards`, `POST /v1/cards/search`, `GET /v1/cards/{id}`, and its `/events`, `/face` and `/fingerprints`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from api.cards import enrolment, lifecycle, looking_up, reasons
from api.cards.lifecycle import Event, State, Status
from api.cards.schemas import (
    REPORTED,
    CardAnswer,
    CardEvent,
    CardRegistered,
    CardRegistration,
    CardSearch,
    CardsFound,
    DeathRecorded,
    FaceAddition,
    FingerprintsBody,
    TemplatesAdded,
)
from api.cards.words import status_words
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE
from api.http.signin import AttemptDep, Holder, RegistrarDep, ReporterDep, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.storage.sealing import keyed_hash
from api.verification.document import RegisteredCard, since, status_on
from api.verification.records import day_of_validity

CardReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_CARDS))]

router = APIRouter(prefix="/v1/cards", tags=["cards"])


@router.post(
    "",
    status_code=201,
    response_model=CardRegistered,
    dependencies=LIMITED,
    summary="Register a card with its templates",
)
def register_card(
    service: ServiceDep,
    caller: RegistrarDep,
    attempt: AttemptDep,
    body: Annotated[CardRegistration, Body(openapi_examples=examples.CARD_REGISTRATION)],
) -> JSONResponse:
    """For the issuing authority. The captures are turned into templates and forgotten; one that gives no template
    stops the whole registration. With `supersedes` the card whose place it takes is invalid from the answer on: both
    or neither."""
    captures = body.captures.captures()
    card, superseded = body.card.identity(), body.superseded()
    enrolled = enrolment.enrol(service, caller, attempt, card, captures, superseded, body.basis)
    return answer(receipts.completed(service, enrolled))


@router.post(
    "/search",
    response_model=CardsFound,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="The cards of a citizen's number",
)
def search_cards(
    service: ServiceDep,
    caller: CardReaderDep,
    body: Annotated[CardSearch, Body(openapi_examples=examples.CARD_SEARCH)],
) -> Any:
    """For the issuing authority: the cards of this number that it, or one of its branches, registered, the newest
    first; none of others. A question in a body, because an address stands in logs. It changes nothing, and needs no
    `Idempotency-Key`."""
    number_index = keyed_hash(service.keys.index, "number", body.number)
    with service.database.begin() as connection:
        return {"items": looking_up.of_number(connection, number_index, caller)}


@router.get(
    "/{card_id}",
    response_model=CardAnswer,
    dependencies=FOR_CONSOLE,
    summary="A card and what happened to it",
)
def read_card(service: ServiceDep, caller: CardReaderDep, card_id: UUID) -> Any:
    """For the issuing authority: a card that it, or one of its branches, registered."""
    with service.database.begin() as connection:
        known = looking_up.find(connection, card_id, caller)
    card = known.card
    return {
        "id": card.id,
        "type": card.type,
        "status": card.status,
        "surrendered": card.surrendered,
        "disputed": card.disputed,
        "valid_from": card.valid_from,
        "valid_to": card.valid_to,
        "superseded_by": card.superseded_by,
        "registered_at": known.registered_at,
        "checks_locked_until": card.until,
        "possible": lifecycle.possible(State(Status(card.status), card.surrendered, card.disputed), REPORTED),
        "words": _words(known),
        "events": [{**event._asdict(), "reason": reasons.told(service.keys, event)} for event in known.events],
    }


def _words(known: looking_up.KnownCard) -> dict[str, Any]:
    """As a check would tell today."""
    card = known.card
    registered = RegisteredCard(Status(card.status), card.valid_from, card.valid_to, None, None, known.since)
    status = status_on(registered, day_of_validity(card.now))
    return status_words(status, since(registered, status))


@router.post(
    "/{card_id}/events",
    status_code=201,
    response_model=DeathRecorded,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Report what happened to a card",
)
def report_event(
    service: ServiceDep,
    caller: ReporterDep,
    attempt: AttemptDep,
    card_id: UUID,
    body: Annotated[CardEvent, Body(openapi_examples=examples.CARD_EVENT)],
) -> JSONResponse:
    """For the issuing authority. Once this is answered, no verification that decides afterwards passes a card that the
    event made invalid. `holder_deceased` is recorded of every card that bears the same number."""
    recorded = enrolment.report(service, caller, attempt, card_id, body.event, body.superseded_by, body.reason)
    return answer(receipts.completed(service, recorded))


@router.post(
    "/{card_id}/face",
    status_code=201,
    response_model=TemplatesAdded,
    dependencies=LIMITED,
    summary="Add a face to a registered card that has none",
)
def add_face(
    service: ServiceDep,
    caller: RegistrarDep,
    attempt: AttemptDep,
    card_id: UUID,
    body: Annotated[FaceAddition, Body(openapi_examples=examples.FACE)],
) -> JSONResponse:
    """For the issuing authority, for cards that are good and came without templates, as those of files do. A face that
    is there is not replaced. The captures are forgotten."""
    added = enrolment.add_templates(service, caller, attempt, card_id, Event.FACE_ADDED, body.captures(), body.basis)
    return answer(receipts.completed(service, added))


@router.post(
    "/{card_id}/fingerprints",
    status_code=201,
    response_model=TemplatesAdded,
    dependencies=LIMITED,
    summary="Add fingers to a registered card",
)
def add_fingerprints(
    service: ServiceDep,
    caller: RegistrarDep,
    attempt: AttemptDep,
    card_id: UUID,
    body: Annotated[FingerprintsBody, Body(openapi_examples=examples.FINGERPRINTS)],
) -> JSONResponse:
    """For the issuing authority, for cards that are good: fingers that the card does not hold yet. One capture that
    gives no template stops them all; the captures are forgotten."""
    added = enrolment.add_templates(
        service, caller, attempt, card_id, Event.FINGERPRINTS_ADDED, body.captures(), body.basis
    )
    return answer(receipts.completed(service, added))
