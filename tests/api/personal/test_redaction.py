"""Names, numbers, addresses and telephone numbers, sent through every route in every place: no log holds one, and no
refusal repeats one.

The routes, their bodies and their parameters are those of the OpenAPI document, so that a new route is walked too.
"""

import copy
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from api.institutions.roles import Role
from api.operations.logs import REQUEST, JsonFormatter, TextFormatter
from api.service import Service
from tests.api.bodies import new_number
from tests.api.clients import KeyedClient
from tests.api.entries import new_key
from tests.api.test_authorisation import TABLE, UNKNOWN, Route, routes

NAME, ADDRESS, PHONE = "欧阳测试甲", "北京市海淀区测红路七十七号", "13912345677"
NUMBER = new_number()
VALUES = (NAME, ADDRESS, PHONE, NUMBER)
# As they stand in a log that escapes, in an address, and in JSON.
SHOWN = {
    form for value in VALUES for form in (value, quote(value), json.dumps(value)[1:-1], repr(value.encode())[2:-1])
}
HEADERS = {
    "Idempotency-Key": NUMBER,
    "Authorization": f"Bearer {NUMBER}",
    "Operator-Key": NUMBER,
    "X-Request-Id": NUMBER,
    "Accept": NUMBER,
    "Content-Type": NUMBER,
}


def found(text: str) -> set[str]:
    return {form for form in SHOWN if form in text}


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a text stands in a body."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from places(value, (*path, name))
    elif isinstance(body, list):
        for position, value in enumerate(body):
            yield from places(value, (*path, position))
    elif isinstance(body, str):
        yield path


def with_value(body: Any, path: tuple[Any, ...], value: str) -> Any:
    changed = copy.deepcopy(body)
    where = changed
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    return changed


def bodies(operation: dict[str, Any]) -> Iterator[bytes]:
    """The documented examples with a value in place of each text, as a field's name and value, as what is no JSON."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    examples = [one["value"] for one in content.get("examples", {}).values()][:1] or [{}]
    every: list[Any] = [[*VALUES], NAME, {NAME: NUMBER, "number": NUMBER, "name": NAME, PHONE: ADDRESS}]
    for example in examples:
        every += [with_value(example, path, VALUES[count % len(VALUES)]) for count, path in enumerate(places(example))]
        if isinstance(example, dict):
            every.append({**example, NAME: NUMBER, "telephone": PHONE, "address": ADDRESS})
    for body in every:
        yield json.dumps(body, ensure_ascii=False).encode()
    yield f'{{"number": "{NUMBER}", "name": {NAME}'.encode()


def addresses(path: str, operation: dict[str, Any]) -> Iterator[str]:
    """The path with a value for each of its parts and of its questions; and as it is asked about nothing."""
    plain = re.sub(r"\{[a-z_]+\}", lambda part: "0" * 64 if part[0] == "{leaf_hash}" else UNKNOWN, path)
    yield plain
    for name in re.findall(r"\{[a-z_]+\}", path):
        yield re.sub(r"\{[a-z_]+\}", UNKNOWN, path.replace(name, quote(NUMBER)))
        yield re.sub(r"\{[a-z_]+\}", UNKNOWN, path.replace(name, quote(NAME)))
    asked = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    for count, name in enumerate([*asked, "number"]):
        yield f"{plain}?{name}={quote(VALUES[count % len(VALUES)])}"


def who(route: Route) -> Role:
    asked = TABLE[route]
    return next(iter(sorted(asked))) if isinstance(asked, set) else Role.SUPERVISOR


def requests(path: str, operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, str], bytes | None]]:
    """Address, headers and body of every request to a route."""
    sent = list(bodies(operation))
    first, plain = sent[0] if sent else None, next(addresses(path, operation))
    for address in addresses(path, operation):
        yield address, {}, first
    for body in sent[1:]:
        yield plain, {}, body
    for name, value in HEADERS.items():
        yield plain, {name: value}, first


@pytest.fixture
def walked(
    app: FastAPI, service: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> list[tuple[Route, Any]]:
    """Every answer to every request, with all that was logged meanwhile in `caplog`."""
    caplog.set_level(logging.DEBUG)
    keys = {role: new_key(service.database, service.keys, role) for role in Role}
    json_of = {
        role: {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} for role, key in keys.items()
    }
    clients = {role: KeyedClient(app, headers=json_of[role], raise_server_exceptions=False) for role in Role}
    return [
        (route, clients[who(route)].request(route[0], address, content=body, headers=headers))
        for route, operation in routes(app).items()
        for address, headers, body in requests(route[1], operation)
    ]


def test_no_log_and_no_refusal_holds_what_was_sent(
    walked: list[tuple[Route, Any]], app: FastAPI, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    assert {route for route, _ in walked} == set(routes(app))
    assert len(walked) > 700
    refused = [(route, answer) for route, answer in walked if answer.status_code >= 400]
    assert len({route for route, _ in refused}) > 60
    assert not {(route, answer.status_code) for route, answer in walked if answer.status_code >= 500}
    for route, answer in refused:
        assert not found(answer.text), (route, answer.status_code)
        assert not found(str(answer.headers)), (route, answer.status_code)
    written = capfd.readouterr()
    # Written while the fixture walked, which is before this test's own part. The client's own lines, which name the
    # address that was asked, are not the service's.
    written_then = caplog.get_records("setup")
    logged = [record for record in written_then if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    assert not found("\n".join(caplog.handler.format(record) for record in logged))
    # As `renzheng serve` writes them, with the facts of every request.
    told = [record for record in logged if hasattr(record, REQUEST)]
    assert len(told) >= len(walked) > 0
    for formatter in (TextFormatter(), JsonFormatter()):
        assert not found("\n".join(map(formatter.format, logged)))
    assert not found(written.out + written.err)


def test_the_search_would_find_it(app: FastAPI) -> None:
    """Otherwise the test above would say nothing."""
    for value in VALUES:
        sent = json.dumps({"name": value}, ensure_ascii=False)
        for line in (sent, json.dumps({"name": value}), f"GET /v1/cards/{quote(value)}", f"{value.encode()!r}"):
            assert found(f"refused: {line}"), line
    operations = routes(app)
    taking = [operation for operation in operations.values() if "requestBody" in operation]
    assert len(taking) > 25
    for operation in taking:
        whole = b"".join(bodies(operation)).decode()
        assert all(value in whole for value in (NAME, NUMBER, PHONE, ADDRESS))
