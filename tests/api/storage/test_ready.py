"""Connections that lie ready are the pool's all the same: nobody waits for one that lies there, and none is trusted for
longer than the pool's."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from api.storage import database as databases
from api.storage.database import Database
from api.storage.errors import DatabaseBusy, DatabaseUnavailable
from api.storage.statements import Statement
from tests.api.conftest import NewDatabase

PROCESS = Statement("SELECT pg_backend_pid() AS process")
SLOWLY = Statement("SELECT pg_sleep(0.2)")


@pytest.fixture
def pool(new_database: NewDatabase) -> Iterator[Database]:
    """A pool of two."""
    database = Database(new_database().url, pool_size=2, timeout_s=5)
    yield database
    database.close()


def process(database: Database) -> int:
    """Which of the server's processes a line talks to."""
    with database.line() as line:
        found: int = PROCESS.run(line).fetchone().process
        return found


def kill(database: Database, number: int) -> None:
    """End one of the server's processes."""
    other = Database(database.url, pool_size=1, timeout_s=30)
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": number})
    other.close()


def test_the_next_line_takes_up_what_the_last_one_left(pool: Database) -> None:
    first = process(pool)
    assert pool.engine.pool.checkedout() == 1, "it lies ready"  # type: ignore[attr-defined]
    assert pool.used == 0
    assert [process(pool) for _ in range(3)] == [first] * 3
    with pool.line():
        assert pool.used == 1


def test_whoever_goes_to_the_pool_finds_all_of_it(pool: Database) -> None:
    with pool.line(), pool.line():
        pass
    with pool.begin(), pool.single():
        assert pool.used == 2
        with pytest.raises(DatabaseBusy), Database.line(pool):
            pass
    with pool.line(), pool.begin(), pytest.raises(DatabaseBusy), pool.begin():
        pass


def test_nobody_leaves_one_while_somebody_waits(new_database: NewDatabase) -> None:
    database = Database(new_database().url, pool_size=1, timeout_s=20)
    there: list[int] = []

    def wait() -> None:
        with database.begin() as connection:
            there.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())

    waiting = threading.Thread(target=wait)
    with database.line() as line:
        held = PROCESS.run(line).fetchone().process
        waiting.start()
        deadline = time.monotonic() + 20
        while not database._ready._wanting and time.monotonic() < deadline:
            time.sleep(0.001)
        assert database._ready._wanting == 1
    assert len(database._ready) == 0
    waiting.join()
    database.close()
    assert there == [held]


def test_those_that_broke_side_by_side_cost_one_request(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool._ready, "_trusted_s", 3600.0)
    with pool.line() as one, pool.line() as other:
        there = [PROCESS.run(line).fetchone().process for line in (one, other)]
    for number in there:
        kill(pool, number)
    with pytest.raises(DatabaseUnavailable), pool.line() as line:
        PROCESS.run(line)
    assert process(pool) not in there


def test_threads_that_take_turns(pool: Database) -> None:
    """Either way, none waits until its time is over."""
    failed: list[Exception] = []

    def work(at: int) -> None:
        try:
            for turn in range(10):
                if (at + turn) % 2:
                    with pool.line() as line:
                        SLOWLY.run(line) if turn == at else PROCESS.run(line)
                else:
                    with pool.begin() as connection:
                        connection.execute(text("SELECT 1"))
        except DatabaseBusy as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert pool.used == 0


def test_one_that_died_while_it_lay_ready_costs_nothing(
    pool: Database, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trusted_s in (0.0, databases._TRUSTED_S):
        there = process(pool)
        with pool.begin() as connection:
            connection.execute(text("SELECT 1"))
        assert process(pool) == there
        kill(pool, there)
        monkeypatch.setattr(pool._ready, "_trusted_s", 0.0)
        monkeypatch.setattr(databases, "_TRUSTED_S", 0.0)
        assert process(pool) != there, trusted_s


def test_what_it_was_lying_for_counts_where_it_goes_back(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    there = process(pool)
    (held,) = pool._ready._lying
    held.info["lying_since"] -= 3600
    kill(pool, there)
    pool.let_go()
    assert process(pool) != there, "the pool asked it"


def test_a_connection_with_an_open_transaction_does_not_lie_ready(pool: Database) -> None:
    def fail() -> None:
        with pool.line(transaction=True) as line:
            PROCESS.run(line)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(pool._ready) == 0


def test_sqlalchemys_connection_on_a_line_is_in_its_transaction(pool: Database) -> None:
    with pool.line(transaction=True) as line:
        PROCESS.run(line)
        line.full.execute(text("CREATE TABLE things (number bigint)"))
        assert line.full.execute(text("SELECT pg_backend_pid()")).scalar_one() == PROCESS.run(line).fetchone().process

    def fail() -> None:
        with pool.line(transaction=True) as line:
            line.full.execute(text("INSERT INTO things VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pool.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM things")).scalar_one() == 0
    assert pool.used == 0
    with pool.line() as line, pytest.raises(ValueError, match="without a transaction"):
        assert line.full
