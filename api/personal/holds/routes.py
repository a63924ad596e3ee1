"""`/v1/holds`: put on by one person, lifted by two."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from api.accountability import explanations
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.personal.holds import records, rules
from api.personal.holds.schemas import HoldAnswer, HoldBody, HoldChanged, HoldLifting, HoldsPage
from api.personal.holds.words import ABOUT, HoldState
from api.storage.keys import Keys

router = APIRouter(prefix="/v1/holds", tags=["personal data"])

HoldKeeperDep = Annotated[Caller, Depends(Holder(Scope.HOLD_DATA))]


@router.post(
    "",
    status_code=201,
    response_model=HoldChanged,
    dependencies=LIMITED,
    summary="Keep data past their time: a legal hold",
)
def place_hold(
    service: ServiceDep,
    caller: HoldKeeperDep,
    attempt: AttemptDep,
    body: Annotated[HoldBody, Body(openapi_examples=examples.HOLD)],
) -> JSONResponse:
    """It holds at once: nothing that it keeps is removed when its time is over, and nobody is erased. An authority
    holds persons whose cards it registered; supervisors their institution's records; a regulator any institution's."""
    done = rules.place(service, caller, attempt, body.subject, body.subject_id, body.ground, body.reference)
    return answer(receipts.completed(service, done))


@router.get("", response_model=HoldsPage, summary="Holds, newest first")
def list_holds(
    service: ServiceDep,
    caller: HoldKeeperDep,
    state: HoldState | None = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JSONResponse:
    """Those that the caller's institution or one of its branches put on."""
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, state=state, after=after, limit=limit)
    items = [_shown(service.keys, row) for row in rows]
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get("/{hold_id}", response_model=HoldAnswer, summary="A legal hold")
def read_hold(service: ServiceDep, caller: HoldKeeperDep, hold_id: UUID) -> JSONResponse:
    """With its file's reference."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, hold_id)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(_shown(service.keys, found))


@router.post(
    "/{hold_id}/lift",
    response_model=HoldChanged,
    dependencies=LIMITED,
    summary="Lift a legal hold, as the first or the second person",
)
def lift_hold(
    service: ServiceDep,
    caller: HoldKeeperDep,
    attempt: AttemptDep,
    hold_id: UUID,
    _: Annotated[HoldLifting, Body(openapi_examples=examples.HOLD_LIFTING)],
) -> JSONResponse:
    """The first says that it may end, and it holds on (`lifting`); another person ends it (`lifted`). What is over its
    time then goes with the next run."""
    return answer(receipts.completed(service, rules.lift(service, caller, attempt, hold_id)))


def _shown(keys: Keys, row: Row[Any]) -> dict[str, Any]:
    return {**rules.shown(row), "reference": explanations.opened(keys, ABOUT, row.id, row.reference_sealed)}
