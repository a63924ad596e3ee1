"""Leaves by the thousand are the leaves that single acts write."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from api.evidence import leaves
from api.evidence.sequencer import drain
from api.service import Service
from api.storage.tables import evidence, evidence_texts
from tests.api.conftest import NewDatabase


def test_bulk_and_single_leaves_make_one_log(service: Service, new_database: NewDatabase) -> None:
    database, keys = new_database(migrated=True), service.keys
    composed = [leaves.compose(keys, "import", uuid4(), datetime.now(UTC), {"n": n}) for n in range(700)]
    with database.begin() as connection:
        single = leaves.append(connection, keys, "import", uuid4(), datetime.now(UTC), {"n": -1})
        leaves.append_many(connection, composed)
        last = leaves.append(connection, keys, "import", uuid4(), datetime.now(UTC), {"n": -2})
    assert drain(database, keys) == 702
    with database.begin() as connection:
        rows = connection.execute(
            select(evidence, evidence_texts)
            .join(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
            .order_by(evidence.c.place)
        ).all()
    expected = [single.leaf_hash, *(one.leaf_hash.hex() for one in composed), last.leaf_hash]
    assert [row.leaf_hash.hex() for row in rows] == expected
    public = keys.signing.public_key().public_bytes_raw()
    assert all(leaves.verify(public, row.leaf, leaves.promise_text(row.include_by), row.signature) for row in rows)
    assert composed[0].receipt().leaf_hash == expected[1]
