"""The outermost layer: a request identifier, safe headers, and no exception past this point.

Starlette's own last resort re-raises what it answered, and the server then writes the exception's text to its log;
that text may hold what a customer sent. Here it ends.
"""

import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import errors
from api.operations import requests
from api.operations.ending import Draining

# What a route says of caching itself, such as a page that holds nothing of anybody, stays.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Envelope:
    """ASGI middleware around everything. While the replica is `draining` every answer closes its connection."""

    def __init__(self, app: ASGIApp, draining: Draining | None = None) -> None:
        self._app = app
        self._draining = draining or Draining()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an error that nobody handled is answered as `internal`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Made here: an identifier from outside could carry data into logs.
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), None

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._draining.begun:
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception as error:  # noqa: BLE001 - the last resort
            answer = errors.internal(Request(scope), error)
            if status is None:
                await answer(scope, receive, marked)
        finally:
            requests.tell(scope, status, began)
