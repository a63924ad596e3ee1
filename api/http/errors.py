"""Every error leaves the service in one form: `{code, message: {zh, en}, operator, retryable, request_id}`."""

import logging
import re
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from api.cards import refusals
from api.errors import ServiceError, catalogue, entry
from api.evidence.log import LogDamaged
from api.institutions import credentials, institutions, principals, rotation
from api.matching.comparison import CaptureInvalid
from api.matching.guidance import GuidanceBusy
from api.storage.errors import DatabaseBusy, DatabaseUnavailable, MasterKeyUnavailable
from api.storage.idempotency import KeyReused, RefusedBefore
from models.errors import ModelError

_log = logging.getLogger(__name__)

# Errors of the rooms and the codes they have at the door.
_CODES: dict[type[Exception], str] = {
    DatabaseBusy: "service_busy",
    GuidanceBusy: "service_busy",
    MasterKeyUnavailable: "master_key_unavailable",
    DatabaseUnavailable: "database_unavailable",
    LogDamaged: "evidence_damaged",
    KeyReused: "idempotency_key_reused",
    credentials.KeyRevoked: "key_invalid",
    credentials.OperatorRevoked: "operator_not_allowed",
    rotation.KeyRotated: "key_rotated",
    credentials.AlreadyRevoked: "already_revoked",
    principals.PrincipalExists: "principal_exists",
    institutions.InstitutionExists: "institution_exists",
    institutions.BranchesTooDeep: "branches_too_deep",
    ModelError: "models_unavailable",
    ClientDisconnect: "body_incomplete",
    **refusals.CODES,
}
_HTTP_CODES = {401: "key_missing", 404: "not_found", 405: "method_not_allowed", 415: "media_type_unsupported"}
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
# Names of fields, and places in lists.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,31}|[0-9]{1,2}", re.ASCII | re.IGNORECASE)
_MOST_DETAILS = 20
# Pydantic's faults that say more of a field than that it is wrong.
_FAULTS = {"missing": "field_missing", "extra_forbidden": "field_unknown"}
_JSON = re.compile(r"application/([!-.0-9^-~A-Z]+\+)?json\s*(;|$)", re.ASCII | re.IGNORECASE)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    for kind, code in _CODES.items():
        app.add_exception_handler(kind, _fixed(code))
    app.add_exception_handler(ServiceError, _service)
    app.add_exception_handler(RefusedBefore, _refused)
    app.add_exception_handler(CaptureInvalid, _capture)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def response(
    request: Request, code: str, details: list[dict[str, str]] | None = None, retry_after_s: int | None = None
) -> JSONResponse:
    """The error answer for a code."""
    found = entry(code)
    request.state.error_code = code
    status = found.http or 500
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503 and found.retryable:
        headers["Retry-After"] = "1"
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    body = {
        "code": code,
        "message": found.message.model_dump(),
        "operator": found.operator.model_dump(),
        "retryable": found.retryable,
        "request_id": getattr(request.state, "request_id", ""),
    }
    if details:
        body["details"] = details
    return JSONResponse(body, status_code=status, headers=headers)


def _fixed(code: str) -> Callable[[Request, Exception], JSONResponse]:
    def handler(request: Request, _: Exception) -> JSONResponse:
        return response(request, code)

    return handler


def _service(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        return internal(request, error)
    return response(request, error.code, error.details, error.retry_after_s)


def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RefusedBefore):
        return internal(request, error)
    return response(request, error.code, error.details)


def _capture(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, CaptureInvalid):
        return internal(request, error)
    return response(request, error.code, [{"field": error.field, "code": error.code}])


def _validation(request: Request, error: Exception) -> JSONResponse:
    """The first fault with a code of its own names the answer; `details` name all fields, and no value."""
    if not isinstance(error, RequestValidationError):
        return internal(request, error)
    faults = error.errors()
    whole = [fault for fault in faults if fault["loc"] == ("body",)]
    if any(fault["type"] == "json_invalid" for fault in faults) or any(fault["type"] == "missing" for fault in whole):
        return response(request, "request_malformed")
    # FastAPI hands a body of another type over as bytes, which are no object.
    if whole and not is_json(request.headers.get("content-type", "")):
        return response(request, "media_type_unsupported")
    details = [
        {
            "field": _place(fault["loc"]),
            "code": fault["type"] if fault["type"] in catalogue() else _FAULTS.get(fault["type"], "request_invalid"),
        }
        for fault in faults[:_MOST_DETAILS]
    ]
    own = [detail["code"] for detail in details if detail["code"] not in {"request_invalid", *_FAULTS.values()}]
    return response(request, own[0] if own else "request_invalid", details)


def is_json(content_type: str) -> bool:
    """Whether a body that calls itself so is JSON."""
    return _JSON.match(content_type) is not None


def _place(steps: tuple[str | int, ...]) -> str:
    """The way to a field. Headers that are looked at have names of ours, with hyphens."""
    return ".".join(str(part) if steps[0] == "header" else _named(part) for part in steps)


def _named(part: str | int) -> str:
    """A step on the way to a field. An unknown field's name comes from outside and may be anything."""
    text = str(part)
    return text if _NAME.fullmatch(text) is not None else "?"


def _http(request: Request, error: Exception) -> JSONResponse:
    # FastAPI wraps whatever goes wrong while it reads the body.
    if isinstance(error.__cause__, ServiceError):
        return response(request, error.__cause__.code)
    if isinstance(error.__cause__, ClientDisconnect):
        return response(request, "body_incomplete")
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _HTTP_CODES.get(status, "request_malformed" if 400 <= status < 500 else "internal")
    answer = response(request, code)
    if status == 405:
        answer.headers["Allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """What the place can be asked by: an answer 405 has to say so (RFC 9110), and a place may have several routes."""

    def answers(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in _METHODS if answers(method)]


def internal(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that nobody foresaw; the log gets its type and place."""
    # The type and the place, not the text: an exception's text may hold what a customer sent.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _log.error("request %s failed: %s at %s", getattr(request.state, "request_id", ""), type(error).__name__, place)
    return response(request, "internal")
