"""Direct routes answer as FastAPI's own do, and take only what they can call directly."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import ServiceError
from api.http import errors
from api.http.direct import DirectRoute, Shortcut, direct_post, parsed
from api.service import Service
from tests.api.bodies import fresh_key
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error

JSON = {"Content-Type": "application/json"}
Kind = Literal["plain", "direct", "shortcut"]


class Sent(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")
    number: int
    words: tuple[str, ...] = ()


class Door:
    """What a route depends on: a context, a caller below it, and a mark that nobody asks for by name."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.threads: set[int] = set()
        self.routes: list[tuple[Any, bool]] = []

    async def mark(self, request: Request) -> None:
        request.state.marked = True
        self.told.append("mark")
        self.threads.add(threading.get_ident())

    async def caller(self, request: Request, key: Annotated[str | None, Header()] = None) -> str:
        self.told.append("caller")
        if key is None:
            raise ServiceError("key_missing")
        return f"{key} {request.state.marked}"

    async def inside(self) -> AsyncIterator[int]:
        self.told.append("in")
        try:
            yield 7
            self.told.append("done")
        finally:
            self.told.append("out")


def client(door: Door, kind: Kind) -> TestClient:
    """An application with one route, of either kind."""
    directly = kind != "plain"
    router = APIRouter(prefix="/v1/asked")
    marked: dict[str, Any] = {"dependencies": [Depends(door.mark)]}
    add = direct_post(router, "", **marked) if directly else router.post("", **marked)

    async def twice(caller: Annotated[str, Depends(door.caller)]) -> int:
        return len(caller)

    @add
    def ask(
        request: Request,
        caller: Annotated[str, Depends(door.caller)],
        length: Annotated[int, Depends(twice)],
        place: Annotated[int, Depends(door.inside, scope="function")],
        body: Sent,
        more_words: Annotated[str | None, Header()] = None,
        salt: Annotated[str | None, Header(pattern="^[0-9a-f]{4}$")] = None,
    ) -> JSONResponse:
        door.told.append("asked")
        door.threads.add(threading.get_ident())
        if body.number < 0:
            raise ServiceError("not_found")
        told = [caller, length, place, body.model_dump(mode="json"), more_words, salt, request.method]
        return JSONResponse(told, status_code=201)

    app = FastAPI()
    errors.install(app)
    if kind == "shortcut":
        shown = [route for route in router.routes if isinstance(route, DirectRoute)]
        app.add_middleware(Shortcut, routes=shown, handlers=app.exception_handlers)
        app.add_middleware(Counted, door=door)
    app.include_router(router)
    return TestClient(app)


class Counted:
    """Middleware that tells which route answered."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        self._door.routes.append((scope.get("route"), "router" in scope))


Pair = tuple[tuple[Door, TestClient], tuple[Door, TestClient]]


@pytest.fixture(params=["direct", "shortcut"])
def both(request: pytest.FixtureRequest) -> Pair:
    """A direct route, behind the application's stacks or before them, and FastAPI's own."""
    doors = Door(), Door()
    return (doors[0], client(doors[0], request.param)), (doors[1], client(doors[1], "plain"))


ASKED: dict[str, tuple[bytes, dict[str, str]]] = {
    "well": (b'{"number": 3, "words": ["a"]}', {"key": "k"}),
    "a header more": (b'{"number": 3}', {"key": "k", "more-words": "x"}),
    "a header in its form": (b'{"number": 3}', {"key": "k", "salt": "00ff"}),
    "a header in no form": (b'{"number": 3}', {"key": "k", "salt": "00fg"}),
    "an error of the endpoint": (b'{"number": -3}', {"key": "k"}),
    "no number": (b"{}", {"key": "k"}),
    "a field too many": (b'{"number": 3, "other": 1}', {"key": "k"}),
    "no key": (b'{"number": 3}', {}),
    "no body": (b"", {"key": "k"}),
    "a list": (b"[1]", {"key": "k"}),
    "null": (b"null", {"key": "k"}),
    "no JSON": (b"{", {"key": "k"}),
    "a byte order mark": (b'\xef\xbb\xbf{"number": 3}', {"key": "k"}),
    "UTF-16": ('{"number": 3}'.encode("utf-16"), {"key": "k"}),
    "another type": (b'{"number": 3}', {"key": "k", "content-type": "text/plain"}),
    "another JSON": (b'{"number": 3}', {"key": "k", "content-type": "application/problem+json; charset=utf-8"}),
    "no type": (b'{"number": 3}', {"key": "k", "content-type": ""}),
    "too deep": (b"[" * 100_000, {"key": "k"}),
}


@pytest.mark.parametrize("name", list(ASKED))
def test_the_answer_is_that_of_fastapi(both: Pair, name: str) -> None:
    content, headers = ASKED[name]
    answers = [asked.post("/v1/asked", content=content, headers={**JSON, **headers}) for _, asked in both]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["content-type"] == answers[1].headers["content-type"]


def test_each_dependency_is_called_once_and_left_before_the_answer_is_sent(both: Pair) -> None:
    for door, asked in both:
        assert asked.post("/v1/asked", json={"number": 3}, headers={"key": "k"}).status_code == 201
        assert door.told == ["mark", "caller", "in", "asked", "done", "out"]
        door.told.clear()
        assert asked.post("/v1/asked", json={"number": -1}, headers={"key": "k"}).status_code == 404
        assert door.told == ["mark", "caller", "in", "asked", "out"]


def test_all_is_called_on_one_thread_which_is_not_the_loops(both: Pair) -> None:
    (door, asked), _ = both
    loops: set[int] = set()
    sent = asked.app

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        loops.add(threading.get_ident())
        await sent(scope, receive, send)

    asked.app = watched
    assert TestClient(watched).post("/v1/asked", json={"number": 3}, headers={"key": "k"}).status_code == 201
    assert len(door.threads) == 1
    assert door.threads.isdisjoint(loops)


def test_a_shortcut_is_taken_by_what_is_plainly_for_it() -> None:
    door = Door()
    asked = client(door, "shortcut")
    good: dict[str, Any] = {"json": {"number": 3}, "headers": {"key": "k"}}
    assert asked.post("/v1/asked", **good).status_code == 201
    assert asked.post("/v1/asked?more=1", **good).status_code == 201
    assert asked.get("/v1/asked").status_code == 405
    assert asked.get("/v1/asked").headers["allow"] == "POST"
    assert asked.post("/v1/asked/", follow_redirects=False, **good).status_code == 307
    assert [(getattr(route, "path", None), routed) for route, routed in door.routes[:2]] == [("/v1/asked", False)] * 2
    assert all(routed for _, routed in door.routes[2:])


def test_behind_a_proxys_path_the_general_way_is_taken() -> None:
    door = Door()
    asked = TestClient(client(door, "shortcut").app, root_path="/renzheng")
    answer = asked.post("/renzheng/v1/asked", json={"number": 3}, headers={"key": "k"})
    assert answer.status_code == 201
    assert [routed for _, routed in door.routes] == [True]


def test_the_service_leads_to_its_direct_routes_at_once(terminal: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> None:
        raise AssertionError("the router was asked")

    assert terminal.post("/v1/captures", headers=fresh_key()).status_code == 201
    monkeypatch.setattr(APIRouter, "__call__", lost)
    assert terminal.post("/v1/captures", headers=fresh_key()).status_code == 201
    assert_error(terminal.post("/v1/verifications", json={}, headers=fresh_key()), 422, "request_invalid")
    assert_error(terminal.get("/v1/captures"), 500, "internal")


def test_an_error_that_nobody_handles_is_the_applications() -> None:
    router = APIRouter()

    @direct_post(router, "/asked")
    def ask() -> JSONResponse:
        raise LookupError("nobody's")

    app = FastAPI()
    shown = [route for route in router.routes if isinstance(route, DirectRoute)]
    app.add_middleware(Shortcut, routes=shown, handlers=app.exception_handlers)
    app.include_router(router)
    with pytest.raises(LookupError, match="nobody's"):
        TestClient(app).post("/asked")


def test_what_was_sent_is_read_after_the_caller_was(service: Service, new_client: NewClient) -> None:
    terminal = new_client(service=service)
    headers = {**JSON, **fresh_key()}
    assert_error(terminal.post("/v1/verifications", content=b"{", headers=headers), 400, "request_malformed")
    terminal.headers["Authorization"] = "Bearer nobody"
    assert_error(terminal.post("/v1/verifications", content=b"{", headers=headers), 401, "key_invalid")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(values, st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_json_is_read_as_the_standard_library_reads_it(value: Any, escaped: bool, encoding: str) -> None:
    body = json.dumps(value, ensure_ascii=escaped).encode(encoding)
    assert json.dumps(parsed(body)) == json.dumps(json.loads(body))


@given(st.binary(max_size=30) | st.text(alphabet='{}[]",:0123456789eE+-. \\untrfalsNI\x00\x1f\ud800', max_size=20))
def test_what_the_standard_library_refuses_is_refused(text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        expected = json.dumps(json.loads(body))
    except (ValueError, RecursionError):
        with pytest.raises(ServiceError) as told:
            parsed(body)
        assert told.value.code == "request_malformed"
    else:
        assert json.dumps(parsed(body)) == expected


def plain() -> int:
    return 1


async def coroutine() -> int:
    return 1


async def of_the_request() -> AsyncIterator[int]:
    yield 1


def a_query(asked: str) -> JSONResponse:
    return JSONResponse(asked)


def of_a_thread(given: Annotated[int, Depends(plain)]) -> JSONResponse:
    return JSONResponse(given)


def of_a_wide_scope(given: Annotated[int, Depends(of_the_request)]) -> JSONResponse:
    return JSONResponse(given)


def not_kept(given: Annotated[int, Depends(coroutine, use_cache=False)]) -> JSONResponse:
    return JSONResponse(given)


def a_header_with_a_form(given: Annotated[int, Header()]) -> JSONResponse:
    return JSONResponse(given)


def in_parts(one: Annotated[int, Body()], other: Annotated[int, Body()]) -> JSONResponse:
    return JSONResponse([one, other])


def embedded(one: Annotated[int, Body(embed=True)]) -> JSONResponse:
    return JSONResponse(one)


async def no_plain_function() -> JSONResponse:
    return JSONResponse(None)


@pytest.mark.parametrize(
    "endpoint",
    [
        a_query, of_a_thread, of_a_wide_scope, not_kept, a_header_with_a_form, in_parts, embedded, no_plain_function,
    ],
)  # fmt: skip
def test_a_route_that_asks_for_more_is_not_made(endpoint: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        direct_post(APIRouter(), "/asked")(endpoint)


def test_what_is_no_response_is_no_answer() -> None:
    router = APIRouter()

    @direct_post(router, "/asked")
    def ask() -> JSONResponse:
        return {}  # type: ignore[return-value]

    app = FastAPI()
    app.include_router(router)
    with pytest.raises(TypeError, match="no Response"):
        TestClient(app).post("/asked")
