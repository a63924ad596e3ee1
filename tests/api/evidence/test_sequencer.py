"""Sequencers: several of them make one log, errors do not end them, broken promises are told."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from api.evidence import log, sequencer
from api.evidence.parameters import POLL_S
from api.evidence.sequencer import Sequencer, drain
from api.storage.database import Database
from api.storage.keys import Keys
from tests.api.evidence.conftest import newest, write


@pytest.fixture
def running(database: Database, keys: Keys) -> Iterator[Callable[[], Sequencer]]:
    """Sequencers that are stopped in the end."""
    made: list[Sequencer] = []

    def make() -> Sequencer:
        made.append(Sequencer(database, keys))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def wait_for_size(database: Database, size: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with database.begin() as connection:
            if log.tree_size(connection) == size:
                return
        assert time.monotonic() < deadline
        time.sleep(POLL_S / 10)


def test_several_sequencers_make_one_log(database: Database, keys: Keys, running: Callable[[], Sequencer]) -> None:
    sequencers = [running() for _ in range(3)]

    def keep_writing() -> None:
        for turn in range(20):
            write(database, keys, 5)
            sequencers[turn % 3].wake()

    writers = [threading.Thread(target=keep_writing) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    wait_for_size(database, 300)
    for one in sequencers:
        one.stop()
    assert sum(one.counts.placed for one in sequencers) == 300
    assert newest(database, keys).size == 300


def test_a_leaf_that_nobody_told_of_is_placed(database: Database, keys: Keys, running: Callable[[], Sequencer]) -> None:
    running()
    write(database, keys, 1)
    wait_for_size(database, 1)


def test_who_waits_is_told_of_growth_by_another_replica(
    database: Database, keys: Keys, running: Callable[[], Sequencer]
) -> None:
    waiting = running()
    deadline = time.monotonic() + 60
    while waiting._tip is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    seen = waiting.counts.growths
    write(database, keys, 3)
    drain(database, keys)
    assert waiting.wait_for_growth(seen, 60) == seen + 1


def test_an_error_does_not_end_it(
    database: Database,
    keys: Keys,
    running: Callable[[], Sequencer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = threading.Event()
    real = log.sequence

    def failing(*arguments: object, **named: object) -> object:
        if failed.is_set():
            return real(*arguments, **named)  # type: ignore[arg-type]
        failed.set()
        raise RuntimeError("with words that nobody should read")

    monkeypatch.setattr(sequencer, "ERROR_PAUSE_S", 0.05)
    monkeypatch.setattr(log, "sequence", failing)
    running()
    write(database, keys, 3)
    wait_for_size(database, 3)
    assert "the evidence log waits: RuntimeError" in caplog.text
    assert "nobody should read" not in caplog.text


def test_a_damaged_log_is_told_and_the_leaves_wait(
    database: Database, keys: Keys, running: Callable[[], Sequencer], caplog: pytest.LogCaptureFixture
) -> None:
    write(database, keys, 3)
    drain(database, keys)
    write(database, keys, 1)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE evidence_tiles SET hashes = sha256(hashes)"))
    one = running()
    deadline = time.monotonic() + 60
    while not one.failing:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    one.stop()
    assert "damaged and takes nothing more, see `renzheng fsck`" in caplog.text
    with database.begin() as connection:
        assert log.standing(connection).waiting == 1


def test_broken_promises_are_told(
    database: Database, keys: Keys, running: Callable[[], Sequencer], caplog: pytest.LogCaptureFixture
) -> None:
    write(database, keys, 3)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE evidence SET include_by = now() - interval '1 s' WHERE seq < 3"))
        standing = log.standing(connection)
    assert (standing.waiting, standing.overdue) == (3, 2)
    assert standing.oldest_wait_s > 0
    with caplog.at_level(logging.ERROR):
        one = running()
        wait_for_size(database, 3)
        one.stop()
    assert one.counts.late == 2
    assert "promises broken: 2 leaves were placed after their promised time" in caplog.text
    with database.begin() as connection:
        assert log.standing(connection) == log.Standing(3, 0, 0.0, 0)


def test_leaves_that_wait_past_their_time_are_told(
    database: Database, keys: Keys, running: Callable[[], Sequencer], caplog: pytest.LogCaptureFixture
) -> None:
    """Where another process holds the lock, and does nothing."""
    write(database, keys, 1)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE evidence SET include_by = now() - interval '1 s'"))
    with database.begin() as holder:
        held = log.LOCK.run(holder).fetchone()
        assert held is not None
        assert held[0]
        one = running()
        deadline = time.monotonic() + 60
        while "promises broken: 1 leaves wait past their promised time" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        one.stop()


def test_it_remembers_growths_of_seconds(database: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "REMEMBERED_GROWTHS", 3)
    made = Sequencer(database, keys)
    placed: list[bytes] = []
    for leaves in (2, 1, 1, 1):
        write(database, keys, leaves)
        made._batch()
        with database.begin() as connection:
            rows = connection.execute(sa.text("SELECT leaf_hash FROM evidence WHERE place IS NOT NULL ORDER BY place"))
            placed = [row.leaf_hash for row in rows]
    assert [made.growth_with(one) is not None for one in placed] == [False, False, True, True, True]
    monkeypatch.setattr(sequencer, "REMEMBERED_LEAVES", 2)
    write(database, keys, 1)
    made._batch()
    assert [made.growth_with(one) is not None for one in placed] == [False, False, False, False, True]
    made.stop()
