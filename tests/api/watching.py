"""Watching, changing or cutting off what goes to the database: beneath everything that sends statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from api.storage.database import Database

Before = Callable[[str], str | None]
After = Callable[[str], None]


def watch(database: Database, *, before: Before | None = None, after: After | None = None) -> Callable[[], None]:
    """From the next transaction on call `before` with every statement's text, which may give another in its place, and
    `after` when it was executed; gives what ends that. Looking whether a connection lives counts as no statement."""

    class Watched(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **named: Any) -> Any:
            return around(self, query, lambda text: super(Watched, self).execute(text, *arguments, **named))

        def executemany(self, query: Any, *arguments: Any, **named: Any) -> Any:
            return around(self, query, lambda text: super(Watched, self).executemany(text, *arguments, **named))

    def around(cursor: psycopg.Cursor[Any], query: Any, execute: Callable[[Any], Any]) -> Any:
        changed = before(str(query)) if query and before is not None else None
        done = execute(query if changed is None else changed)
        if query and after is not None:
            if cursor.connection.pgconn.pipeline_status:
                # It only waits to be sent with others: the end of an inner block sends it, and waits for it.
                with cursor.connection.pipeline():
                    pass
            after(str(query))
        return done

    def put_in(connection: Any, *_: Any) -> None:
        connection.cursor_factory = Watched

    def take_out(connection: Any, *_: Any) -> None:
        connection.cursor_factory = psycopg.Cursor

    def end() -> None:
        event.remove(database.engine, "checkout", put_in)
        event.listen(database.engine, "checkout", take_out)
        database.let_go()

    event.listen(database.engine, "checkout", put_in)
    database.let_go()
    return end


@contextmanager
def watching(database: Database, *, before: Before | None = None, after: After | None = None) -> Iterator[None]:
    """As `watch`, until the block ends."""
    end = watch(database, before=before, after=after)
    try:
        yield
    finally:
        end()
