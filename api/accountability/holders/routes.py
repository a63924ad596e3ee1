"""`/v1/holders`, asked by the counter that identified a holder, and `/v1/disputes`, for who answers for the check."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from api.accountability import explanations
from api.accountability.holders import disputes, history, records
from api.accountability.holders.schemas import (
    DisputeAnswer,
    DisputeBody,
    DisputeOpened,
    DisputeResolution,
    DisputeResolved,
    DisputesPage,
    HistoryBody,
    HistoryPage,
)
from api.accountability.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE, FOR_PAGES
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.storage.keys import Keys

router = APIRouter(prefix="/v1", tags=["holders"])

ServerDep = Annotated[Caller, Depends(Holder(Scope.SERVE_HOLDERS))]
ReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_ACCOUNTS))]
ResolverDep = Annotated[Caller, Depends(Holder(Scope.RESOLVE_DISPUTES))]


@router.post(
    "/holders/history",
    response_model=HistoryPage,
    dependencies=[*LIMITED, *FOR_PAGES],
    summary="What checks were made of the holder who stands here",
)
def tell_history(
    service: ServiceDep,
    caller: ServerDep,
    body: Annotated[HistoryBody, Body(openapi_examples=examples.HISTORY)],
) -> JSONResponse:
    """Newest first. It needs no idempotency key and is not kept; that it was told stands in the evidence, each time."""
    told = history.tell(service, caller, body.verification, after=body.after, limit=body.limit)
    return JSONResponse(receipts.complete(service, told, new=True))


@router.post(
    "/holders/disputes",
    status_code=201,
    response_model=DisputeOpened,
    dependencies=[*LIMITED, *FOR_PAGES],
    summary="A holder disputes a check",
)
def open_dispute(
    service: ServiceDep,
    caller: ServerDep,
    attempt: AttemptDep,
    body: Annotated[DisputeBody, Body(openapi_examples=examples.DISPUTE)],
) -> JSONResponse:
    """Of the holder's own number, wherever it was made; supervisors of that institution resolve it. The decision stays
    what it is."""
    return answer(receipts.completed(service, disputes.dispute(service, caller, attempt, body.dispute())))


@router.get(
    "/disputes",
    response_model=DisputesPage,
    dependencies=FOR_CONSOLE,
    summary="Disputes of checks, newest first",
)
def list_disputes(
    service: ServiceDep,
    caller: ReaderDep,
    state: disputes.State | None = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_ENTRIES,
) -> JSONResponse:
    """Of checks of the caller's institution and its branches; for a regulator all."""
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, state=state, after=after, limit=limit)
    items = [_shown(service.keys, row) for row in rows]
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/disputes/{dispute_id}",
    response_model=DisputeAnswer,
    dependencies=FOR_CONSOLE,
    summary="A dispute of a check",
)
def read_dispute(service: ServiceDep, caller: ReaderDep, dispute_id: UUID) -> JSONResponse:
    """With what was written."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, dispute_id)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(_shown(service.keys, found))


@router.post(
    "/disputes/{dispute_id}/resolve",
    response_model=DisputeResolved,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Resolve a dispute of a check",
)
def resolve_dispute(
    service: ServiceDep,
    caller: ResolverDep,
    attempt: AttemptDep,
    dispute_id: UUID,
    body: Annotated[DisputeResolution, Body(openapi_examples=examples.DISPUTE_RESOLUTION)],
) -> JSONResponse:
    """Upheld: the holder is right. The check stays as it was decided; the figures count it."""
    outcome = disputes.State(body.outcome)
    done = disputes.resolve(service, caller, attempt, dispute_id, outcome, body.note)
    return answer(receipts.completed(service, done))


def _shown(keys: Keys, row: Row[Any]) -> dict[str, Any]:
    text = explanations.opened(keys, disputes.ABOUT, row.id, row.text_sealed)
    note = explanations.opened(keys, disputes.NOTE, row.id, row.note_sealed)
    return {**disputes.shown(row), "text": text, "note": note}
