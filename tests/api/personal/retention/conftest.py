"""A service over a database of its own: what is over its time there is nobody else's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from api.evidence import fsck
from api.evidence.fsck import Report
from api.evidence.sequencer import drain
from api.institutions.roles import Role
from api.personal.retention import enforcing
from api.service import Service
from tests.api.conftest import NewClient
from tests.api.databases import own_database
from tests.api.elsewhere import over


@dataclass
class Town:
    """The service, and who works there."""

    service: Service
    authority: TestClient
    terminal: TestClient
    supervisor: TestClient

    def now(self, days: float = 0) -> datetime:
        """So many days from now, by the database's clock."""
        with self.service.database.begin() as connection:
            found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return found + timedelta(days=days)

    def enforce(self, days: float = 0) -> dict[str, int]:
        """Remove what is over its time in so many days; gives the kinds of which something was."""
        here = self.service
        removed = enforcing.enforce(here.database, here.keys, here.settings, at=self.now(days), trusted=True)
        return {kind: rows for kind, rows in removed.items() if rows}

    def fsck(self) -> Report:
        """The log checked."""
        # Nobody sequences here: on a slow machine what waits would be overdue.
        drain(self.service.database, self.service.keys)
        with self.service.database.begin() as connection:
            return fsck.check(connection, self.service.keys)

    def ask(self, statement: str, **values: Any) -> Any:
        """The rows of a statement, or how many it changed."""
        with self.service.database.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else result.rowcount


@pytest.fixture
def town(service: Service, migrated: str, new_client: NewClient) -> Iterator[Town]:
    """A bank and an authority over a database that is empty but for them."""
    with own_database(service, migrated) as database:
        here = over(service, database)
        yield Town(
            here,
            new_client(Role.AUTHORITY, "bureau", here),
            new_client(Role.TERMINAL, "bank", here),
            new_client(Role.SUPERVISOR, "bank", here),
        )
