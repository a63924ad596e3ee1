"""What FastAPI does not know of the document: rights, refusals with their codes, examples, and what is public.

`x-scopes` of an operation lists the rights of which a key needs one: an empty list is for any key that lives.
Operations that need no key have none, and ask for no security. `x-codes` of a refusal lists the codes that it may have.

All of it is made when the document is first asked for, and kept: starting the service costs nothing more.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api.errors import catalogue
from api.http.answers import ErrorAnswer
from api.http.codes import codes, everything_below
from api.http.signin import Holder, get_caller

IDEMPOTENCY_KEY = "idempotency-key"
_FILTERS = {
    "decision": "Those with this decision alone.",
    "kind": "Those of this kind alone.",
    "limit": "How many at most.",
    "role": "Those of this role alone.",
    "state": "Those in this state alone.",
}
LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
SERVERS = [{"url": "/", "description": "The service that gave this document."}]
TAGS = [
    {"name": "verifications", "description": "Captures, and whether a person is the holder of a card that is good."},
    {"name": "checks", "description": "What the register says of a number or a card, without the person."},
    {"name": "cards", "description": "Cards, what happened to them, and the templates that they hold."},
    {"name": "personal data", "description": "Erasing what is held of a person, and legal holds that forbid it."},
    {"name": "alerts", "description": "What somebody has to look into."},
    {"name": "transactions", "description": "Business that was done, and the checks that it rests on."},
    {"name": "overrides", "description": "Going on in spite of a decision, by two people."},
    {"name": "scorecards", "description": "A month's figures, down to the evidence of each."},
    {"name": "holders", "description": "What holders are told of their checks, and what they dispute."},
    {"name": "impostors", "description": "The list of people who were caught with another's card."},
    {"name": "duplicates", "description": "Cases of one person with two identities."},
    {"name": "institutions", "description": "Institutions, people, terminals and their keys."},
    {"name": "feed", "description": "Every change of a card's status, in pages, as a stream, by webhook, as a file."},
    {"name": "evidence", "description": "The log of all decisions: checkpoints, proofs, leaves."},
    {"name": "standing", "description": "The rules in force, and how this replica stands."},
    {"name": "pages", "description": "How the service's own pages sign in."},
    {"name": "service", "description": "The error catalogue, public keys, health."},
]
_JSON = "application/json"
_SCHEMAS = "#/components/schemas/"
Operation = dict[str, Any]
Refusal = tuple[int, tuple[str, ...]]
"""A status and its codes."""


def complete(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Have the application, which includes the routers, make its document whole, once."""
    app.openapi = partial(_document, app, routers, app.openapi)  # type: ignore[method-assign]


def _document(app: FastAPI, routers: Sequence[APIRouter], generate: Any) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = generate()
        operations = list(_operations(routers, document))
        for route, operation in operations:
            _say_parameters(operation)
            _say_public(route, operation)
        _say_refusals(document, operations)
        _say_answers(operations)
        _drop_unused(document["components"]["schemas"], document)
    whole: dict[str, Any] = app.openapi_schema or {}
    return whole


def _operations(routers: Sequence[APIRouter], document: dict[str, Any]) -> Iterator[tuple[APIRoute, Operation]]:
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield route, document["paths"][route.path_format][method.lower()]


def _say_parameters(operation: Operation) -> None:
    """FastAPI takes the idempotency key for optional: a request without it is refused by a code of its own."""
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if name == IDEMPOTENCY_KEY:
            parameter |= {"required": True, "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"}}
        usual = f"The {name.removesuffix('_id')}'s identifier." if parameter["in"] == "path" else _FILTERS.get(name)
        if usual is not None:
            parameter.setdefault("description", usual)


def _say_public(route: APIRoute, operation: Operation) -> None:
    if scopes(route) is None:
        operation["security"] = []


def _say_refusals(document: dict[str, Any], operations: list[tuple[APIRoute, Operation]]) -> None:
    """By status, with the codes and an example of each. What several operations answer is written once for all."""
    stated = [(operation, refusal) for route, operation in operations for refusal in codes(route).items()]
    named = _named([refusal for _, refusal in stated])
    components = document["components"]
    components["responses"] = {name: _refusal(*refusal) for refusal, name in named.items()}
    components["examples"] = {
        code: _example(code) for code in sorted({code for _, (_, found) in stated for code in found})
    }
    components["schemas"] |= _error_schemas()
    for _, operation in operations:
        # FastAPI's own word of what is not of the required form.
        operation["responses"].pop("422", None)
    for operation, refusal in stated:
        reference = {"$ref": f"#/components/responses/{named[refusal]}"} if refusal in named else _refusal(*refusal)
        operation["responses"][str(refusal[0])] = reference


def _named(refusals: list[Refusal]) -> dict[Refusal, str]:
    """Names for those that are answered more than once: `Conflict` the most frequent, then `Conflict2`, and so on."""
    named: dict[Refusal, str] = {}
    numbers: Counter[int] = Counter()
    for refusal, times in Counter(refusals).most_common():
        if times > 1:
            numbers[refusal[0]] += 1
            number = numbers[refusal[0]]
            named[refusal] = HTTPStatus(refusal[0]).name.title().replace("_", "") + (str(number) if number > 1 else "")
    return named


def _refusal(status: int, found: tuple[str, ...]) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in found}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {_JSON: {"schema": {"$ref": f"{_SCHEMAS}ErrorAnswer"}, "examples": examples}},
        "x-codes": list(found),
    }


def _example(code: str) -> dict[str, Any]:
    found = catalogue()[code]
    answer = ErrorAnswer(
        code=code,
        message=found.message,
        operator=found.operator,
        retryable=found.retryable,
        request_id="5f0c2b7e91d4a638",
    )
    return {"summary": found.message.en, "value": answer.model_dump(mode="json", exclude_none=True)}


def _error_schemas() -> dict[str, Any]:
    schema = ErrorAnswer.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    return {**schema.pop("$defs"), "ErrorAnswer": schema}


def _say_answers(operations: list[tuple[APIRoute, Operation]]) -> None:
    """An example of every answer that is no refusal; they were given by the service, to people who do not exist."""
    given = json.loads(files("api.http").joinpath("answers.json").read_text(encoding="utf-8"))
    for _, operation in operations:
        for status, answer in operation["responses"].items():
            if status in {"200", "201"} and operation["operationId"] in given:
                for content in answer["content"].values():
                    content["example"] = given[operation["operationId"]]


def _drop_unused(schemas: dict[str, Any], document: dict[str, Any]) -> None:
    """FastAPI's own forms of errors, and what is only written out where it is used."""
    while unused := schemas.keys() - {name.removeprefix(_SCHEMAS) for name in _references(document)}:
        for name in unused:
            del schemas[name]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (inner for name, inner in node.items() if name == "$ref" and isinstance(inner, str))
        yield from (found for inner in node.values() for found in _references(inner))
    elif isinstance(node, list):
        yield from (found for inner in node for found in _references(inner))


def say_rights(router: APIRouter) -> None:
    """Write the rights of a router's operations into the document. To be called before it is included."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            needed = scopes(route)
            if needed is not None:
                route.openapi_extra = {**(route.openapi_extra or {}), "x-scopes": needed}


def scopes(route: APIRoute) -> list[str] | None:
    """The rights of which a key needs one for a route; None where no key is needed.

    Raises TypeError for a route that asks for rights twice: it would need both, which no list of this kind says.
    """
    calls = [dependant.call for dependant in everything_below(route.dependant)]
    holders = {call for call in calls if isinstance(call, Holder)}
    if len(holders) > 1:
        raise TypeError(f"{route.path} asks for rights in more than one way")
    if holders:
        return sorted(holders.pop().scopes)
    return [] if get_caller in calls else None
