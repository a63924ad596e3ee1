"""Institutions with people in them, as the routes see them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import fresh_key
from tests.api.clients import KeyedClient


@dataclass
class House:
    """Makes people of an institution; `path` such as `Bank/Branch`."""

    app: FastAPI
    service: Service
    path: str

    def client(self, role: Role, **how: Any) -> TestClient:
        """Somebody of this institution, signed in."""
        with self.service.database.begin() as connection:
            name = secrets.token_hex(8)
            added = principals.add(connection, self.service.keys, self.path, name, role, **how)
        return signed_in(self.app, added.key)

    def branch(self) -> "House":
        """A branch."""
        return House(self.app, self.service, f"{self.path}/{secrets.token_hex(8)}")


def signed_in(app: FastAPI, key: str) -> TestClient:
    """A client with a key."""
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def me(client: TestClient) -> dict[str, Any]:
    """Who the client is, which has to be answered."""
    answer = client.get("/v1/me")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a POST makes, which has to succeed."""
    answer = client.post(path, json=body, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(client: TestClient, path: str, **filters: str) -> list[str]:
    """The identifiers of a whole list, page by page."""
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": 3, **filters, **after})
        assert page.status_code == 200, page.text
        found.extend(item["id"] for item in page.json()["items"])
        if page.json()["next"] is None:
            return found
        after = {"after": page.json()["next"]}


@pytest.fixture
def new_house(app: FastAPI, service: Service) -> Callable[[], House]:
    """Banks that nobody else has."""
    return lambda: House(app, service, secrets.token_hex(8))


@pytest.fixture
def bank(new_house: Callable[[], House]) -> House:
    """A bank."""
    return new_house()


@pytest.fixture
def supervisor(bank: House) -> TestClient:
    """A supervisor of the bank."""
    return bank.client(Role.SUPERVISOR)


@pytest.fixture
def administrator(new_house: Callable[[], House]) -> TestClient:
    """An administrator of the deployment."""
    return new_house().client(Role.ADMINISTRATOR)
