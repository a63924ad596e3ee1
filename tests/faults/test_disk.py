"""That the database really asks the disk: no kill can show it, since the kernel keeps what a killed process wrote."""

from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from api.storage.tables import institutions
from tests.faults.conftest import Town

SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on"}
VERIFICATIONS = 20


def test_durability_is_on(town: Town) -> None:
    with town.site.database.begin() as connection:
        assert {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in SETTINGS} == SETTINGS


@pytest.mark.long
def test_every_decision_is_on_disk_before_it_is_answered(town: Town) -> None:
    town.site.start()
    town.settle(terminals=1)
    card = next(iter(town.cards.cards.values()))
    before = syncs(town)
    for _ in range(VERIFICATIONS):
        assert town.clients[0].verify(card).acknowledged
    after = syncs(town)
    assert after - before >= VERIFICATIONS
    # The count tells the difference: commits that do not wait for the disk share their syncs.
    for number in range(VERIFICATIONS):
        with town.site.database.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            connection.execute(insert(institutions).values(id=(one := uuid4()), name=str(number), path=[one]))
    assert syncs(town) - after < VERIFICATIONS


def syncs(town: Town) -> int:
    """How often the write-ahead log was made durable. Backends report now and then: the service's are asked to end."""
    with town.site.database.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        )
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        found: int = connection.execute(
            text("SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'")
        ).scalar_one()
    return found
