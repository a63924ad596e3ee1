"""`POST /v1/captures/guidance`: what the person before the camera can do for a better picture, while it is live."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from api.cards.schemas import FaceBody
from api.errors.catalogue import Text
from api.http import examples
from api.http.sessions import FOR_PAGES
from api.http.signin import ServiceDep, VerifierDep
from api.matching.guidance import Guidance
from biometrics.face.feedback import words

router = APIRouter(prefix="/v1/captures/guidance", tags=["verifications"])


class BoxAnswer(BaseModel):
    """Where the face is, as shares of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float


class AdviceAnswer(BaseModel):
    """One thing to do better."""

    code: str
    message: Text


class GuidanceAnswer(BaseModel):
    """What is seen of a face in a frame. No score is in it, and it says nothing of who it is."""

    ready: bool = Field(description="One face, and nothing to do better.")
    box: BoxAnswer | None
    advice: list[AdviceAnswer] = Field(description="The most helpful first.")


@router.post(
    "",
    response_model=GuidanceAnswer,
    dependencies=FOR_PAGES,
    summary="What would make a better picture of the face",
)
def guide(
    service: ServiceDep,
    caller: VerifierDep,
    body: Annotated[FaceBody, Body(openapi_examples=examples.GUIDANCE)],
) -> GuidanceAnswer:
    """For frames of a live picture, of at most 512 KiB and a megapixel, two or three a second. Nothing is kept of them
    and no template is made. Where others' frames are being looked at it is `service_busy`: send the next frame."""
    del caller
    return _answer(service.comparer.guide(body.image))


def _answer(seen: Guidance) -> GuidanceAnswer:
    told = [(code, words(code)) for code in seen.advice]
    return GuidanceAnswer(
        ready=seen.box is not None and not seen.advice,
        box=None if seen.box is None else BoxAnswer(**dict(zip(BoxAnswer.model_fields, seen.box, strict=True))),
        advice=[AdviceAnswer(code=code, message=Text(zh=both.zh, en=both.en)) for code, both in told],
    )
