"""`POST /v1/captures`: what a capture has to begin with."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.answers import documented
from api.http.limits import LIMITED
from api.http.signin import ServiceDep, VerifierDep
from api.matching import duplicates
from api.verification import nonces
from api.verification.parameters import SWEPT_AT_ONCE

router = APIRouter(prefix="/v1/captures", tags=["verifications"])


class NonceAnswer(BaseModel):
    """A nonce for one verification by the terminal that asked for it."""

    nonce: str = Field(description="To be sent as the verification's `nonce`; shown this once.")
    issued_at: datetime
    expires_at: datetime = Field(description="A verification that arrives later is `nonce_expired`.")


@router.post(
    "",
    status_code=201,
    response_model=NonceAnswer,
    responses=documented(401, 403, 429, 503),
    dependencies=LIMITED,
    summary="A nonce for the next verification",
)
def begin_capture(service: ServiceDep, caller: VerifierDep) -> Any:
    """To be asked for before the captures are taken: a capture that is older than its nonce is `capture_stale`. Each
    serves one verification of this terminal. There is no body."""
    with service.database.begin() as connection:
        duplicates.sweep(connection, SWEPT_AT_ONCE)
        issued = nonces.issue(connection, service.keys, caller.principal_id, service.settings.capture_max_age_s)
    return NonceAnswer(nonce=issued.text, issued_at=issued.issued_at, expires_at=issued.expires_at)
