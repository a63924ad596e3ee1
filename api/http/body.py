"""Limits a request's body before anything reads it: by its stated length, and by what really arrives."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ServiceError

# A body up to so many times the limit is taken in and thrown away: many clients read no answer before they have sent
# it all, and would only see a connection that breaks.
_DISCARDED_LIMITS = 4
# Pictures are base64, which has none of these; the largest sound request has a few hundred. A body of millions of empty
# lists would cost seconds and gigabytes to parse, before anybody asked whose it is.
_MARKS = (b"{", b"[", b",", b":")
_MOST_MARKS = 4096


class BodyLimit:
    """ASGI middleware. A body that is too long raises `ServiceError` `body_too_large` where it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = _stated_length(headers)
        arrived = marks = 0

        async def limited() -> Message:
            nonlocal arrived
            # A client that waits for "100 Continue" is spared the sending.
            if stated > self._max_bytes and ("expect" in headers or stated > _DISCARDED_LIMITS * self._max_bytes):
                raise ServiceError("body_too_large")
            message = await receive()
            arrived += len(message.get("body", b""))
            if max(arrived, stated) <= self._max_bytes:
                nonlocal marks
                marks += sum(message.get("body", b"").count(mark) for mark in _MARKS)
                if marks > _MOST_MARKS:
                    raise ServiceError("request_malformed")
                return message
            while message.get("more_body", False) and arrived <= _DISCARDED_LIMITS * self._max_bytes:
                message = await receive()
                arrived += len(message.get("body", b""))
            raise ServiceError("body_too_large")

        await self._app(scope, limited, send)


def _stated_length(headers: Headers) -> int:
    value = headers.get("content-length", "")
    # Twenty digits are more than any limit, and thousands are more than int() takes.
    return int(value[:20]) if value.isascii() and value.isdigit() else 0
