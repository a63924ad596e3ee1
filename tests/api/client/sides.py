"""Both clients as one, so that one test asks both; and what answers them: the application in process, or a script."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.client import AsyncClient, Client
from tests.api.bodies import Json

Kind = Literal["sync", "async"]
URL = "http://127.0.0.1"
KEY = "rz_a_key_that_must_not_be_shown"


class Side:
    """A client whose methods are called the same way, whichever it is. Pauses are not slept, but kept in `paused`."""

    def __init__(self, client: Client | AsyncClient, loop: asyncio.Runner | None) -> None:
        self.client, self.loop = client, loop
        self.paused: list[float] = []
        client._sleep = self._pause if loop is None else self._pause_elsewhere

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A method of the client; lists are read to their end."""
        method = getattr(self.client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            given = method(*arguments, **named)
            if inspect.isasyncgen(given):
                return self._wait(_listed(given))
            if inspect.isgenerator(given):
                return list(given)
            return self._wait(given) if inspect.iscoroutine(given) else given

        return call

    def _wait(self, what: Any) -> Any:
        assert self.loop is not None
        return self.loop.run(what)

    def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    async def _pause_elsewhere(self, seconds: float) -> None:
        self._pause(seconds)


async def _listed(what: Any) -> list[Any]:
    return [one async for one in what]


class Wire(httpx.BaseTransport):
    """The application in process, for the synchronous client."""

    def __init__(self, app: FastAPI) -> None:
        self._app = TestClient(app, raise_server_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._app.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


class Cutting(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Lets requests through, and cuts the first answers of paths that end so: it is done, and nobody hears of it."""

    def __init__(self, inner: Any, path: str, times: int) -> None:
        self._inner, self._path, self._times = inner, path, times
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._passed(request, self._inner.handle_request(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._passed(request, await self._inner.handle_async_request(request))

    def _passed(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith(self._path):
            return answer
        self.seen.append(request)
        if len(self.seen) <= self._times:
            raise httpx.RemoteProtocolError("peer closed the connection", request=request)
        return answer


class Script:
    """Answers in their order; the last one again and again. Keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> None:
        self._answers = list(answers)
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        told = answer(request) if callable(answer) else answer
        # A response belongs to the client that it was given to.
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.seen]

    @property
    def bodies(self) -> list[Json]:
        return [json.loads(request.content or b"{}") for request in self.seen]


def transport(kind: Kind, app: FastAPI) -> Any:
    """The application for one of the clients."""
    return Wire(app) if kind == "sync" else httpx.ASGITransport(app, raise_app_exceptions=False)


@contextmanager
def opened(kind: Kind, key: str | None = KEY, *, over: Any = None, url: str = URL, **how: Any) -> Iterator[Side]:
    """A client over a transport, a script, or by itself to an address."""
    way = httpx.MockTransport(over) if isinstance(over, Script) else over
    if kind == "sync":
        with Client(url, key, transport=way, **how) as client:
            yield Side(client, None)
        return
    with asyncio.Runner() as loop:
        other = AsyncClient(url, key, transport=way, **how)
        yield Side(other, loop)
        loop.run(other.close())


def error(status: int, code: str, *, retryable: bool = False, **more: Any) -> httpx.Response:
    """An error as the service answers it; `headers` beside."""
    headers = more.pop("headers", {})
    body = {
        "code": code,
        "message": {"zh": "请稍候", "en": "please wait"},
        "operator": {"zh": "重试", "en": "try again"},
        "retryable": retryable,
        "request_id": "0123456789abcdef",
        **more,
    }
    return httpx.Response(status, json=body, headers=headers)
