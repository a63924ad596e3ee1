"""Routes that are asked all the time: what they depend on is found once, when they are made, and then called in order.

FastAPI goes through the tree of a route's dependencies on every request and asks of each what kind of function it is;
for the nonce and the verification that was a third of the event loop's work. And a request reaches its route through
every router before it, and through stacks of contexts that these routes have no use for: `Shortcut` leads there at
once, and all that is not plainly for one of them goes the general way. The declarations stay FastAPI's, for the
OpenAPI document and for the tests that walk the routes. Two things differ: all of them are called one after another on
the thread that answers, so that a request goes there once; and JSON is read after the caller signed in and was let in,
so that strangers and those that are turned away cost less.
"""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction
from types import TracebackType
from typing import Any, TypeVar

import pydantic_core
from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import ServiceError
from api.http.errors import is_json
from api.http.threads import THREADS, at_once

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_UNSUPPORTED = (
    "path_params", "query_params", "cookie_params", "websocket_param_name", "response_param_name",
    "background_tasks_param_name", "security_scopes_param_name",
)  # fmt: skip


def direct_post(router: APIRouter, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """As `router.post`, of a `DirectRoute`."""

    def add(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(path, endpoint, methods=["POST"], route_class_override=DirectRoute, **options)
        return endpoint

    return add


class DirectRoute(APIRoute):
    """A route whose endpoint is a plain function that gives a `Response`.

    Its dependencies are coroutines, or asynchronous generators of the scope "function", that wait for nothing or by
    `on_thread`; they take each other, the request, whose body is there, and headers that may be missing. Anything else
    raises TypeError when the route is made.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI asks for."""
        return _Plan(self.dependant).answer


class Shortcut:
    """ASGI middleware, the innermost: answers requests for direct routes as the application does behind it."""

    def __init__(
        self, app: ASGIApp, routes: Sequence[DirectRoute], handlers: Mapping[Any, Callable[[Request, Any], Any]]
    ) -> None:
        """`handlers`: the application's, of exceptions by their types; plain functions that wait for nothing."""
        self._app, self._handlers = app, handlers
        self._found = {
            (method, route.path): (route, route.get_route_handler())
            for route in routes
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        found = self._found.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None or scope.get("root_path"):
            await self._app(scope, receive, send)
            return
        route, answer = found
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
        request = Request(scope, receive, send)
        try:
            answered = await answer(request)
        except Exception as error:
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if handler is None:
                raise
            answered = handler(request, error)
        await answered(scope, receive, send)


@dataclass(frozen=True)
class _Step:
    """A call. `places`: its arguments that are results of earlier steps, by name; `headers`: those that are headers,
    with what judges them where not every text will do.

    `entered`: it gives a context, whose value counts.
    """

    call: Callable[..., Any]
    entered: bool
    places: tuple[tuple[str, int], ...]
    headers: tuple[tuple[str, str, Callable[..., tuple[Any, list[Any]]] | None], ...]
    request: str | None

    def arguments(self, request: Request, results: Sequence[Any]) -> dict[str, Any]:
        given = {name: results[place] for name, place in self.places}
        for name, header, validate in self.headers:
            value = given[name] = request.headers.get(header)
            if validate is not None and value is not None:
                _, faults = validate(value, {}, loc=("header", header))
                if faults:
                    raise RequestValidationError(faults)
        if self.request is not None:
            given[self.request] = request
        return given


class _Plan:
    """The steps to an answer, the endpoint's last."""

    def __init__(self, route: Dependant) -> None:
        self._steps: list[_Step] = []
        self._places: dict[Callable[..., Any], int] = {}
        for dependant in route.dependencies:
            self._add(dependant)
        if len(route.body_params) > 1 or any(getattr(one.field_info, "embed", None) for one in route.body_params):
            raise TypeError("a body of several parts")
        self._body = route.body_params[0] if route.body_params else None
        self._endpoint = self._step(route)
        if iscoroutinefunction(self._endpoint.call):
            raise TypeError("the endpoint is no plain function")

    def _add(self, dependant: Dependant) -> int:
        """The place of a dependency's result; what is asked for twice is called once."""
        call = dependant.call
        if call is None or not dependant.use_cache or dependant.body_params:
            raise TypeError(f"{dependant.name} is no dependency that can be called directly")
        if call not in self._places:
            for one in dependant.dependencies:
                self._add(one)
            if not _is_coroutine(call) and not (isasyncgenfunction(call) and dependant.scope == "function"):
                raise TypeError(f"{call} is neither a coroutine nor a generator of the scope function")
            self._places[call] = len(self._steps)
            self._steps.append(self._step(dependant))
        return self._places[call]

    def _step(self, dependant: Dependant) -> _Step:
        if dependant.call is None or any(getattr(dependant, name) for name in _UNSUPPORTED):
            raise TypeError(f"{dependant.call} takes what cannot be handed over directly")
        for header in dependant.header_params:
            if header.field_info.annotation != str | None or header.field_info.default is not None:
                raise TypeError(f"the header {header.alias} may be missing, and is text")
        named = [
            (one.name, one.call) for one in dependant.dependencies if one.name is not None and one.call is not None
        ]
        entered = isasyncgenfunction(dependant.call)
        return _Step(
            asynccontextmanager(dependant.call) if entered else dependant.call,
            entered,
            tuple((name, self._places[call]) for name, call in named),
            tuple(
                (one.name, one.alias, one.validate if one.field_info.metadata else None)
                for one in dependant.header_params
            ),
            dependant.request_param_name or getattr(dependant, "http_connection_param_name", None),
        )

    async def answer(self, request: Request) -> Response:
        """The endpoint's answer. Raises what any step raises, and RequestValidationError."""
        body = await request.body()
        return await THREADS.run(self._answered, request, body)

    def _answered(self, request: Request, body: bytes) -> Response:
        results: list[Any] = []
        with ExitStack() as stack:
            for step in self._steps:
                begun = step.call(**step.arguments(request, results))
                results.append(stack.enter_context(_Entered(begun)) if step.entered else at_once(begun))
            return self._asked(request, results, body)

    def _asked(self, request: Request, results: Sequence[Any], body: bytes) -> Response:
        arguments = self._endpoint.arguments(request, results)
        if self._body is not None:
            arguments[self._body.name] = self._validated(request, body)
        answer = self._endpoint.call(**arguments)
        if not isinstance(answer, Response):
            raise TypeError(f"{self._endpoint.call} gave no Response")
        return answer

    def _validated(self, request: Request, body: bytes) -> Any:
        if self._body is None or not body:
            raise ServiceError("request_malformed")
        # What says of itself that it is something else is no object, and the validation says so.
        told = parsed(body) if is_json(request.headers.get("content-type", "")) else body
        value, faults = self._body.validate(told, {}, loc=("body",))
        if faults:
            raise RequestValidationError(faults)
        return value


class _Entered:
    """An asynchronous context, without a loop."""

    def __init__(self, context: AbstractAsyncContextManager[Any]) -> None:
        self._context = context

    def __enter__(self) -> Any:
        return at_once(self._context.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return at_once(self._context.__aexit__(kind, error, trace))


def parsed(body: bytes) -> Any:
    """What JSON says. Raises `request_malformed`.

    The quick reader takes strict UTF-8; what it does not take goes to the standard library's, so that nothing is
    refused that was taken of old (a byte order mark, UTF-16, a lone surrogate).
    """
    try:
        # No value is kept for another request: what people send is not to stay in memory.
        return pydantic_core.from_json(body, cache_strings="keys")
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ServiceError("request_malformed") from None


def _is_coroutine(call: Callable[..., Any]) -> bool:
    return iscoroutinefunction(call) or iscoroutinefunction(getattr(type(call), "__call__", None))  # noqa: B004
