"""The OpenAPI document says the rights: `x-scopes` of an operation lists those of which a key needs one.

An empty list is for any key that lives; operations that need no key have none.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.http.signin import Holder, get_caller

IDEMPOTENCY_KEY = "idempotency-key"


def say_needed_headers(app: FastAPI) -> None:
    """Have the document say that the idempotency key is needed, and what it looks like.

    FastAPI takes it for optional: a request without it is refused by a code of its own, not for its form.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for operation in (one for path in document["paths"].values() for one in path.values()):
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == IDEMPOTENCY_KEY:
                    parameter |= {"required": True, "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"}}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


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
    calls = [dependant.call for dependant in _all(route.dependant)]
    holders = {call for call in calls if isinstance(call, Holder)}
    if len(holders) > 1:
        raise TypeError(f"{route.path} asks for rights in more than one way")
    if holders:
        return sorted(holders.pop().scopes)
    return [] if get_caller in calls else None


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _all(inner)
