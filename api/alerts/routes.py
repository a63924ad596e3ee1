"""`GET /v1/alerts`, `GET /v1/alerts/{id}` and `POST /v1/alerts/{id}/close`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse

from api.alerts import closing, records
from api.alerts.schemas import AlertAnswer, AlertClosed, AlertClosing, AlertsPage
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])

HandlerDep = Annotated[Caller, Depends(Holder(Scope.HANDLE_ALERTS))]


@router.get(
    "",
    response_model=AlertsPage,
    dependencies=FOR_CONSOLE,
    summary="Alerts, newest first",
)
def list_alerts(
    service: ServiceDep,
    caller: HandlerDep,
    still_open: Annotated[bool | None, Query(alias="open", description="Open ones, or closed ones.")] = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JSONResponse:
    """Alerts of the caller's institution and its branches."""
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, still_open=still_open, after=after, limit=limit)
        items = closing.shown(connection, service.keys, caller, rows)
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/{alert_id}",
    response_model=AlertAnswer,
    dependencies=FOR_CONSOLE,
    summary="An alert, and what was done",
)
def read_alert(service: ServiceDep, caller: HandlerDep, alert_id: UUID) -> JSONResponse:
    """An alert of the caller's institution or one of its branches."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, alert_id)
        if found is None:
            raise ServiceError("not_found")
        (alert,) = closing.shown(connection, service.keys, caller, [found])
    return JSONResponse(alert)


@router.post(
    "/{alert_id}/close",
    response_model=AlertClosed,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Close an alert",
)
def close_alert(
    service: ServiceDep,
    caller: HandlerDep,
    attempt: AttemptDep,
    alert_id: UUID,
    body: Annotated[AlertClosing, Body(openapi_examples=examples.ALERT_CLOSING)],
) -> JSONResponse:
    """Says what was found out. Closed by the authority that registered the card, it ends the lock of the card's number
    at once; a supervisor's closing ends no lock."""
    return answer(receipts.completed(service, closing.close(service, caller, attempt, alert_id, body.note)))
