"""Statements written for the driver once, for what is part of every request.

To build a statement, even from SQLAlchemy's cache, and to wrap what came back takes longer than the database takes to
answer it. These are built when their module is loaded, go to the driver past SQLAlchemy, and are prepared by it.
"""

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
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            cursor = driver.cursor(row_factory=namedtuple_row)
            return cursor.execute(self.text, {**self._fixed, **values}, prepare=True)
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise exc.DBAPIError.instance(
                None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.closed
            ) from error
