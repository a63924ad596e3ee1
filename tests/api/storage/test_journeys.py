"""Statements that go to the database together: in one journey, all or nothing, and a broken one breaks nothing else."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Connection, exc, text

from api.storage.database import Database
from api.storage.errors import DatabaseUnavailable
from api.storage.statements import Rows, Statement, together
from tests.api.conftest import NewDatabase
from tests.api.watching import watching

ADD = Statement("INSERT INTO things VALUES (%(number)s, %(name)s) RETURNING number, name || '%%' || %(name)s AS twice")
COUNT = Statement("SELECT count(*) AS held FROM things")
DIE = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
ECHO = Statement("SELECT %(given)s::text AS given")


@pytest.fixture
def things(new_database: NewDatabase) -> Iterator[Database]:
    """A database with an empty table of things, one connection."""
    made = new_database()
    database = Database(made.url, pool_size=1, timeout_s=30)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE things (number bigint PRIMARY KEY, name text)"))
    yield database
    database.close()


def held(database: Database) -> int:
    """How many things there are, as another connection sees them."""
    other = Database(database.url, pool_size=1, timeout_s=30)
    try:
        with other.begin() as connection:
            return int(connection.execute(text("SELECT count(*) FROM things")).scalar_one())
    finally:
        other.close()


def add(connection: Connection) -> Rows:
    """Add a thing."""
    return ADD.run(connection, number=1, name="x")


def run(database: Database, what: Callable[[Connection], object], *, commit: bool) -> None:
    """In a transaction and one journey."""
    with database.begin() as connection, together(connection, commit=commit):
        what(connection)


def driver(connection: Connection) -> psycopg.Connection:
    """The driver's connection."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def test_each_sees_what_those_before_it_left_and_rows_are_named(things: Database) -> None:
    for turn in range(3):
        with things.begin() as connection:
            with together(connection):
                before = COUNT.run(connection)
                added = ADD.run(connection, number=turn, name="x")
                after = COUNT.run(connection)
                assert added.fetchone() is None, "nothing is sent before the end"
            assert (before.fetchone().held, after.fetchone().held) == (turn, turn + 1)
            assert added.rowcount == 1
            assert added.fetchall() == [(turn, "x%x")]
            assert added.fetchone() is None
        assert held(things) == turn + 1


def test_begin_statements_and_commit_are_one_journey(things: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    journeys = 0
    real = psycopg.Connection.wait

    def counted(self: psycopg.Connection, *arguments: object, **named: object) -> object:
        nonlocal journeys
        journeys += 1
        return real(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg.Connection, "wait", counted)
    with things.begin() as connection:
        journeys = 0
        with together(connection, commit=True):
            ADD.run(connection, number=1, name="x")
            COUNT.run(connection)
        assert journeys == 1
        assert held(things) == 1, "it is committed before the block of the transaction ends"
        assert driver(connection).info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("commit", [False, True])
def test_an_error_leaves_nothing_and_the_connection_goes_on(things: Database, commit: bool) -> None:
    for turn in range(3):
        with pytest.raises(exc.IntegrityError):
            run(things, lambda connection: [add(connection), add(connection), COUNT.run(connection)], commit=commit)
        assert held(things) == 0
        with things.begin() as connection:
            with together(connection):
                found = COUNT.run(connection)
            assert found.fetchone() == (0,), turn


def test_what_the_server_forgot_is_prepared_again(things: Database) -> None:
    """The driver has it forget all of it whenever a transaction is rolled back."""

    def fail_behind_a_journey() -> None:
        with things.begin() as connection:
            COUNT.run(connection)  # by the driver's own way, which prepares it too
            with together(connection):
                add(connection)
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail_behind_a_journey()
        with things.engine.connect() as connection, together(connection):  # left open: the pool rolls it back
            ADD.run(connection, number=1, name="x")
            COUNT.run(connection)
    assert held(things) == 0


def test_a_savepoint_or_a_change_of_tables_has_it_forgotten_too(things: Database) -> None:
    with things.begin() as connection:
        for _ in range(3):
            with together(connection):
                COUNT.run(connection)
            connection.begin_nested().rollback()
            with together(connection):
                found = COUNT.run(connection)
            connection.execute(text("ALTER TABLE things ALTER COLUMN name SET STATISTICS 10"))
            assert found.fetchone() == (0,)


def test_what_was_prepared_is_not_prepared_again_and_does_not_pile_up(things: Database) -> None:
    listed = text(
        "SELECT count(*) FROM pg_prepared_statements"
        " WHERE statement LIKE '%AS held%' AND statement NOT LIKE '%pg_prepared%'"
    )
    for _ in range(5):
        with things.begin() as connection:
            for _ in range(3):
                with together(connection):
                    COUNT.run(connection)
            assert connection.execute(listed).scalar_one() == 1
    with things.begin() as connection:
        for at in range(150):  # more than the driver keeps
            with together(connection):
                Statement(f"SELECT {at} AS held").run(connection)
        assert connection.execute(listed).scalar_one() <= 101


def test_a_parameter_may_be_of_another_type_the_next_time(things: Database) -> None:
    for number in (1, 2**15, 2**31, 2**62):
        with things.begin() as connection, together(connection):
            ADD.run(connection, number=number, name=None if number == 1 else "x")
    assert held(things) == 4


def test_a_server_process_that_dies_on_the_way(things: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        run(things, lambda connection: [add(connection), DIE.run(connection), COUNT.run(connection)], commit=True)
    assert held(things) == 0
    with things.begin() as connection, together(connection, commit=True):
        ADD.run(connection, number=1, name="x")
    assert held(things) == 1


@pytest.mark.parametrize(("name", "kind"), [("\0", exc.DataError), ("\ud800", UnicodeEncodeError)])
def test_a_value_that_cannot_be_sent_is_no_fault_of_the_connection(
    things: Database, name: str, kind: type[Exception]
) -> None:
    with things.begin() as connection:
        served_by = driver(connection).info.backend_pid
    with pytest.raises(kind):
        run(things, lambda connection: [add(connection), ADD.run(connection, number=2, name=name)], commit=True)
    with things.begin() as connection:
        assert driver(connection).info.backend_pid == served_by
        assert COUNT.run(connection).fetchone() == (0,)


def test_more_than_fits_into_the_sockets_either_way(things: Database) -> None:
    with things.begin() as connection:
        with together(connection):
            answers = [ECHO.run(connection, given=f"{at}" * 3_000_000) for at in range(4)]
        assert [len(one.fetchone().given) for one in answers] == [3_000_000] * 4


def test_alone_there_is_no_transaction(things: Database) -> None:
    with things.single() as connection:
        with together(connection):
            ADD.run(connection, number=1, name="x")
        assert driver(connection).info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert held(things) == 1


def test_what_stands_in_the_block_and_fails_sends_nothing(things: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        run(things, lambda connection: [add(connection), 1 / 0], commit=True)
    with things.begin() as connection:
        assert COUNT.run(connection).fetchone() == (0,), "and what comes behind it is no part of it"


def test_whoever_puts_in_cursors_of_their_own_sees_every_statement(things: Database) -> None:
    seen: list[str] = []
    with watching(things, after=seen.append), things.begin() as connection:
        with together(connection, commit=True):
            added = ADD.run(connection, number=1, name="x")
            COUNT.run(connection)
        assert held(things) == 0, "the transaction ends with its block then"
        assert added.fetchone() == (1, "x%x")
    assert seen == [ADD.text, COUNT.text]
    assert held(things) == 1
