"""`POST /v1/cards` and `POST /v1/cards/{id}/events`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from api.cards import enrolment
from api.cards.schemas import CardEvent, CardRegistered, CardRegistration, EventRecorded
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer, documented
from api.http.signin import OptionalAttemptDep, RegistrarDep, ReporterDep, ServiceDep

router = APIRouter(prefix="/v1/cards", tags=["cards"])


@router.post(
    "",
    status_code=201,
    response_model=CardRegistered,
    responses=documented(400, 401, 403, 409, 413, 415, 422, 503),
    summary="Register a card with its templates",
)
def register_card(
    service: ServiceDep,
    caller: RegistrarDep,
    attempt: OptionalAttemptDep,
    body: Annotated[CardRegistration, Body(openapi_examples=examples.CARD_REGISTRATION)],
) -> JSONResponse:
    """For the issuing authority. The captures are turned into templates and forgotten; one that gives no template
    stops the whole registration."""
    enrolled = enrolment.enrol(service, caller, attempt, body.card.identity(), body.captures.captures())
    return answer(receipts.completed(service, enrolled))


@router.post(
    "/{card_id}/events",
    status_code=201,
    response_model=EventRecorded,
    responses=documented(400, 401, 403, 404, 409, 413, 415, 422, 503),
    summary="Report what happened to a card",
)
def report_event(
    service: ServiceDep,
    caller: ReporterDep,
    attempt: OptionalAttemptDep,
    card_id: UUID,
    body: Annotated[CardEvent, Body(openapi_examples=examples.CARD_EVENT)],
) -> JSONResponse:
    """For the issuing authority. Once this is answered, no verification that decides afterwards passes a card that the
    event made invalid."""
    recorded = enrolment.report(service, caller, attempt, card_id, body.event, body.superseded_by)
    return answer(receipts.completed(service, recorded))
