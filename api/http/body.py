"""Limits a request's body before anything reads it: by its stated length, by what really arrives, and how soon."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ServiceError
from api.http.parameters import BODY_S

# A body up to so many times the limit is taken in and thrown away: many clients read no answer before they have sent
# it all, and would only see a connection that breaks.
_DISCARDED_LIMITS = 4
# Pictures are base64, which has none of these; the largest sound request has a few hundred. A body of millions of empty
# lists would cost seconds and gigabytes to parse, before anybody asked whose it is.
_MARKS = (b"{", b"[", b",", b":")
_MOST_MARKS = 4096


class BodyLimit:
    """ASGI middleware. A body that is too long raises `ServiceError` `body_too_large` where it is read; one that is not
    whole in `within_s` `body_incomplete`."""

    def __init__(self, app: ASGIApp, max_bytes: int, within_s: float = BODY_S) -> None:
        self._app = app
        self._max_bytes, self._within_s = max_bytes, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = _stated_length(headers)
        arrived = marks = 0
        # Of a body that is said to be none nothing is waited for.
        if headers.get("content-length") != "0":
            receive = _in_time(receive, self._within_s)

        async def limited() -> Message:
            nonlocal arrived
            # A client that waits for "100 Continue" is spared the sending.
            if stated > self._max_bytes and ("expect" in headers or stated > _DISCARDED_LIMITS * self._max_bytes):
                raise ServiceError("body_too_large")
            message = await receive()
            arrived += len(message.get("body", b""))
            if max(arrived, stated) <= self._max_bytes:
                nonlocal marks
                marks += _count_marks(message.get("body", b""))
                if marks > _MOST_MARKS:
                    raise ServiceError("request_malformed")
                return message
            while message.get("more_body", False) and arrived <= _DISCARDED_LIMITS * self._max_bytes:
                message = await receive()
                arrived += len(message.get("body", b""))
            raise ServiceError("body_too_large")

        await self._app(scope, limited, send)


def _in_time(receive: Receive, within_s: float) -> Callable[[], Awaitable[Message]]:
    """Once the body is whole there is no limit: then it is the connection's end that is waited for."""
    deadline: float | None = None
    whole = False

    async def received() -> Message:
        nonlocal deadline, whole
        if whole:
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + within_s
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise ServiceError("body_incomplete") from error
        whole = not message.get("more_body", False)
        return message

    return received


def _count_marks(part: bytes) -> int:
    """How many there are, or more than are allowed. Found one by one: `bytes.count` takes thirty times as long."""
    count = 0
    for mark in _MARKS:
        place = part.find(mark)
        while place >= 0 and count <= _MOST_MARKS:
            count += 1
            place = part.find(mark, place + 1)
    return count


def _stated_length(headers: Headers) -> int:
    value = headers.get("content-length", "")
    # Twenty digits are more than any limit, and thousands are more than int() takes.
    return int(value[:20]) if value.isascii() and value.isdigit() else 0
