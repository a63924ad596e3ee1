"""Transactions, and the server's absence told apart from our own mistakes."""

import threading
import time
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Insert, event, exc, insert, text, update
from starlette.testclient import TestClient

from api.http.app import create_app
from api.institutions.roles import Role
from api.service import Service
from api.settings import Settings
from api.storage import database as databases
from api.storage import migrate
from api.storage.database import Database, server_url
from api.storage.errors import DatabaseBusy, DatabaseUnavailable
from api.storage.tables import cards, institutions
from tests.api.bodies import fresh, fresh_key, register
from tests.api.clients import KeyedClient
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over
from tests.api.http.answers import assert_error

IDENTIFIER = UUID("0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11")


def test_what_fails_is_rolled_back(new_database: NewDatabase) -> None:
    database = new_database(migrated=True)
    row = insert(institutions).values(id=IDENTIFIER, name="x", path=[IDENTIFIER])

    def fail_after(statement: Insert) -> None:
        with database.begin() as connection:
            connection.execute(statement)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after(row)
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM institutions")).scalar_one() == 0
        connection.execute(row)
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM institutions")).scalar_one() == 1


def test_connections_are_durable_in_utc_and_bounded(new_database: NewDatabase) -> None:
    with new_database(timeout_s=7).begin() as connection:
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("timezone", "synchronous_commit", "fsync", "statement_timeout", "lock_timeout")
        }
    assert shown == {
        "timezone": "UTC",
        "synchronous_commit": "on",
        "fsync": "on",
        "statement_timeout": "7s",
        "lock_timeout": "7s",
    }


def test_a_servers_other_default_does_not_show_what_was_before_a_wait(new_database: NewDatabase) -> None:
    """In a snapshot of the transaction's begin a decision would not see the lock of a number that it waited for."""
    there = new_database()
    with there.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"))
    again = Database(there.url, pool_size=1, timeout_s=5)
    with again.begin() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
    again.close()


def test_a_network_that_went_away_is_noticed(new_database: NewDatabase) -> None:
    """Nothing answers then, not even with an error: the kernel has to be told when to give up."""
    with new_database(timeout_s=5).engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        told = raw.info.get_parameters()
    assert {name: value for name, value in told.items() if name.startswith(("tcp_", "keepalives"))} == {
        "tcp_user_timeout": "10000",
        "keepalives_idle": "5",
        "keepalives_interval": "1",
        "keepalives_count": "3",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_sleep(10)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P01'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P03'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$",
    ],
)
def test_the_servers_trouble_is_its_absence(new_database: NewDatabase, statement: str) -> None:
    database = new_database(timeout_s=2 if "sleep" in statement else 20)
    with pytest.raises(DatabaseUnavailable), database.begin() as connection:
        connection.execute(text(statement))
    database.check()


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT 1/0", "SELECT * FROM no_such_table"])
def test_our_own_mistakes_are_not(new_database: NewDatabase, statement: str) -> None:
    database = new_database()
    with pytest.raises(exc.DBAPIError), database.begin() as connection:
        connection.execute(text(statement))


def test_errors_do_not_repeat_parameters(new_database: NewDatabase) -> None:
    database = new_database()
    with pytest.raises(exc.DBAPIError) as failed, database.begin() as connection:
        connection.execute(text("SELECT * FROM no_such_table WHERE name = :name"), {"name": "王伟"})
    assert "王伟" not in str(failed.value)


def test_no_server_at_all() -> None:
    database = Database(
        server_url(Settings(database_url="postgresql://nobody@/nothing?host=/nowhere")), pool_size=1, timeout_s=1
    )
    with pytest.raises(DatabaseUnavailable):
        database.check()


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgres"])
def test_a_dsn_of_any_driver_is_taken(scheme: str) -> None:
    url = server_url(Settings(database_url=f"{scheme}://user:secret@db.example:5433/renzheng"))
    assert url.drivername == "postgresql+psycopg"
    assert (url.host, url.port, url.database, url.password) == ("db.example", 5433, "renzheng", "secret")
    assert "secret" not in str(url)


def test_a_pool_without_a_free_connection_is_busy(new_database: NewDatabase) -> None:
    database = new_database(pool_size=1, timeout_s=1)
    with database.begin(), pytest.raises(DatabaseBusy), database.begin():
        pass
    database.check()


def test_a_server_that_is_gone_again_when_a_connection_was_made_anew_is_unavailable(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not an error of the pool's own, which gives up after the second connection: whoever asks is told to try again."""
    database = new_database(pool_size=1, timeout_s=5)
    with database.begin() as connection:
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with new_database(pool_size=1).begin() as other:
        other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    monkeypatch.setattr("api.storage.database._TRUSTED_S", -1.0)
    event.listen(database.engine, "connect", lambda made, _: made.close())
    with pytest.raises(DatabaseUnavailable):
        database.check()


def test_a_busy_service_says_so_over_http(service: Service, new_database: NewDatabase, new_client: NewClient) -> None:
    alone = over(service, new_database(migrated=True, timeout_s=20))
    # Hurried in this one request only: nothing else is to take less time than a busy machine needs.
    database = Database(alone.database.url, pool_size=1, timeout_s=0.2)
    hurried = new_client(service=over(service, database))
    _, card = register(new_client(Role.AUTHORITY, service=alone))
    client = new_client(service=alone)
    body, key = fresh(client, card), fresh_key()
    hurried.headers["Authorization"] = client.headers["Authorization"]
    with database.begin():
        answer = hurried.post("/v1/verifications", json=body, headers=key)
    database.close()
    assert_error(answer, 503, "service_busy")
    assert answer.headers["retry-after"] == "1"
    assert client.post("/v1/verifications", json=body, headers=key).json()["decision"] == "PASS"


def test_a_card_locked_for_too_long_is_answered(
    service: Service, new_database: NewDatabase, new_client: NewClient
) -> None:
    """A report that hangs holds decisions on its card up, but not for ever."""
    database = new_database(timeout_s=20, migrated=True)
    alone = over(service, database)
    hurried = Database(database.url, pool_size=4, timeout_s=0.5)
    card_id, card = register(new_client(Role.AUTHORITY, service=alone))
    client = new_client(service=alone)
    body, key = fresh(client, card), fresh_key()
    impatient = KeyedClient(create_app(over(service, hurried)), headers=dict(client.headers))
    with database.begin() as connection:
        connection.execute(update(cards).where(cards.c.id == card_id).values(status="card_reported_lost"))
        assert_error(impatient.post("/v1/verifications", json=body, headers=key), 503, "database_unavailable")
    hurried.close()
    answer = client.post("/v1/verifications", json=body, headers=key)
    assert answer.json()["document"]["status"] == "card_reported_lost"


def test_an_outdated_schema_is_not_ready(service: Service, new_database: NewDatabase, anonymous: TestClient) -> None:
    database = new_database()
    migrate.upgrade(database, "0001")
    old = TestClient(create_app(over(service, database)))
    assert_error(old.get("/readyz"), 503, "schema_outdated")
    assert old.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").json() == {"status": "ok"}


def test_a_lost_connection_costs_one_request_at_most(new_database: NewDatabase, service: Service) -> None:
    database = new_database(pool_size=3)
    together = threading.Barrier(3)

    def use() -> None:
        with database.begin() as connection:
            connection.execute(text("SELECT 1"))
            together.wait(60)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with service.database.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": database.url.database},
        )
    await_end_of_connections(service, database)
    failures = 0
    for _ in range(4):
        try:
            database.check()
        except DatabaseUnavailable:
            failures += 1
    assert failures <= 1, "the first that fails takes all connections of its age out of the pool"


def await_end_of_connections(service: Service, database: Database) -> None:
    """Until the server has ended them all: it is told to, and does so in its own time."""
    asked = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
    deadline = time.monotonic() + 60
    while True:
        with service.database.begin() as connection:
            if connection.execute(asked, {"name": database.url.database}).scalar_one() == 0:
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_connection_that_died_while_it_lay_idle_costs_nothing(
    new_database: NewDatabase, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_database(pool_size=1)
    database.check()
    with service.database.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": database.url.database},
        )
    await_end_of_connections(service, database)
    monkeypatch.setattr(databases, "_TRUSTED_S", 0.0)
    database.check()
