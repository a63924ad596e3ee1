"""A service on an embedded PostgreSQL of its own, and clients with keys."""

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import service as services
from api.cards.number import check_character
from api.http.app import create_app
from api.institutions import terminals
from api.institutions.terminals import Role
from api.service import Service
from api.settings import Settings
from api.storage import embedded
from tests.api.scripted import ScriptedComparer


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh RENZHENG_HOME; its database server is stopped in the end."""
    folder = tmp_path_factory.mktemp("home")
    # The embedded server runs as another user when started by root, and has to reach its folder.
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    yield folder
    embedded.stop(folder / "database")


@pytest.fixture(scope="session")
def service(home: Path) -> Iterator[Service]:
    """A service whose comparisons are scripted."""
    built = services.build(Settings(home=home, database_url=None), ScriptedComparer())
    yield built
    built.close()


@pytest.fixture
def new_client(service: Service) -> Callable[..., TestClient]:
    """Makes a client with a key of its own: `new_client(role, institution)`."""

    def make(role: Role = Role.TERMINAL, institution: str | None = None) -> TestClient:
        with service.database.begin() as connection:
            key = terminals.create(connection, institution or secrets.token_hex(8), secrets.token_hex(8), role)
        return TestClient(
            create_app(service), headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False
        )

    return make


@pytest.fixture
def terminal(new_client: Callable[..., TestClient]) -> TestClient:
    """A counter terminal."""
    return new_client(Role.TERMINAL)


@pytest.fixture
def authority(new_client: Callable[..., TestClient]) -> TestClient:
    """An issuing authority."""
    return new_client(Role.AUTHORITY)


def encoded(word: str | bytes) -> str:
    """Base64 of a scripted image."""
    return base64.b64encode(word.encode() if isinstance(word, str) else word).decode()


def new_card(**changes: Any) -> dict[str, Any]:
    """A card that nobody else has."""
    digits = f"110105{1950 + secrets.randbelow(50)}0101{secrets.randbelow(1000):03d}"
    digits = f"{secrets.randbelow(900000) + 100000}{digits[6:]}"
    return {
        "number": digits + check_character(digits),
        "issuer": "北京市公安局朝阳分局",
        "valid_from": "2016-03-01",
        "valid_to": "2036-03-01",
        **changes,
    }


def registration(card: dict[str, Any], *, face: str | None = "person:a", **fingers: str) -> dict[str, Any]:
    """A registration's body; fingers as `right_index="person:a"`."""
    captures: dict[str, Any] = {
        "fingers": [{"position": position, "image": encoded(word)} for position, word in fingers.items()]
    }
    if face is not None:
        captures["face"] = {"image": encoded(face)}
    return {"card": card, "captures": captures}


def verification(card: dict[str, Any], *, face: str | None = "person:a", **changes: Any) -> dict[str, Any]:
    """A verification's body; `fingers` as a dict, `chip_photo` as a word, other fields as they are."""
    captures: dict[str, Any] = {
        "fingers": [
            {"position": position, "image": encoded(word)} for position, word in changes.pop("fingers", {}).items()
        ]
    }
    if face is not None:
        captures["face"] = {"image": encoded(face)}
    if "chip_photo" in changes:
        captures["chip_photo"] = encoded(changes.pop("chip_photo"))
    return {
        "card": card,
        "channel": "counter",
        "purpose": "test",
        "captures": captures,
        "captured_at": datetime.now(UTC).isoformat(),
        "nonce": secrets.token_hex(8),
        **changes,
    }


def fresh_key() -> dict[str, str]:
    """Headers with a fresh idempotency key."""
    return {"Idempotency-Key": secrets.token_hex(8)}


def register(authority: TestClient, card: dict[str, Any] | None = None, **captures: Any) -> tuple[str, dict[str, Any]]:
    """Register a card; gives its identifier and the card."""
    shown = new_card() if card is None else card
    answer = authority.post("/v1/cards", json=registration(shown, **captures), headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], shown


def pid_of_postgres(home: Path) -> int:
    """The embedded server's process."""
    return int((home / "database" / "postmaster.pid").read_text().splitlines()[0])


def is_root() -> bool:
    """Whether the tests run as root."""
    return os.geteuid() == 0
