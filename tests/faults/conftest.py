"""A site and clients of it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.institutions.roles import Role
from tests.faults.clients import Client, Crowd, Register, register
from tests.faults.history import History
from tests.faults.promises import breaches
from tests.faults.site import Site, open_site
from tests.faults.stored import ask_again, collect

FIRST_CARDS = 6


@dataclass
class Town:
    """A site with the people who use it."""

    site: Site
    history: History = field(default_factory=History)
    cards: Register = field(default_factory=Register)
    clients: list[Client] = field(default_factory=list)

    def settle(self, terminals: int) -> None:
        """The terminals get their keys; the authority, the last client, registers the first cards."""
        keys = [self.site.new_key(Role.TERMINAL) for _ in range(terminals)] + [self.site.new_key(Role.AUTHORITY)]
        patient = threading.Event()
        self.clients = [Client(self.site, number, key, self.history, patient) for number, key in enumerate(keys)]
        for _ in range(FIRST_CARDS):
            register(self.clients[-1], self.cards)

    def crowd(self, seed: int, stopping: threading.Event) -> Crowd:
        """All clients, busy until `stopping`."""
        for client in self.clients:
            client.stopping = stopping
        return Crowd(self.clients[:-1], self.clients[-1], self.cards, seed)

    def broken_promises(self, since: int = 0) -> list[str]:
        """Check everything; operations from the number `since` on are sent again, too."""
        operations = self.history.operations
        with self.site.database.begin() as connection:
            found = collect(connection, self.site.keys, operations)
        ask_again(found, self.clients, operations[since:])
        with self.site.database.begin() as connection:
            after = collect(connection, self.site.keys, operations)
        assert (len(after.leaves), len(after.kept)) == (len(found.leaves), len(found.kept)), "asking again wrote rows"
        return breaches(operations, found)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A site whose service is not started yet."""
    with open_site(tmp_path) as site:
        made = Town(site)
        yield made
        for client in made.clients:
            client.close()
