"""`POST /v1/checks` and `GET /v1/checks/{id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.signin import AttemptDep, ServiceDep, VerifierDep
from api.population import checks
from api.population.checks import CheckRequest
from api.population.schemas import CheckAnswer, CheckBody

router = APIRouter(prefix="/v1/checks", tags=["checks"])


@router.post(
    "",
    response_model=CheckAnswer,
    dependencies=LIMITED,
    summary="What the population register says of a number or a card",
)
def check(
    service: ServiceDep,
    caller: VerifierDep,
    attempt: AttemptDep,
    body: Annotated[CheckBody, Body(openapi_examples=examples.CHECK)],
) -> JSONResponse:
    """联网核查, graded: a number alone, a card, its text block, a portrait. Each axis is answered apart: consistent,
    inconsistent, no record, cannot be determined. It decides nothing about a person at the counter."""
    checked = checks.check(service, CheckRequest(caller, attempt, body.question(), body.purpose))
    return answer(receipts.completed(service, checked))


@router.get(
    "/{check_id}",
    response_model=CheckAnswer,
    summary="A check that was made before",
)
def read_check(service: ServiceDep, caller: VerifierDep, check_id: UUID) -> JSONResponse:
    """A check of the caller's own, as it was answered."""
    with service.database.begin() as connection:
        found = checks.read(connection, check_id, caller)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(receipts.complete(service, found))
