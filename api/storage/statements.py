"""Statements written for the driver once, for what is part of every request.

To build a statement, even from SQLAlchemy's cache, and to wrap what came back takes longer than the database takes to
answer it. These are built when their module is loaded, go to the driver past SQLAlchemy, and are prepared by it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Executable, exc
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

_DIALECT = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A statement in the driver's words; its named parameters are those of `bindparam`, or `%(name)s` in a text."""

    def __init__(self, statement: Executable | str) -> None:
        if isinstance(statement, str):
            self.text, self._fixed = statement, dict[str, Any]()
        else:
            compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
            self.text = str(compiled)
            self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, connection: Connection, **values: Any) -> psycopg.Cursor[Any]:
        """Execute it in the connection's transaction; values and rows are the driver's own, rows named by column.

        Errors are those that SQLAlchemy raises, `DBAPIError` and its kinds.
        """
        driver = _driver(connection)
        try:
            cursor = driver.cursor(row_factory=namedtuple_row)
            return cursor.execute(self.text, {**self._fixed, **values}, prepare=True)
        except psycopg.Error as error:
            raise _told(connection, driver, error) from error


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Send the statements that run inside in one journey, each of which sees what those before it left. To be read when
    the block is over; an error of any of them is raised then at the latest."""
    driver = _driver(connection)
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as error:
        raise _told(connection, driver, error) from error


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _told(connection: Connection, driver: psycopg.Connection[Any], error: psycopg.Error) -> Exception:
    """The error as SQLAlchemy gives it; a connection that broke is taken out of the pool."""
    if driver.closed:
        connection.invalidate(error)
    return exc.DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.closed
    )
