"""Limits a request's body before anything reads it: by its stated length, and by what really arrives."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ServiceError


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
        arrived = 0

        async def limited() -> Message:
            nonlocal arrived
            # Before the first byte is asked for: a client that waits for "100 Continue" is spared the sending.
            if _stated_length(scope) > self._max_bytes:
                raise ServiceError("body_too_large")
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._max_bytes:
                raise ServiceError("body_too_large")
            return message

        await self._app(scope, limited, send)


def _stated_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            # Twenty digits are more than any limit, and thousands are more than int() takes.
            return int(value[:20]) if value.isdigit() else 0
    return 0
