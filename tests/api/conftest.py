"""A service on an embedded PostgreSQL of its own, and clients with keys.

The server is shared by all tests of a run; what must not be shared gets a database of its own in it (`new_database`).
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api import service as services
from api.http import errors
from api.http.app import ROUTERS, create_app
from api.http.codes import codes
from api.institutions.roles import Role
from api.service import Service
from api.settings import Settings
from api.storage import embedded
from api.storage.database import Database
from tests.api.books import findings
from tests.api.clients import KeyedClient
from tests.api.databases import EMPTY, migrated_template, own_database
from tests.api.entries import new_key
from tests.api.scripted import ScriptedComparer
from tests.folders import open_to_all


class NewClient(Protocol):
    """Makes a client with a key of its own."""

    def __call__(
        self, role: Role = Role.TERMINAL, institution: str | None = None, service: Service | None = None
    ) -> TestClient: ...


class NewDatabase(Protocol):
    """Makes a database: an empty one, or one that is as `renzheng migrate` leaves an empty one."""

    def __call__(self, *, migrated: bool = False, pool_size: int = 4, timeout_s: float = 5.0) -> Database: ...


_OPERATIONS = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
# Of an address that is another operation's too, and of what nobody foresees: no operation states these.
_UNSTATED_ON_PURPOSE = {"internal", "method_not_allowed"}
unstated: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def refusals_watched() -> Iterator[None]:
    """Every refusal that a test meets is held to the codes that the OpenAPI document states for its operation."""
    answered = errors.response

    def watched(request: Request, code: str, *how: Any) -> JSONResponse:
        route: Any = request.scope.get("route")
        stated = codes(route) if isinstance(route, APIRoute) and route.path in _OPERATIONS else None
        if stated is not None and code not in {*_UNSTATED_ON_PURPOSE, *chain.from_iterable(stated.values())}:
            unstated.append(f"{request.method} {route.path} answers {code}")
        return answered(request, code, *how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(errors, "response", watched)
        yield


@pytest.fixture(autouse=True)
def refusals_are_stated(refusals_watched: None) -> Iterator[None]:
    """See `refusals_watched`; what a test leaves running may be told of by the next one."""
    yield
    met, unstated[:] = sorted(set(unstated)), []
    assert met == [], "missing in api/http/codes.py"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh RENZHENG_HOME; its database server is stopped in the end."""
    folder = open_to_all(tmp_path_factory.mktemp("home"))
    yield folder
    embedded.stop(folder / "database")


@pytest.fixture(scope="session")
def service(home: Path) -> Iterator[Service]:
    """A service whose comparisons are scripted. Receipts wait for their proof, so that the same answer has the same."""
    settings = Settings(
        home=home,
        database_url=None,
        database_timeout_s=20,
        requests_per_minute=1_000_000,
        most_wait_s=600,
        # Tests hold up to eight comparisons side by side: on a machine with few cores they would wait for their turns.
        compute_threads=8,
    )
    # Longer than an installation may wait: answers are compared with their proofs, which take time on a busy machine.
    patient = settings.model_copy(update={"receipt_wait_s": 60})
    built = services.build(patient, ScriptedComparer())
    yield built
    unsound = findings(built)
    built.close()
    assert unsound == [], "a test left the shared books other than the log says: others fail then, in another order"


@pytest.fixture(scope="session")
def app(service: Service) -> FastAPI:
    """The application over the shared service."""
    return create_app(service)


@pytest.fixture
def anonymous(app: FastAPI) -> TestClient:
    """Somebody without a key."""
    return KeyedClient(app, raise_server_exceptions=False)


@pytest.fixture
def new_client(service: Service, app: FastAPI) -> NewClient:
    """Clients of the shared service, or of others. Each has one application, whose first answer is slow."""
    shared = service
    known = [(service, app)]

    def application(asked: Service) -> FastAPI:
        for one, its in known:
            if one is asked:
                return its
        known.append((asked, create_app(asked)))
        return known[-1][1]

    def make(role: Role = Role.TERMINAL, institution: str | None = None, service: Service | None = None) -> TestClient:
        asked = service or shared
        key = new_key(asked.database, asked.keys, role, institution)
        return KeyedClient(
            application(asked),
            headers={"Authorization": f"Bearer {key}"},
            raise_server_exceptions=False,
        )

    return make


@pytest.fixture
def terminal(new_client: NewClient) -> TestClient:
    """A counter terminal."""
    return new_client(Role.TERMINAL)


@pytest.fixture
def authority(new_client: NewClient) -> TestClient:
    """An issuing authority."""
    return new_client(Role.AUTHORITY)


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Levels and handlers as they were, and warnings as warnings, afterwards."""
    loggers = [logging.getLogger(name) for name in (None, "alembic", "httpx", "httpx2", "httpcore")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    logging.captureWarnings(False)
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(scope="session")
def migrated(service: Service) -> str:
    """The name of a database that is as `renzheng migrate` leaves an empty one; for copies."""
    return migrated_template(service)


@pytest.fixture
def new_database(service: Service, request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Databases beside the shared one; dropped in the end."""
    with ExitStack() as stack:

        def make(*, migrated: bool = False, pool_size: int = 4, timeout_s: float = 5.0) -> Database:
            template = request.getfixturevalue("migrated") if migrated else EMPTY
            own = own_database(service, template, pool_size=pool_size, timeout_s=timeout_s)
            return stack.enter_context(own)

        yield make
