"""`POST /v1/verifications/{id}/override` and `/v1/overrides`: entered by one person, approved by a second one."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from api.accountability import explanations
from api.accountability.overrides import records, rules
from api.accountability.overrides.schemas import (
    OverrideAnswer,
    OverrideBody,
    OverrideChanged,
    OverrideDecision,
    OverridesPage,
)
from api.accountability.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE, FOR_OPERATORS, FOR_OPERATORS_AND_CONSOLE
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.storage.keys import Keys

router = APIRouter(prefix="/v1", tags=["overrides"])

EntererDep = Annotated[Caller, Depends(Holder(Scope.OVERRIDE))]
ApproverDep = Annotated[Caller, Depends(Holder(Scope.APPROVE_OVERRIDES))]
ReaderDep = Annotated[Caller, Depends(Holder(Scope.OVERRIDE, Scope.READ_ACCOUNTS))]


@router.post(
    "/verifications/{verification_id}/override",
    status_code=201,
    response_model=OverrideChanged,
    dependencies=[*LIMITED, *FOR_OPERATORS],
    summary="Go on in spite of REVIEW or REFUSE",
)
def enter_override(
    service: ServiceDep,
    caller: EntererDep,
    attempt: AttemptDep,
    verification_id: UUID,
    body: Annotated[OverrideBody, Body(openapi_examples=examples.OVERRIDE)],
) -> JSONResponse:
    """Under the key of the person who goes on. It turns no decision, and nothing may rest on it before a second person
    approves. Never with a card that was reported, replaced or cancelled, or whose holder is dead."""
    return answer(receipts.completed(service, rules.enter(service, caller, attempt, verification_id, body.explained())))


@router.get(
    "/overrides",
    response_model=OverridesPage,
    dependencies=FOR_OPERATORS_AND_CONSOLE,
    summary="Overrides, newest first",
)
def list_overrides(
    service: ServiceDep,
    caller: ReaderDep,
    state: rules.State | None = None,
    verification: Annotated[UUID | None, Query(description="Of this decision.")] = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_ENTRIES,
) -> JSONResponse:
    """For operators those of their institution and their own, for supervisors those of its branches too, for regulators
    all."""
    with service.database.begin() as connection:
        rows, following = records.page(
            connection, caller, state=state, verification_id=verification, after=after, limit=limit
        )
    items = [_shown(service.keys, row) for row in rows]
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/overrides/{override_id}",
    response_model=OverrideAnswer,
    dependencies=FOR_OPERATORS_AND_CONSOLE,
    summary="An override, and why",
)
def read_override(service: ServiceDep, caller: ReaderDep, override_id: UUID) -> JSONResponse:
    """With what was written."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, override_id)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(_shown(service.keys, found))


@router.post(
    "/overrides/{override_id}/approve",
    response_model=OverrideChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Answer for an override that somebody else entered",
)
def approve_override(
    service: ServiceDep,
    caller: ApproverDep,
    attempt: AttemptDep,
    override_id: UUID,
    _: Annotated[OverrideDecision, Body(openapi_examples=examples.OVERRIDE_DECISION)],
) -> JSONResponse:
    """Never by the person who entered it, and only while the card is in use. Business that is done afterwards may rest
    on the check; the decision stays what it is."""
    return answer(receipts.completed(service, rules.approve(service, caller, attempt, override_id)))


@router.post(
    "/overrides/{override_id}/refuse",
    response_model=OverrideChanged,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Refuse an override",
)
def refuse_override(
    service: ServiceDep,
    caller: ApproverDep,
    attempt: AttemptDep,
    override_id: UUID,
    _: Annotated[OverrideDecision, Body(openapi_examples=examples.OVERRIDE_DECISION)],
) -> JSONResponse:
    """Also by the person who entered it. Another one may be entered."""
    return answer(receipts.completed(service, rules.refuse(service, caller, attempt, override_id)))


def _shown(keys: Keys, row: Row[Any]) -> dict[str, Any]:
    text = explanations.opened(keys, rules.ABOUT, row.id, row.text_sealed)
    return {**rules.shown(row), "text": text}
