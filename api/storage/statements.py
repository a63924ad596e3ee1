"""Statements written for the driver once, for what is part of every request.

To build a statement, even from SQLAlchemy's cache, and to wrap what came back takes longer than the database takes to
answer it. These are built when their module is loaded, go to the driver past SQLAlchemy, and are prepared by it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Executable
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from api.storage.journeys import Asked, Journey
from api.storage.lines import Line, as_raised, transformer_of

_DIALECT = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
_PARAMETER = re.compile(r"%(?:%|\((\w+)\)s)")
# What a connection's record in the pool holds of ours.
_JOURNEY = "journey"

Carrier = Connection | Line
"""What statements go over."""


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it gave or changed."""

    def fetchone(self) -> Any:
        """The next row, None behind the last."""

    def fetchall(self) -> list[Any]:
        """The rows that were not fetched yet."""


class Statement:
    """A statement in the driver's words; its named parameters are those of `bindparam`, or `%(name)s` in a text."""

    def __init__(self, statement: Executable | str) -> None:
        if isinstance(statement, str):
            self.text, self._fixed = statement, dict[str, Any]()
        else:
            compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
            self.text = str(compiled)
            self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._asked = _asked(self.text)

    def run(self, connection: Carrier, **values: Any) -> Rows:
        """Execute it in the connection's transaction; values and rows are the driver's own, rows named by column.

        Inside of `together` it is sent, and answered, when that ends. Errors are those that SQLAlchemy raises,
        `DBAPIError` and its kinds.
        """
        wanted = {**self._fixed, **values} if self._fixed else values
        if isinstance(connection, Line):
            return self._run_on(connection, wanted)
        journey: Journey | None = connection.connection.info.get(_JOURNEY)
        if journey is not None:
            return journey.add(self._asked, wanted)
        driver = _driver(connection)
        try:
            return self._run_by_cursor(driver, wanted)
        except psycopg.Error as error:
            raise _told(connection, driver, error) from error

    def _run_on(self, line: Line, wanted: dict[str, Any]) -> Rows:
        if line.journey is not None:
            return line.journey.add(self._asked, wanted)
        try:
            if _watched(line.driver):
                found = self._run_by_cursor(line.driver, wanted)
                if not line.transaction:
                    line.driver.commit()
                return found
            journey = Journey(line.driver, line.transformer, transaction=line.transaction)
            answer = journey.add(self._asked, wanted)
            journey.send()
        except psycopg.Error as error:
            raise line.failure(error) from error
        return answer

    def _run_by_cursor(self, driver: psycopg.Connection[Any], wanted: dict[str, Any]) -> Rows:
        return driver.cursor(row_factory=namedtuple_row).execute(self.text, wanted, prepare=True)


@contextmanager
def together(connection: Carrier, *, commit: bool = False) -> Iterator[None]:
    """Send the statements that run inside in one journey, each of which sees what those before it left, and with
    `commit` end the transaction behind them. To be read when the block is over; an error of any of them is raised then.
    """
    if isinstance(connection, Line):
        with _together_on(connection, commit=commit):
            yield
        return
    driver, info = _driver(connection), connection.connection.info
    if _watched(driver):
        yield
        return
    transformer = transformer_of(connection.connection, driver)
    journey = info[_JOURNEY] = Journey(driver, transformer, commit, transaction=not driver.autocommit)
    try:
        yield
    finally:
        del info[_JOURNEY]
    try:
        journey.send()
    except psycopg.Error as error:
        raise _told(connection, driver, error) from error


@contextmanager
def _together_on(line: Line, *, commit: bool) -> Iterator[None]:
    if _watched(line.driver):
        yield
        return
    journey = line.journey = Journey(line.driver, line.transformer, commit, transaction=line.transaction)
    try:
        yield
    finally:
        line.journey = None
    try:
        journey.send()
    except psycopg.Error as error:
        raise line.failure(error) from error


def _watched(driver: psycopg.Connection[Any]) -> bool:
    """Whether somebody put in cursors of their own, to see every statement: they are to see these too."""
    return driver.cursor_factory is not psycopg.Cursor


def _asked(text: str) -> Asked:
    """The text for the server. A parameter that stands there twice is sent once."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${names.setdefault(found[1], len(names) + 1)}"

    return Asked(_PARAMETER.sub(numbered, text), list(names))


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _told(connection: Connection, driver: psycopg.Connection[Any], error: psycopg.Error) -> Exception:
    """The error as SQLAlchemy gives it; a connection that broke is taken out of the pool."""
    broken = driver.closed
    if broken:
        connection.invalidate(error)
    return as_raised(error, broken=broken)
