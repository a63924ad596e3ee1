"""Migrations: from every revision with rows in it, in step with the tables, once however many start together."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from api.storage import migrate
from api.storage.database import Database
from api.storage.tables import metadata
from tests.api.conftest import NewDatabase

# A row for every table of revision 0001, in raw SQL as that revision's program would have left it.
POPULATION = """
INSERT INTO institutions (id, name) VALUES (:institution, '示例银行');
INSERT INTO terminals (id, institution_id, name, role, key_hash) VALUES
    (:terminal, :institution, 'counter 1', 'authority', '\\x0102');
INSERT INTO terminals (id, institution_id, name, role, key_hash, revoked_at) VALUES
    (:revoked, :institution, 'counter 2', 'terminal', '\\x0103', '2026-01-01T00:00:00Z');
INSERT INTO cards (id, instance_index, number_index, number_sealed, type, issuer, valid_from, valid_to, status,
    registered_by, text_index) VALUES
    (:new, '\\x01', '\\x02', '\\x03', 'resident', '北京市公安局', '2026-03-01', NULL, 'valid', :terminal,
    '{"name": "ab"}');
INSERT INTO cards (id, instance_index, number_index, number_sealed, type, issuer, valid_from, valid_to, status,
    registered_by, superseded_by, serial_index) VALUES
    (:old, '\\x04', '\\x02', '\\x05', 'resident', '北京市公安局', '2016-03-01', '2036-03-01', 'card_reissued',
    :terminal, :new, '\\x06');
INSERT INTO card_events (id, card_id, event, status, superseded_by, recorded_by, recorded_at) VALUES
    (:event, :old, 'reissued', 'card_reissued', :new, :terminal, '2026-03-01T00:00:00Z');
INSERT INTO templates (id, card_id, modality, position, engine, template_sealed, master_key_id) VALUES
    (:template, :new, 'finger', 'right_index', 'leader-edges-1', '\\x07', 'abcd')
"""
NAMES = ("institution", "terminal", "revoked", "new", "old", "event", "template")


def populated(new_database: NewDatabase) -> Database:
    """A database of the first version with people and cards in it."""
    database = new_database()
    migrate.upgrade(database, "0001")
    identifiers = {name: uuid4() for name in NAMES}
    with database.begin() as connection:
        for statement in POPULATION.split(";\n"):
            used = {name: value for name, value in identifiers.items() if f":{name}" in statement}
            connection.execute(text(statement), used)
    return database


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, tables that hold none left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    with database.begin() as connection:
        for table in sorted(inspect(connection).get_table_names()):
            got = connection.execute(text(f"SELECT to_jsonb(t) AS row FROM {table} t ORDER BY 1")).scalars().all()
            if got and table != "alembic_version":
                found[table] = list(got)
    return found


def revisions() -> list[str]:
    script = ScriptDirectory.from_config(migrate._config(None))
    return [revision.revision for revision in script.walk_revisions()][::-1]


def test_an_upgrade_keeps_every_row(new_database: NewDatabase) -> None:
    database = populated(new_database)
    before = rows(database)
    assert set(before) == {"institutions", "terminals", "cards", "card_events", "templates"}
    migrate.upgrade(database)
    after = rows(database)
    keys = {row["principal_id"]: row for row in after.pop("credentials")}
    for row in before["terminals"]:
        key, revoked = row.pop("key_hash"), row.pop("revoked_at")
        assert (keys[row["id"]]["key_hash"], keys[row["id"]]["revoked_at"]) == (key, revoked)
    before["principals"] = before.pop("terminals")
    # The card that was replaced is the first of the feed.
    assert after.pop("feed_head") == [{"id": 1, "seq": 1, "key_id": None}]
    (numbered,) = after.pop("feed_events")
    (event,) = before["card_events"]
    told = {name: numbered[name] for name in ("card_id", "event", "status", "at")}
    assert told == {name: event[name] for name in ("card_id", "event", "status")} | {"at": event["recorded_at"]}
    assert (numbered["seq"], numbered["invalid"], numbered["tag"]) == (1, True, None)
    assert after.pop("impostor_list") == [{"id": 1, "sequence": 0}]
    assert set(after) == set(before)
    for table, kept in before.items():
        assert [{name: row[name] for name in kept[0]} for row in after[table]] == kept
    with database.begin() as connection:
        assert migrate.current(connection) == migrate.head()
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_revisions_make_one_line() -> None:
    assert revisions()[0] == "0001"
    assert revisions()[-1] == migrate.head()
    assert len(revisions()) == len(set(revisions())) >= 2


def test_tables_and_migrations_agree(new_database: NewDatabase) -> None:
    database = new_database()
    migrate.upgrade(database)
    with database.begin() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_the_comparison_would_notice(new_database: NewDatabase) -> None:
    """Otherwise the tests above would say nothing."""
    database = new_database()
    migrate.upgrade(database)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE cards DROP COLUMN serial_index"))
        assert compare_metadata(MigrationContext.configure(connection), metadata) != []


def test_at_the_newest_revision_nothing_happens(new_database: NewDatabase) -> None:
    database = new_database()
    migrate.upgrade(database)
    migrate.upgrade(database)
    with database.begin() as connection:
        assert migrate.current(connection) == migrate.head()


def test_replicas_starting_together_migrate_once(new_database: NewDatabase) -> None:
    """One pool a replica, as in one process each; what the second would do twice fails on tables that exist."""
    first = new_database()
    replicas = [first, *(Database(first.url, pool_size=1, timeout_s=5) for _ in range(3))]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, replicas))
    with first.begin() as connection:
        assert migrate.current(connection) == migrate.head()
    for replica in replicas[1:]:
        replica.close()


def test_a_migration_that_fails_leaves_nothing(new_database: NewDatabase) -> None:
    database = new_database()
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE verifications (in_the_way int)"))
    with pytest.raises(Exception, match="already exists"):
        migrate.upgrade(database)
    with database.begin() as connection:
        assert inspect(connection).get_table_names() == ["verifications"], "0001 was rolled back with 0002"


def test_an_empty_database_has_no_revision(new_database: NewDatabase) -> None:
    with new_database().begin() as connection:
        assert migrate.current(connection) is None


def test_the_last_step_goes_down_while_it_loses_nothing(new_database: NewDatabase) -> None:
    """From 0019 on: what was sealed under keys of the store cannot be opened by a version from before."""
    database = populated(new_database)
    migrate.upgrade(database, "0018")
    before = rows(database)
    migrate.upgrade(database, "0019")
    migrate.downgrade(database, "0018")
    assert rows(database) == before
    migrate.upgrade(database, "0019")
    with database.begin() as connection:
        connection.execute(text("UPDATE templates SET master_key_id = NULL"))
    with pytest.raises(RuntimeError, match="an older version cannot open"):
        migrate.downgrade(database, "0018")
    assert rows(database)["templates"][0]["master_key_id"] is None


def test_what_was_removed_for_its_time_is_not_called_damage_by_an_older_version(new_database: NewDatabase) -> None:
    database = populated(new_database)
    migrate.upgrade(database, "0019")
    before = rows(database)
    migrate.upgrade(database, "0020")
    migrate.downgrade(database, "0019")
    assert rows(database) == before
    migrate.upgrade(database, "0020")
    run = "WITH run AS (INSERT INTO retention_runs (id) VALUES (gen_random_uuid()) RETURNING id)"
    with database.begin() as connection:
        connection.execute(text(f"{run} INSERT INTO retention_counts SELECT id, 'verifications', now(), 1 FROM run"))
    with pytest.raises(RuntimeError, match="cannot tell from damage"):
        migrate.downgrade(database, "0019")


def test_whom_decisions_name_stays(new_database: NewDatabase) -> None:
    """Revision 0025: instead of a look-up for each decision; an older version looks up again."""
    database = populated(new_database)
    migrate.upgrade(database)
    before = rows(database)
    for statement in (
        "DELETE FROM principals WHERE name = 'counter 2'",
        "DELETE FROM principals",
        "UPDATE principals SET id = gen_random_uuid()",
        "TRUNCATE principals CASCADE",
        "DELETE FROM institutions",
        "UPDATE institutions SET id = gen_random_uuid()",
        "TRUNCATE institutions CASCADE",
    ):
        with pytest.raises(IntegrityError, match="stay, and keep their identifiers"), database.begin() as connection:
            connection.execute(text(statement))
    assert rows(database) == before
    answer = text(
        "INSERT INTO idempotency (principal_id, key, request_digest, status_code, answer)"
        " VALUES (gen_random_uuid(), 'k', '', 200, '{}')"
    )
    migrate.downgrade(database, "0024")
    with pytest.raises(IntegrityError, match="fk_idempotency_terminal_id"), database.begin() as connection:
        connection.execute(answer)
    assert rows(database) == before
    migrate.upgrade(database)
    assert rows(database) == before
