"""A house of which every question is asked, and the log's keys that its clients pin."""

import pytest

from api.client import Verifier
from api.evidence.checkpoints import verifier_key
from api.evidence.parameters import ORIGIN
from api.service import Service
from tests.api.client.asked.questions import House
from tests.api.client.conftest import NewSide
from tests.api.client.sides import Kind


@pytest.fixture
def kind() -> Kind:
    """What is verified is the same for both."""
    return "sync"


@pytest.fixture(scope="module")
def lines(service: Service) -> list[str]:
    return Verifier([verifier_key(ORIGIN, key) for key in service.keys.trusted]).keys[0].line.split()


@pytest.fixture
def house(service: Service, new_side: NewSide) -> House:
    return House(service, new_side)
