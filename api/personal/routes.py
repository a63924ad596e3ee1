"""`POST /v1/cards/{id}/erasure`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.signin import AttemptDep, RegistrarDep, ServiceDep
from api.personal import erasure
from api.personal.schemas import ErasureBody, PersonErased

router = APIRouter(prefix="/v1/cards", tags=["personal data"])


@router.post(
    "/{card_id}/erasure",
    status_code=201,
    response_model=PersonErased,
    dependencies=LIMITED,
    summary="Erase a person's biometrics",
)
def erase_biometrics(
    service: ServiceDep,
    caller: RegistrarDep,
    attempt: AttemptDep,
    card_id: UUID,
    body: Annotated[ErasureBody, Body(openapi_examples=examples.ERASURE)],
) -> JSONResponse:
    """For the issuing authority: the templates of this card, and of the person's other cards that it registered, are
    deleted with the keys that they were sealed under. Once this is answered no backup of the database brings them back.
    The cards and what happened to them stay; they can be given a face again."""
    return answer(receipts.completed(service, erasure.erase(service, caller, attempt, card_id, body.ground)))
