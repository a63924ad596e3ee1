"""A service that locks a number after three failures, and people who guess."""

from dataclasses import dataclass, replace

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.http.app import create_app
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, register, verify
from tests.api.clients import KeyedClient
from tests.api.entries import new_key

MOST = 3


def watchful(service: Service, **rules: int) -> Service:
    """The service under a stricter policy, on the same database."""
    guessing = service.policy.guessing.model_copy(update={"max_failures": MOST, **rules})
    return replace(service, policy=service.policy.model_copy(update={"guessing": guessing}))


@dataclass
class Town:
    """Terminals of the watchful service and an authority that registered a card of person a."""

    service: Service
    app: FastAPI
    authority: TestClient
    card_id: str
    card: Json

    def client(self, role: Role = Role.TERMINAL, institution: str | None = None) -> TestClient:
        """Somebody new, of an institution of its own unless named."""
        return _client(self.service, self.app, role, institution)

    def guess(self, times: int = MOST, face: str = "person:b", card: Json | None = None) -> list[Json]:
        """So many attempts, each at another terminal of another institution."""
        return [verify(self.client(), card or self.card, face=face) for _ in range(times)]


def settle(service: Service, authority: str | None = None) -> Town:
    """A town whose authority registered a card."""
    app = create_app(service)
    registrar = _client(service, app, Role.AUTHORITY, authority)
    card_id, card = register(registrar, right_index="person:a")
    return Town(service, app, registrar, card_id, card)


def _client(service: Service, app: FastAPI, role: Role, institution: str | None) -> TestClient:
    key = new_key(service.database, service.keys, role, institution)
    return KeyedClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def is_withheld(answer: Json) -> bool:
    """Whether an answer tells that the number is locked; it must then tell nothing else of the person."""
    if answer["person"]["reasons"] != ["not_assessed", "card_locked"]:
        assert "card_locked" not in answer["person"]["reasons"]
        return False
    person = answer["person"]
    assert (person["consistency"], person["llr"], person["fmr"], person["modalities"]) == (None, None, None, [])
    assert "chip_photo" not in answer["document"]
    return True
