"""The shared service behind a real server, which streams need, and keys."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from api.institutions.roles import Role
from api.service import Service
from tests.api.entries import new_key

NewKey = Callable[..., str]


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    """The application as a server answers it."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(20)


@pytest.fixture
def new_feed_key(service: Service) -> NewKey:
    """Keys of followers, of an institution of their own unless named."""

    def make(role: Role = Role.TERMINAL, institution: str | None = None) -> str:
        return new_key(service.database, service.keys, role, institution)

    return make
