"""Answers: stored ones given again are marked, and the error form stands in the OpenAPI document."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.errors.catalogue import Text
from api.storage.idempotency import StoredAnswer


class ErrorDetail(BaseModel):
    """A field that is at fault; never its value."""

    field: str
    code: str


class ErrorAnswer(BaseModel):
    """The form of every error."""

    code: str
    message: Text
    operator: Text
    retryable: bool
    request_id: str
    details: list[ErrorDetail] | None = None


def answer(stored: StoredAnswer) -> JSONResponse:
    """The answer as stored."""
    return JSONResponse(stored.answer, status_code=stored.status_code)
