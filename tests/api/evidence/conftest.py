"""Logs of their own, on the shared server, and acts to write into them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from api.evidence import log
from api.evidence.checkpoints import Checkpoint, open_note
from api.evidence.parameters import ORIGIN
from api.institutions import acts
from api.service import Service
from api.storage.database import Database
from api.storage.keys import Keys
from tests.api.databases import own_database


@pytest.fixture
def keys(service: Service) -> Keys:
    return service.keys


@pytest.fixture
def database(service: Service, migrated: str) -> Iterator[Database]:
    """An empty log."""
    with own_database(service, migrated, pool_size=8) as made:
        yield made


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


def newest(database: Database, keys: Keys) -> Checkpoint:
    """The newest checkpoint, verified."""
    with database.begin() as connection:
        note = log.latest_checkpoint(connection)
    assert note is not None
    return open_note(note, ORIGIN, [keys.signing.public_key()], alone=True)
