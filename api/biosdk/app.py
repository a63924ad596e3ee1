"""The application: MOSIP's Bio-SDK service over the engines, and nothing else of ours.

It has no database and no keys, so that whoever reaches it can have pictures compared that they hold themselves, and
nothing more. MOSIP's client sends no credential; with a key in `Guard` a proxy beside it has to (docs/mosip.md).
"""

import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.biosdk import requests
from api.biosdk.engines import Engines
from api.biosdk.extraction import extract_template
from api.biosdk.information import init
from api.biosdk.matching import match
from api.biosdk.parameters import PREFIX, SPECIFICATION
from api.biosdk.quality import check_quality
from api.biosdk.statuses import OperationFailed, RequestRefused, Status, unreadable, unsupported
from api.errors import ServiceError, entry
from api.http.body import BodyLimit
from api.http.envelope import Envelope
from api.operations.admission import Admission

_log = logging.getLogger(__name__)
Operation = Callable[[dict[str, Any], Engines], Any]

OPERATIONS: dict[str, Operation] = {
    "match": match,
    "check-quality": check_quality,
    "extract-template": extract_template,
}
UNSUPPORTED = ("segment", "convert-format")


@dataclass(frozen=True)
class Guard:
    """Who is let in, and how much at once. Without a `key` it is whoever can connect."""

    max_body_bytes: int
    threads: int
    most_wait_s: float
    key: str | None = field(default=None, repr=False)

    def check(self, request: Request) -> None:
        """Raises ServiceError: `key_missing`, `key_invalid`."""
        if self.key is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise ServiceError("key_missing")
        if not hmac.compare_digest(given.strip().encode(), self.key.encode()):
            raise ServiceError("key_invalid")


class Door:
    """Answers requests: each under the guard, on one of as many threads as there are cores."""

    def __init__(self, engines: Engines, guard: Guard) -> None:
        self._engines = engines
        self._guard = guard
        self._admission = Admission(guard.threads, guard.most_wait_s)
        self._limiter = CapacityLimiter(guard.threads)

    async def answer(self, request: Request, work: Callable[[dict[str, Any]], Any]) -> Response:
        """The answer to a request, whatever becomes of it: MOSIP's form, never a stack trace."""
        try:
            self._guard.check(request)
            body = await request.body()
            place = self._admission.enter(time.monotonic())
            done = False
            try:
                answer = await to_thread.run_sync(partial(self._done, body, work), limiter=self._limiter)
                done = True
            finally:
                self._admission.leave(place, time.monotonic(), answered=done)
            return answer
        except RequestRefused as error:
            return _form("", [{"code": error.code, "message": error.message}])
        except ServiceError as error:
            return _refused(request, error)
        except ClientDisconnect:
            return _refused(request, ServiceError("body_incomplete"))

    def _done(self, body: bytes, work: Callable[[dict[str, Any]], Any]) -> Response:
        found = work(requests.opened(body))
        try:
            return _form(found)
        except ValueError:
            # What was sent goes back with the templates; numbers without end are read as JSON and cannot be written.
            raise unreadable() from None

    def init(self, asked: dict[str, Any]) -> Any:
        """What `/init` gives, which is no `Response` but what is in one."""
        try:
            return init(asked, self._engines)
        except OperationFailed as error:
            raise RequestRefused("BIOSDK_LIB_EXCEPTION", error.message) from None

    def operate(self, operation: Operation, asked: dict[str, Any]) -> dict[str, Any]:
        """MOSIP's `Response`: a status, and what the operation gave. Raises ServiceError for what is not begun."""
        try:
            found = operation(asked, self._engines)
        except OperationFailed as error:
            return {"statusCode": int(error.status), "statusMessage": error.message, "response": None}
        except ServiceError:
            raise  # told with a status of HTTP's
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is told by its type, never its text
            _log.error("an operation of the Bio-SDK service failed: %s", type(error).__name__)
            status = Status.UNKNOWN_ERROR
            return {"statusCode": int(status), "statusMessage": status.name, "response": None}
        return {"statusCode": int(Status.SUCCESS), "statusMessage": "OK", "response": found}


def create_app(engines: Engines, guard: Guard) -> FastAPI:
    """The ASGI application."""
    # As the main application: no redirects to what a header says, and nothing told to the process's telemetry.
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.add_middleware(BodyLimit, max_bytes=guard.max_body_bytes)
    app.add_middleware(Envelope)
    app.add_exception_handler(HTTPException, _no_such_place)
    service = Door(engines, guard)
    works: dict[str, Callable[[dict[str, Any]], Any]] = {
        "init": service.init,
        **{name: partial(service.operate, operation) for name, operation in OPERATIONS.items()},
        **{name: partial(_unsupported, name) for name in UNSUPPORTED},
    }
    for name, work in works.items():
        # MOSIP's client puts a slash before the name, and some installations have one behind the address too.
        for path in (f"{PREFIX}/{name}", f"{PREFIX}//{name}"):
            app.post(path)(_endpoint(service, work))
    for path in (PREFIX, f"{PREFIX}/"):
        app.get(path)(_status)
    return app


def _endpoint(service: Door, work: Callable[[dict[str, Any]], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await service.answer(request, work)

    return endpoint


async def _status() -> PlainTextResponse:
    now = datetime.now(UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    return PlainTextResponse(f"Service is running... {now}")


def _unsupported(name: str, _: dict[str, Any]) -> Any:
    raise unsupported(name)


def _form(response: Any, errors: list[dict[str, str]] | None = None, status: int = 200) -> Response:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"version": SPECIFICATION, "responsetime": now, "response": response, "errors": errors or []}
    # In ASCII: halves of surrogate pairs, which texts in JSON may hold, have no UTF-8.
    return Response(json.dumps(told, allow_nan=False), status_code=status, media_type="application/json")


def _refused(request: Request, error: ServiceError) -> Response:
    """What did not come to an operation: HTTP says so too, for whatever stands between."""
    found = entry(error.code)
    request.state.error_code = error.code
    answer = _form("", [{"code": error.code, "message": found.message.en}], found.http or 500)
    if found.http == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


async def _no_such_place(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _refused(request, ServiceError("not_found"))
    return _refused(request, ServiceError("method_not_allowed" if status == 405 else "request_malformed"))
