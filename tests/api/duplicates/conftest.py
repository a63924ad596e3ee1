"""Two bureaus and their people, on a service whose register nobody else fills."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from api import service as services
from api.duplicates.searching import Order, Outcome, Progress, Search
from api.evidence import fsck
from api.evidence.fsck import Report
from api.http.app import create_app
from api.institutions import principals
from api.institutions.caller import Caller
from api.institutions.roles import Role
from api.service import Service
from api.settings import Settings
from biometrics.duplicates import Local
from tests.api.bodies import Json, new_card, register
from tests.api.clients import KeyedClient
from tests.api.databases import own_database
from tests.api.entries import new_key
from tests.api.scripted import ScriptedComparer

# The sequencers go on meanwhile.
ONE_LOOK = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def somebody() -> str:
    """The word of a person whom no other test knows."""
    return f"person:{secrets.token_hex(6)}"


@dataclass
class County:
    """The register of some bureaus, and who searches it. Tests share it: each looks at its own people alone."""

    service: Service
    app: FastAPI
    folder: Path
    mark: str = field(default_factory=lambda: f"bureau {secrets.token_hex(6)}")
    registrars: dict[str | None, TestClient] = field(default_factory=dict)

    def key(self, institution: str | None = None, role: Role = Role.AUTHORITY) -> str:
        return new_key(self.service.database, self.service.keys, role, institution or self.mark)

    def at(self, key: str) -> TestClient:
        headers = {"Authorization": f"Bearer {key}"}
        return KeyedClient(self.app, headers=headers, raise_server_exceptions=False)

    def new(self, institution: str | None = None, role: Role = Role.AUTHORITY) -> TestClient:
        return self.at(self.key(institution, role))

    def caller(self, institution: str | None = None) -> Caller:
        with self.service.database.begin() as connection:
            found = principals.authenticate(connection, self.key(institution))
        assert found is not None
        return found

    def card(self, face: str | None, institution: str | None = None, number: str | None = None, **fingers: str) -> str:
        """A registered card; gives its identifier."""
        shown = new_card() if number is None else {**new_card(), "number": number, "issuer": secrets.token_hex(4)}
        if institution not in self.registrars:
            self.registrars[institution] = self.new(institution)
        return register(self.registrars[institution], shown, face=face, **fingers)[0]

    def twice(self, *institutions: str, **fingers: str) -> tuple[str, str, str]:
        """Somebody with two numbers; gives the word and the cards."""
        face = somebody()
        of = institutions or (self.mark, self.mark)
        first, second = (self.card(face, where, **fingers) for where in of)
        return face, first, second

    def search(self, case: str | None = None, **changes: Any) -> Outcome:
        """Search the register for a case of its own unless named."""
        caller = changes.pop("caller", None) or self.caller()
        tell: Callable[[Progress], None] = changes.pop("tell", lambda _: None)
        order = Order(
            **{
                "purpose": "register_cleaning",
                "case_reference": case or f"C-{secrets.token_hex(3)}",
                "false_per_1000": 1.0,
                "engine": "local",
                "open_engine": partial(Local, threads=1),
                **changes,
            }
        )
        search = Search(self.service.database, self.service.keys, caller, self.service.comparer, self.folder)
        return search.run(order, tell)

    def cases(self, *cards: str, client: TestClient | None = None, **filters: str) -> list[Json]:
        """The cases in which any of these cards is."""
        asking, found = client or self.new(), list[Json]()
        after: dict[str, str] = {}
        while True:
            page = asking.get("/v1/duplicates", params={"limit": 200, **filters, **after})
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            if page.json()["next"] is None:
                break
            after = {"after": page.json()["next"]}
        return [one for one in found if set(cards) & {card for who in one["members"] for card in who["cards"]}]

    def case(self, *cards: str, **filters: Any) -> Json:
        """The one case in which these cards are."""
        (found,) = self.cases(*cards, **filters)
        return found

    def checked(self) -> Report:
        with self.service.database.begin() as connection:
            connection.execute(ONE_LOOK)
            return fsck.check(connection, self.service.keys)

    def acts(self, subject: str) -> list[tuple[str, Json]]:
        """The acts about a search or a case, in their order."""
        asked = text("SELECT act, details FROM acts WHERE subject_id = :id ORDER BY at")
        with self.service.database.begin() as connection:
            return [(row.act, row.details) for row in connection.execute(asked, {"id": UUID(subject)})]


@pytest.fixture(scope="package")
def alone(
    service: Service, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, FastAPI]]:
    """A service over a database of its own in the shared server, and its application."""
    with own_database(service, migrated) as database:
        home, address = tmp_path_factory.mktemp("duplicates"), database.url.render_as_string(hide_password=False)
        settings = Settings(home=home, database_url=address, receipt_wait_s=0, requests_per_minute=1_000_000)
        made = services.build(settings, ScriptedComparer())
        yield made, create_app(made)
        made.close()


@pytest.fixture
def county(alone: tuple[Service, FastAPI], tmp_path: Path) -> County:
    """Bureaus that no other test knows."""
    return County(*alone, tmp_path / "duplicates")
