"""Logs of their own, on the shared server, and acts to write into them."""

import secrets
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from api.evidence import log
from api.evidence.checkpoints import Checkpoint, open_note
from api.evidence.parameters import ORIGIN
from api.institutions import acts
from api.service import Service
from api.storage import migrate
from api.storage.database import Database
from api.storage.keys import Keys


@pytest.fixture
def keys(service: Service) -> Keys:
    return service.keys


@pytest.fixture(scope="session")
def migrated(service: Service) -> Iterator[str]:
    """The name of an empty log, from which others are copied: that takes less than to migrate each."""
    name = "migrated_log"
    administer(service, f"CREATE DATABASE {name}")
    made = Database(service.database.url.set(database=name), pool_size=1, timeout_s=30)
    migrate.upgrade(made)
    made.close()
    yield name
    administer(service, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(service: Service, migrated: str) -> Iterator[Database]:
    """An empty log."""
    name = f"log_{secrets.token_hex(6)}"
    administer(service, f"CREATE DATABASE {name} TEMPLATE {migrated}")
    made = Database(service.database.url.set(database=name), pool_size=8, timeout_s=5)
    yield made
    made.close()
    administer(service, f"DROP DATABASE {name} WITH (FORCE)")


def write(database: Database, keys: Keys, count: int) -> list[bytes]:
    """Acts with their leaves; the leaves' hashes."""
    with database.begin() as connection:
        made = [
            acts.record(
                connection,
                keys,
                "tested",
                actor_id=None,
                institution_id=None,
                subject_id=uuid4(),
                details={"number": number},
            )
            for number in range(count)
        ]
    return [bytes.fromhex(receipt.leaf_hash) for receipt in made]


def administer(service: Service, statement: str) -> None:
    """For logs that a whole module shares: databases are made and dropped outside of transactions."""
    with service.database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        # They wait for a checkpoint, and that for a disk on which other tests write.
        alone.execute(text("SET statement_timeout = 0"))
        try:
            alone.execute(text(statement))
        finally:
            alone.execute(text("RESET statement_timeout"))


def newest(database: Database, keys: Keys) -> Checkpoint:
    """The newest checkpoint, verified."""
    with database.begin() as connection:
        note = log.latest_checkpoint(connection)
    assert note is not None
    return open_note(note, ORIGIN, [keys.signing.public_key()], alone=True)
