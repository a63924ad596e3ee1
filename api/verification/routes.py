"""`POST /v1/verifications` and `GET /v1/verifications/{id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer, documented
from api.http.signin import AttemptDep, CallerDep, ServiceDep, VerifierDep
from api.verification import pipeline, records
from api.verification.schemas import VerificationAnswer, VerificationBody

router = APIRouter(prefix="/v1/verifications", tags=["verifications"])


@router.post(
    "",
    response_model=VerificationAnswer,
    responses=documented(400, 401, 403, 409, 413, 415, 422, 503),
    summary="Is this person the holder of this card, and is the card still good?",
)
def verify(
    service: ServiceDep,
    caller: VerifierDep,
    attempt: AttemptDep,
    body: Annotated[VerificationBody, Body(openapi_examples=examples.VERIFICATION)],
) -> JSONResponse:
    """Answers PASS, REVIEW or REFUSE, with both axes and the evidence. The same `Idempotency-Key` gives the same
    answer; the captures are forgotten."""
    return answer(receipts.completed(service, pipeline.verify(service, body.request(caller, attempt))))


@router.get(
    "/{verification_id}",
    response_model=VerificationAnswer,
    responses=documented(401, 404, 422, 503),
    summary="A decision that was made before",
)
def read_verification(service: ServiceDep, caller: CallerDep, verification_id: UUID) -> JSONResponse:
    """A decision of the caller's own institution, with its receipt."""
    with service.database.begin() as connection:
        found = records.find_verification(connection, verification_id, caller.institution_id)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(receipts.complete(service, found))
