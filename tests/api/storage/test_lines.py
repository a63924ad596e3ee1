"""Lines, which statements of our own go over past SQLAlchemy's connections: what holds of those holds of these."""

from collections.abc import Iterator

import pytest
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import exc, text

from api.storage.database import Database
from api.storage.errors import DatabaseBusy, DatabaseUnavailable
from api.storage.journeys import Journey
from api.storage.statements import Statement, together
from tests.api.conftest import NewDatabase
from tests.api.watching import watching

ADD = Statement("INSERT INTO things VALUES (%(number)s) RETURNING number")
COUNT = Statement("SELECT count(*) AS held FROM things")
DIE = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
SLEEP = Statement("SELECT pg_sleep(10)")
ALONE_OR_NOT = pytest.mark.parametrize("transaction", [False, True])


@pytest.fixture
def things(new_database: NewDatabase) -> Iterator[Database]:
    """A database with an empty table of things, one connection."""
    made = new_database()
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE things (number bigint PRIMARY KEY)"))
    database = Database(made.url, pool_size=1, timeout_s=2)
    yield database
    database.close()


@pytest.fixture
def other(things: Database) -> Iterator[Database]:
    """Another's look at it."""
    database = Database(things.url, pool_size=1, timeout_s=30)
    yield database
    database.close()


def held(database: Database) -> int:
    """How many things there are."""
    with database.line() as line:
        found: int = COUNT.run(line).fetchone().held
        return found


def test_each_statement_is_a_transaction_of_its_own(things: Database, other: Database) -> None:
    for turn in range(3):
        with things.line() as line:
            assert ADD.run(line, number=turn).fetchall() == [(turn,)]
            assert line.driver.info.transaction_status == TransactionStatus.IDLE
            assert held(other) == turn + 1


def test_statements_together_are_one(things: Database) -> None:
    def add_twice() -> None:
        with things.line() as line, together(line):
            ADD.run(line, number=1)
            ADD.run(line, number=1)

    for _ in range(3):
        with pytest.raises(exc.IntegrityError):
            add_twice()
        assert held(things) == 0


def test_in_a_transaction_all_are_one(things: Database, other: Database) -> None:
    for turn in range(3):
        with things.line(transaction=True) as line:
            ADD.run(line, number=2 * turn)
            with together(line):
                ADD.run(line, number=2 * turn + 1)
            assert held(other) == 2 * turn
        assert held(other) == 2 * turn + 2


def test_a_journey_may_end_the_transaction(things: Database, other: Database) -> None:
    with things.line(transaction=True) as line:
        with together(line, commit=True):
            ADD.run(line, number=1)
        assert held(other) == 1
        assert line.driver.info.transaction_status == TransactionStatus.IDLE


@ALONE_OR_NOT
def test_what_fails_is_rolled_back_and_its_error_is_its_own(things: Database, *, transaction: bool) -> None:
    def fail() -> None:
        with things.line(transaction=transaction) as line:
            ADD.run(line, number=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert held(things) == (0 if transaction else 1)


@ALONE_OR_NOT
def test_a_statement_that_fails_says_so_as_sqlalchemy_does(things: Database, *, transaction: bool) -> None:
    for _ in range(3):
        with things.line() as line:
            served_by = line.driver.info.backend_pid
            ADD.run(line, number=1)
        with pytest.raises(exc.IntegrityError), things.line(transaction=transaction) as line:
            ADD.run(line, number=1)
        with things.begin() as connection:
            connection.execute(text("DELETE FROM things"))
        with things.line() as line:
            assert line.driver.info.backend_pid == served_by


@ALONE_OR_NOT
@pytest.mark.parametrize("statement", [DIE, SLEEP])
def test_the_servers_trouble_is_its_absence(things: Database, statement: Statement, *, transaction: bool) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable), things.line(transaction=transaction) as line:
            statement.run(line)
        assert held(things) == 0


def test_a_server_process_that_is_gone_when_a_prepared_statement_comes(things: Database, other: Database) -> None:
    for _ in range(2):
        for _ in range(2):
            with things.line() as line:
                COUNT.run(line)
        process = line.driver.info.backend_pid
        with other.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
        with pytest.raises(DatabaseUnavailable), things.line() as line:
            COUNT.run(line)
        assert held(things) == 0


def test_what_was_lost_on_the_way_is_not_told_to_be_there(things: Database) -> None:
    def go_on() -> None:
        with things.line(transaction=True) as line:
            ADD.run(line, number=1)
            with pytest.raises(exc.DBAPIError):
                DIE.run(line)

    with pytest.raises(DatabaseUnavailable):
        go_on()
    assert held(things) == 0


def test_nor_in_a_transaction_of_sqlalchemys(things: Database) -> None:
    def go_on() -> None:
        with things.begin() as connection:
            with together(connection):
                ADD.run(connection, number=1)
            with pytest.raises(exc.DBAPIError), together(connection):
                DIE.run(connection)

    with pytest.raises(DatabaseUnavailable):
        go_on()
    assert held(things) == 0


def test_no_free_connection_and_no_server(things: Database) -> None:
    with things.begin(), pytest.raises(DatabaseBusy), things.line():
        pass
    nowhere = Database(things.url.update_query_dict({"host": "/nowhere"}), pool_size=1, timeout_s=1)
    with pytest.raises(DatabaseUnavailable), nowhere.line():
        pass


def test_a_transaction_that_only_statements_of_ours_began_is_committed(things: Database, other: Database) -> None:
    with things.begin() as connection:
        with together(connection):
            ADD.run(connection, number=1)
        assert held(other) == 0
    assert held(other) == 1


def test_what_is_prepared_goes_without_more_and_what_is_forgotten_is_prepared_again(
    things: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_by: list[object] = []
    leave = Journey._leave

    def left(journey: Journey, pgconn: PGconn) -> None:
        left_by.append(journey.driver)
        leave(journey, pgconn)

    monkeypatch.setattr(Journey, "_leave", left)
    for turn in range(3):
        held(things)
        with things.line() as line:
            COUNT.run(line)
        # Others' journeys, of the shared service's threads, are none of ours.
        assert left_by.count(line.driver) == turn + 1, "prepared once, and then known"
        with things.begin() as connection:
            connection.execute(text("SELECT 1"))
            connection.rollback()


def test_whoever_puts_in_cursors_of_their_own_sees_every_statement(things: Database, other: Database) -> None:
    seen: list[str] = []
    with watching(things, after=seen.append):
        with things.line() as line:
            assert ADD.run(line, number=1).fetchone() == (1,)
            assert line.driver.info.transaction_status == TransactionStatus.IDLE
            with together(line):
                COUNT.run(line)
        assert held(other) == 1
        with things.line(transaction=True) as line:
            ADD.run(line, number=2)
            assert held(other) == 1
    assert held(other) == 2
    assert seen == [ADD.text, COUNT.text, ADD.text]
