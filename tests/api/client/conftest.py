"""Clients of both kinds, over the shared application."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI

from api.institutions.roles import Role
from api.service import Service
from tests.api.client.sides import Kind, Side, opened, transport
from tests.api.entries import new_key

NewSide = Callable[..., Side]


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def new_side(service: Service, app: FastAPI, kind: Kind) -> Iterator[NewSide]:
    """Clients with a key of their own."""
    with ExitStack() as stack:

        def make(role: Role = Role.TERMINAL, institution: str | None = None, **how: Any) -> Side:
            key = how.pop("key", None) or new_key(service.database, service.keys, role, institution)
            over = how.pop("over", None) or transport(kind, app)
            return stack.enter_context(opened(kind, key, over=over, **how))

        yield make
