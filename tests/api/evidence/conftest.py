"""Logs of their own, on the shared server, and acts to write into them."""

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
from tests.api.conftest import NewDatabase


@pytest.fixture
def keys(service: Service) -> Keys:
    return service.keys


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    """An empty log."""
    made = new_database(pool_size=8)
    migrate.upgrade(made)
    yield made
    made.close()


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
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(statement))


def newest(database: Database, keys: Keys) -> Checkpoint:
    """The newest checkpoint, verified."""
    with database.begin() as connection:
        note = log.latest_checkpoint(connection)
    assert note is not None
    return open_note(note, ORIGIN, [keys.signing.public_key()], alone=True)
