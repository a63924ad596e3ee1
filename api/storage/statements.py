"""Statements written for the driver once, for what is part of every decision.

To build a statement, even from SQLAlchemy's cache, takes longer than the database takes to answer it. These are built
when their module is loaded, and prepared by the driver after it ran them a few times.
"""

from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.dialects.postgresql import psycopg

_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A statement in the driver's words; its named parameters are those of `bindparam`, or `%(name)s` in a text."""

    def __init__(self, statement: Executable | str) -> None:
        if isinstance(statement, str):
            self.text, self._fixed = statement, dict[str, Any]()
        else:
            compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
            self.text = str(compiled)
            self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Execute it in the connection's transaction; values and rows are the driver's own."""
        return connection.exec_driver_sql(self.text, {**self._fixed, **values})
