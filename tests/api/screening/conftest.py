"""A bank with two supervisors, on a service whose list nobody else fills."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from api import service as services
from api.http.app import create_app
from api.institutions.roles import Role
from api.screening import records
from api.screening.keeping import GalleryKeeper
from api.service import Service
from api.settings import Settings
from tests.api.bodies import Json, register, verify
from tests.api.clients import KeyedClient
from tests.api.databases import own_database
from tests.api.entries import new_key
from tests.api.screening.entries import approve, propose
from tests.api.scripted import ScriptedComparer

# With the services, so that no other one gets their place: to make an application takes longer than to ask it.
_APPS: dict[int, tuple[Service, FastAPI]] = {}


def app_of(service: Service) -> FastAPI:
    """The application over a service, made once."""
    if id(service) not in _APPS:
        _APPS[id(service)] = service, create_app(service)
    return _APPS[id(service)][1]


@dataclass
class Town:
    """Replicas over one database of their own, and who asks them."""

    services: list[Service]
    mark: str = field(default_factory=lambda: f"bank {secrets.token_hex(6)}")
    clients: dict[tuple[int, str], TestClient] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        return self.services[0]

    @property
    def sequence(self) -> int:
        """The list's number."""
        with self.service.database.begin() as connection:
            number: int = connection.execute(select(records.SEQUENCE)).scalar_one()
        return number

    @contextmanager
    def left_alone(self) -> Iterator[GalleryKeeper]:
        """The first replica's gallery, which nobody keeps meanwhile."""
        keeper = self.service.impostors
        keeper.stop()
        try:
            yield keeper
        finally:
            keeper.start()

    def at(self, replica: int, key: str) -> TestClient:
        if (replica, key) not in self.clients:
            self.clients[replica, key] = KeyedClient(
                app_of(self.services[replica]),
                headers={"Authorization": f"Bearer {key}"},
                raise_server_exceptions=False,
            )
        return self.clients[replica, key]

    def key(self, role: Role, institution: str | None = None) -> str:
        return new_key(self.service.database, self.service.keys, role, institution or self.mark)

    def new(self, role: Role, institution: str | None = None, replica: int = 0) -> TestClient:
        return self.at(replica, self.key(role, institution))

    def card(self, face: str) -> Json:
        """A good card that is this person's own."""
        return register(self.new(Role.AUTHORITY, f"bureau {self.mark}"), face=face)[1]

    def listed(self, face: str, **changes: object) -> str:
        """Somebody on the list; gives the entry's identifier."""
        entered = propose(self.new(Role.SUPERVISOR), face, **changes)
        return approve(self.new(Role.SUPERVISOR), entered)

    def checked(self, face: str, replica: int = 0, **changes: Any) -> Json:
        """A person with a good card of their own, verified."""
        return verify(self.new(Role.TERMINAL, replica=replica), self.card(face), face=face, **changes)


def build(home: Path, database: str, **settings: object) -> Service:
    given = {"home": home, "database_url": database, "receipt_wait_s": 5, "requests_per_minute": 1_000_000, **settings}
    return services.build(Settings.model_validate(given), ScriptedComparer())


@pytest.fixture(scope="module")
def replicas(service: Service, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two replicas with the same keys, over a database of their own in the shared server."""
    with own_database(service, migrated) as database:
        home, address = tmp_path_factory.mktemp("screening"), database.url.render_as_string(hide_password=False)
        made = [build(home, address) for _ in range(2)]
        yield made
        for one in made:
            one.close()


@pytest.fixture
def town(replicas: list[Service]) -> Iterator[Town]:
    """A bank that no other test knows."""
    yield Town(replicas)
    for one in replicas:
        assert isinstance(one.comparer, ScriptedComparer)
        one.comparer.meanwhile = lambda: None
