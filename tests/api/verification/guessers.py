"""A service that locks a number after three failures, and people who guess."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json, register, verify
from tests.api.conftest import NewClient

MOST = 3


def watchful(service: Service, **rules: int) -> Service:
    """The service under a stricter policy, on the same database."""
    guessing = service.policy.guessing.model_copy(update={"max_failures": MOST, **rules})
    return replace(service, policy=service.policy.model_copy(update={"guessing": guessing}))


@dataclass
class Town:
    """Terminals of the watchful service and an authority that registered a card of person a."""

    service: Service
    new: NewClient
    authority: TestClient
    card_id: str
    card: Json

    def client(self, role: Role = Role.TERMINAL, institution: str | None = None) -> TestClient:
        """Somebody new, of an institution of its own unless named."""
        return self.new(role, institution, self.service)

    def guess(self, times: int = MOST, face: str = "person:b", card: Json | None = None) -> list[Json]:
        """So many attempts, each at another terminal of another institution."""
        return [verify(self.client(), card or self.card, face=face) for _ in range(times)]


def settle(service: Service, new_client: NewClient, authority: str | None = None) -> Town:
    """A town whose authority registered a card."""
    registrar = new_client(Role.AUTHORITY, authority, service)
    card_id, card = register(registrar, right_index="person:a")
    return Town(service, new_client, registrar, card_id, card)


def is_withheld(answer: Json) -> bool:
    """Whether an answer tells that the number is locked; it must then tell nothing else of the person."""
    if answer["person"]["reasons"] != ["not_assessed", "card_locked"]:
        assert "card_locked" not in answer["person"]["reasons"]
        return False
    person = answer["person"]
    assert (person["consistency"], person["llr"], person["fmr"], person["modalities"]) == (None, None, None, [])
    assert "chip_photo" not in answer["document"]
    return True


Settle = Callable[..., Town]
