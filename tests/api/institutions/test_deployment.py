"""A replaced signing key and another policy are acts, once for all replicas."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from api.evidence import fsck
from api.evidence.sequencer import drain
from api.institutions.deployment import record_changes
from api.service import Service
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import acts, deployment, evidence_texts
from tests.api.conftest import NewDatabase


@pytest.fixture
def keys(service: Service) -> Keys:
    return service.keys


@pytest.fixture
def database(new_database: NewDatabase) -> Iterator[Database]:
    made = new_database(migrated=True)
    yield made
    made.close()


def recorded(database: Database) -> list[tuple[str, Any]]:
    with database.begin() as connection:
        return [(row.act, row.details) for row in connection.execute(select(acts).order_by(acts.c.at))]


def test_every_change_is_recorded_once_with_its_leaf(database: Database, keys: Keys) -> None:
    public = base64.b64encode(keys.signing.public_key().public_bytes_raw()).decode()
    assert record_changes(database, keys, "1-abc") == ["signing_key_changed", "policy_changed"]
    assert record_changes(database, keys, "1-abc") == []
    assert record_changes(database, keys, "2-def") == ["policy_changed"]
    newer = replace(keys, signing=Ed25519PrivateKey.generate(), former=(keys.signing.public_key(),))
    assert record_changes(database, newer, "2-def") == ["signing_key_changed"]
    told = recorded(database)
    assert told[:3] == [
        ("signing_key_changed", {"before": None, "after": keys.signing_id, "public_key": public}),
        ("policy_changed", {"before": None, "after": "1-abc"}),
        ("policy_changed", {"before": "1-abc", "after": "2-def"}),
    ]
    assert (told[3][1]["before"], told[3][1]["after"]) == (keys.signing_id, newer.signing_id)
    with database.begin() as connection:
        leaves = [json.loads(leaf) for leaf in connection.execute(select(evidence_texts.c.leaf)).scalars()]
        facts = dict(connection.execute(select(deployment.c.fact, deployment.c.value)).all())
    assert sorted(leaf["act"] for leaf in leaves) == sorted(act for act, _ in told)
    assert facts == {"signing_key": newer.signing_id, "policy": "2-def"}
    drain(database, newer)
    with database.begin() as connection:
        assert fsck.check(connection, newer).findings == []


def test_replicas_that_start_together_record_once(database: Database, keys: Keys) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: record_changes(database, keys, "1"), range(4)))
    assert sorted(len(one) for one in made) == [0, 0, 0, 2]
    assert len(recorded(database)) == 2


def test_a_service_records_at_its_start(service: Service) -> None:
    with service.database.begin() as connection:
        facts = dict(connection.execute(select(deployment.c.fact, deployment.c.value)).all())
    # Made when the first snapshot of the invalid cards needs it.
    facts.pop("deployment_id", None)
    assert facts == {"signing_key": service.keys.signing_id, "policy": service.policy.version}
