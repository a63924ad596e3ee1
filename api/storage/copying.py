"""Rows by the thousand: PostgreSQL's COPY, in the transaction of the connection."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import JSON, BigInteger, Connection, Date, DateTime, LargeBinary, Table, Text, Uuid, exc
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

# PostgreSQL's names of the types that tables here have.
_TYPES: dict[type[TypeEngine[Any]], str] = {
    BigInteger: "int8",
    Date: "date",
    DateTime: "timestamptz",
    JSON: "json",
    JSONB: "jsonb",
    LargeBinary: "bytea",
    Text: "text",
    Uuid: "uuid",
}


def copy_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    into: str | None = None,
) -> None:
    """Write rows into a table, or into one of another name and the same form; columns left out get their defaults.

    Raises what a statement of SQLAlchemy's raises, so that `Database.begin` tells a server that is gone from a fault.
    """
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("COPY needs a connection of psycopg 3")
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(into or table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_TYPES[type(table.c[name].type)] for name in columns])
            for row in rows:
                copy.write_row([Jsonb(value) if isinstance(value, dict) else value for value in row])
    except psycopg.Error as error:
        if raw.closed:
            connection.invalidate(error)
        # Without the server's details, which repeat the row: it holds sealed and hashed values of persons.
        plain = type(error)(error.diag.message_primary or type(error).__name__)
        raise exc.DBAPIError.instance(
            f"COPY {into or table.name}",
            None,
            plain,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=raw.closed,
            dialect=connection.dialect,
        ) from None
