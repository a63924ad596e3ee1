"""`/v1/impostors`: the list of known impostors, entered, approved, reviewed and ended. Nobody searches it here."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, Row

from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.screening import cases, records, rules
from api.screening.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.screening.schemas import (
    ImpostorAnswer,
    ImpostorApproval,
    ImpostorBody,
    ImpostorChanged,
    ImpostorEnding,
    ImpostorReview,
    ImpostorsPage,
    StateFilter,
)
from api.screening.words import State
from api.service import Service

router = APIRouter(prefix="/v1/impostors", tags=["impostors"])

ListKeeperDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_IMPOSTORS))]
ListReaderDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_IMPOSTORS, Scope.READ_CASES))]


@router.post(
    "",
    status_code=201,
    response_model=ImpostorChanged,
    dependencies=LIMITED,
    summary="Propose somebody for the impostor list",
)
def propose(
    service: ServiceDep,
    caller: ListKeeperDep,
    attempt: AttemptDep,
    body: Annotated[ImpostorBody, Body(openapi_examples=examples.IMPOSTOR)],
) -> JSONResponse:
    """Nobody is found by it before another person approves. The captures are turned into templates and forgotten; one
    that gives no template stops it all."""
    return answer(receipts.completed(service, rules.propose(service, caller, attempt, body.proposal())))


@router.get(
    "",
    response_model=ImpostorsPage,
    dependencies=FOR_CONSOLE,
    summary="The impostor list, newest first",
)
def list_impostors(
    service: ServiceDep,
    caller: ListReaderDep,
    state: StateFilter | None = None,
    review_due: Annotated[bool, Query(description="Only listed ones that have to be looked at again.")] = False,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_ENTRIES,
) -> JSONResponse:
    """Entries of the caller's institution and its branches; for an authority everybody's."""
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, state=state, due=review_due, after=after, limit=limit)
        items = _shown(connection, service, caller, rows)
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/{impostor_id}",
    response_model=ImpostorAnswer,
    dependencies=FOR_CONSOLE,
    summary="An entry of the impostor list",
)
def read_impostor(service: ServiceDep, caller: ListReaderDep, impostor_id: UUID) -> JSONResponse:
    """With its case. Of an entry that ended nothing is held but this."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, impostor_id)
        if found is None:
            raise ServiceError("not_found")
        (entry,) = _shown(connection, service, caller, [found])
    return JSONResponse(entry)


@router.post(
    "/{impostor_id}/approve",
    response_model=ImpostorChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Approve an entry that somebody else proposed",
)
def approve(
    service: ServiceDep,
    caller: ListKeeperDep,
    attempt: AttemptDep,
    impostor_id: UUID,
    _: Annotated[ImpostorApproval, Body(openapi_examples=examples.IMPOSTOR_APPROVAL)],
) -> JSONResponse:
    """Never by the person who entered it. Once this is answered, every verification that decides afterwards, at any
    replica, is screened against it."""
    return answer(receipts.completed(service, rules.approve(service, caller, attempt, impostor_id)))


@router.post(
    "/{impostor_id}/refuse",
    response_model=ImpostorChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Refuse an entry that was proposed",
)
def refuse(
    service: ServiceDep,
    caller: ListKeeperDep,
    attempt: AttemptDep,
    impostor_id: UUID,
    body: Annotated[ImpostorEnding, Body(openapi_examples=examples.IMPOSTOR_ENDING)],
) -> JSONResponse:
    """Also by the person who entered it, who takes it back so. Its templates are deleted."""
    return answer(receipts.completed(service, rules.refuse(service, caller, attempt, impostor_id, body.reason)))


@router.post(
    "/{impostor_id}/remove",
    response_model=ImpostorChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Take an entry off the list, at once",
)
def remove(
    service: ServiceDep,
    caller: ListKeeperDep,
    attempt: AttemptDep,
    impostor_id: UUID,
    body: Annotated[ImpostorEnding, Body(openapi_examples=examples.IMPOSTOR_ENDING)],
) -> JSONResponse:
    """One person is enough. Once this is answered, no verification that decides afterwards, at any replica, hits it;
    its templates are deleted."""
    return answer(receipts.completed(service, rules.remove(service, caller, attempt, impostor_id, body.reason)))


@router.post(
    "/{impostor_id}/review",
    response_model=ImpostorChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Confirm an entry until its next review",
)
def review(
    service: ServiceDep,
    caller: ListKeeperDep,
    attempt: AttemptDep,
    impostor_id: UUID,
    body: Annotated[ImpostorReview, Body(openapi_examples=examples.IMPOSTOR_REVIEW)],
) -> JSONResponse:
    """Somebody looked at it, and it stays. Its last day stays what it is: who has to be listed longer is entered
    anew."""
    return answer(receipts.completed(service, rules.review(service, caller, attempt, impostor_id, body.review_on)))


def _shown(connection: Connection, service: Service, caller: Caller, rows: list[Row[Any]]) -> list[dict[str, Any]]:
    held = records.templates_of(connection, [row.id for row in rows])
    reads_cases = Scope.READ_CASES in caller.scopes
    return [
        {
            **rules.shown(row),
            "case_reference": cases.opened(service.keys, row.id, row.case_sealed) if reads_cases else None,
            "review_due": row.state == State.APPROVED and row.review_on <= row.today,
            "templates": held[row.id],
        }
        for row in rows
    ]
