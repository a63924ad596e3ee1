"""The registry's database for commands that work on it without the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.storage.database import Database


@contextmanager
def registry() -> "Iterator[Database]":
    """The database at this version's schema; left as it was found, running or not. Raises `StorageError`."""
    from api.settings import Settings
    from api.storage import database, embedded, migrate

    settings = Settings()
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        yield opened
    finally:
        opened.close()
        embedded.stop(settings.database_dir)
