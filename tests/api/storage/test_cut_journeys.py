"""Connections that are cut while a journey is under way: whoever is told that it was done finds it done, whoever is
not is told that the database is away, and the next one is served."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from api.storage.database import Database
from api.storage.errors import DatabaseUnavailable
from api.storage.statements import Statement, together
from tests.api.conftest import NewDatabase

ADD = Statement("INSERT INTO things VALUES (%(number)s)")
COUNT = Statement("SELECT count(*) AS held FROM things")
ALL = 1 << 30
STEP = 7
ENDS = {"asked": {(False, False)}, "answered": {(False, True)}}


class Line:
    """Between a pool and its server: passes on what either says, until so many bytes of it were passed."""

    def __init__(self, server: str, folder: str) -> None:
        self._server, self.folder = server, folder
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/{Path(server).name}")
        self._listener.listen()
        self._all = [self._listener]
        self._left = {"asked": ALL, "answered": ALL}
        self.passed = {"asked": 0, "answered": 0}
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, way: str, after: int) -> None:
        """Break all connections when so many bytes went one way from now on."""
        self._left = {"asked": ALL, "answered": ALL, way: after}
        self.passed = {"asked": 0, "answered": 0}

    def close(self) -> None:
        """Take nobody any more."""
        for one in self._all:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                self._all += near, far
                far.connect(self._server)
                for way in ((near, far, "asked"), (far, near, "answered")):
                    threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while said := source.recv(1 << 16):
                part = said[: self._left[way]]
                self._left[way] -= len(part)
                self.passed[way] += len(part)
                sink.sendall(part)
                if not self._left[way]:
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def plain(new_database: NewDatabase) -> Database:
    """A database with an empty table of things."""
    made = new_database()
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE things (number bigint PRIMARY KEY)"))
    return made


@pytest.fixture
def line(plain: Database) -> Iterator[Line]:
    with plain.begin() as connection:
        port = connection.execute(text("SHOW port")).scalar_one()
    with TemporaryDirectory(prefix="cut") as folder:
        made = Line(f"{plain.url.query['host']}/.s.PGSQL.{port}", folder)
        yield made
        made.close()


@pytest.fixture
def things(plain: Database, line: Line) -> Iterator[Database]:
    """The same over the line, one connection."""
    database = Database(plain.url.update_query_dict({"host": line.folder}), pool_size=1, timeout_s=30)
    yield database
    database.close()


def write(database: Database, number: int) -> bool:
    """Whether it was said to be done."""
    try:
        with database.begin() as connection, together(connection, commit=True):
            ADD.run(connection, number=number)
            COUNT.run(connection)
    except DatabaseUnavailable:
        return False
    return True


def held(database: Database, number: int) -> bool:
    with database.begin() as connection:
        found = connection.execute(text("SELECT count(*) FROM things WHERE number = :number"), {"number": number})
        return bool(found.scalar_one())


@pytest.mark.parametrize("way", ["asked", "answered"])
def test_whoever_is_told_that_it_was_done_finds_it_done(
    plain: Database, things: Database, line: Line, way: str
) -> None:
    with things.begin():
        line.cut(way, ALL)
    assert write(things, 0)
    places = [*range(1, line.passed[way], STEP), ALL]
    ended = []
    for number, after in enumerate(places, 1):
        line.cut(way, ALL)
        assert held(things, number) is False, "the pool goes on"
        line.cut(way, after)
        told = write(things, number)
        ended.append((told, held(plain, number)))
    assert set(ended[:-1]) == ENDS[way], "told, and done"
    assert ended[-1] == (True, True)
