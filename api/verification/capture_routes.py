"""`POST /v1/captures`: what a capture has to begin with."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.errors.catalogue import Text
from api.http.direct import direct_post
from api.http.limits import LIMITED
from api.http.sessions import FOR_PAGES
from api.http.signin import ServiceDep, VerifierDep
from api.verification import nonces
from biometrics.face.liveness import WORDS, Action, draw

router = APIRouter(prefix="/v1/captures", tags=["verifications"])


_WORDS = {action: Text(zh=zh, en=en) for action, (zh, en) in WORDS.items()}


class ActionAnswer(BaseModel):
    """One movement to ask for."""

    action: Action
    at_ms: int = Field(description="When to show it, in ms from the first frame of the film.")
    message: Text


class ChallengeAnswer(BaseModel):
    """What the person is asked to do before the camera; see docs/faces.md."""

    actions: list[ActionAnswer]
    end_ms: int = Field(description="When the film ends.")


class NonceAnswer(BaseModel):
    """A nonce for one verification by the terminal that asked for it."""

    nonce: str = Field(description="To be sent as the verification's `nonce`; shown this once.")
    issued_at: datetime
    expires_at: datetime = Field(description="A verification that arrives later is `nonce_expired`.")
    challenge: ChallengeAnswer = Field(description="For terminals that film the face: what it has to do, and when.")


@direct_post(
    router,
    "",
    status_code=201,
    response_model=NonceAnswer,
    dependencies=[*LIMITED, *FOR_PAGES],
    summary="A nonce for the next verification",
)
def begin_capture(service: ServiceDep, caller: VerifierDep) -> Response:
    """To be asked for before the captures are taken: a capture that is older than its nonce is `capture_stale`. Each
    serves one verification of this terminal. There is no body."""
    with service.database.line() as connection:
        issued = nonces.issue(connection, service.keys, caller.principal_id, service.settings.capture_max_age_s)
    told = NonceAnswer(
        nonce=issued.text,
        issued_at=issued.issued_at,
        expires_at=issued.expires_at,
        challenge=_challenge(issued.text),
    )
    # Ready to be sent: what a model is made of is not looked at again, on another thread's time.
    return Response(told.model_dump_json(), status_code=201, media_type="application/json")


def _challenge(nonce: str) -> ChallengeAnswer:
    drawn = draw(nonce)
    starts_ms = [round(1000 * start) for start in drawn.starts_s]
    shown = zip(drawn.actions, starts_ms[:-1], strict=True)
    return ChallengeAnswer(
        actions=[ActionAnswer(action=action, at_ms=at_ms, message=_WORDS[action]) for action, at_ms in shown],
        end_ms=starts_ms[-1],
    )
