"""`POST /v1/verifications`, `GET /v1/verifications` and `GET /v1/verifications/{id}`."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse

from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.admitting import AdmittedDep
from api.http.answers import answer
from api.http.direct import direct_post
from api.http.fields import Instant
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE, FOR_PAGES
from api.http.signin import AttemptDep, DecisionReaderDep, Holder, OperatorDep, ServiceDep, VerifierDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.operations.metrics.counters import stage
from api.verification import listing, pipeline
from api.verification.schemas import VerificationAnswer, VerificationBody, VerificationsPage

router = APIRouter(prefix="/v1/verifications", tags=["verifications"])

ListerDep = Annotated[Caller, Depends(Holder(Scope.READ_VERIFICATIONS))]


@direct_post(
    router,
    "",
    response_model=VerificationAnswer,
    dependencies=[*LIMITED, *FOR_PAGES],
    summary="Is this person the holder of this card, and is the card still good?",
)
def verify(
    service: ServiceDep,
    caller: VerifierDep,
    operator: OperatorDep,
    attempt: AttemptDep,
    place: AdmittedDep,
    body: Annotated[VerificationBody, Body(openapi_examples=examples.VERIFICATION)],
) -> JSONResponse:
    """Answers PASS, REVIEW or REFUSE, with both axes and the evidence. The same `Idempotency-Key` gives the same
    answer; the captures are forgotten."""
    decided = pipeline.verify(service, body.request(caller, operator, attempt), place)
    with stage("evidence"):
        return answer(receipts.completed(service, decided))


@router.get(
    "",
    response_model=VerificationsPage,
    summary="Decisions, newest first",
)
def list_verifications(
    service: ServiceDep,
    caller: ListerDep,
    decision: Literal["PASS", "REVIEW", "REFUSE"] | None = None,
    terminal: Annotated[UUID | None, Query(description="Of this terminal.")] = None,
    since: Annotated[Instant | None, Query(description="Decided at this time or later.")] = None,
    until: Annotated[Instant | None, Query(description="Decided before this time.")] = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    """For operators those of their institution, for supervisors those of its branches too; without figures."""
    wanted = listing.Wanted(decision, terminal, since, until)
    with service.database.begin() as connection:
        rows, following = listing.page(connection, caller, wanted, after=after, limit=limit)
    return {"items": [row._asdict() for row in rows], "next": following}


@router.get(
    "/{verification_id}",
    response_model=VerificationAnswer,
    dependencies=FOR_CONSOLE,
    summary="A decision that was made before",
)
def read_verification(service: ServiceDep, caller: DecisionReaderDep, verification_id: UUID) -> JSONResponse:
    """With its receipt. Terminals see their own, operators their institution's, supervisors those of branches too."""
    with service.database.begin() as connection:
        found = listing.find(connection, caller, verification_id)
    if found is None:
        raise ServiceError("not_found")
    return JSONResponse(receipts.complete(service, found))
