"""Databases beside the shared one, on its server, for what must not be shared."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from api.service import Service
from api.storage import migrate
from api.storage.database import Database

EMPTY = "template1"


def administer(service: Service, statement: str) -> None:
    """Send a statement outside of transactions, as databases are made and dropped."""
    with service.database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        # They wait for a checkpoint, and that for a disk on which other tests write.
        alone.execute(text("SET statement_timeout = 0"))
        try:
            alone.execute(text(statement))
        finally:
            alone.execute(text("RESET statement_timeout"))


@contextmanager
def own_database(
    service: Service, template: str = EMPTY, *, pool_size: int = 4, timeout_s: float = 30.0
) -> Iterator[Database]:
    """A copy of a database to which nobody is connected; dropped in the end."""
    name = f"test_{secrets.token_hex(6)}"
    administer(service, f"CREATE DATABASE {name} TEMPLATE {template}")
    database = Database(service.database.url.set(database=name), pool_size=pool_size, timeout_s=timeout_s)
    yield database
    database.close()
    administer(service, f"DROP DATABASE {name} WITH (FORCE)")


def migrated_template(service: Service) -> str:
    """The name of a new database as `renzheng migrate` leaves an empty one: copied, it costs a tenth of migrating."""
    name = f"template_{secrets.token_hex(6)}"
    administer(service, f"CREATE DATABASE {name}")
    database = Database(service.database.url.set(database=name), pool_size=1, timeout_s=30)
    migrate.upgrade(database)
    database.close()
    return name
