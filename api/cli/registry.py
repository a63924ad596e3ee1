"""The registry's database and keys for commands that work on it without the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.settings import Settings
    from api.storage.database import Database
    from api.storage.keys import Keys


@dataclass(frozen=True)
class Registry:
    """What is opened."""

    settings: "Settings"
    database: "Database"
    keys: "Keys"


@contextmanager
def registry() -> Iterator[Registry]:
    """The database at this version's schema; left as it was found, running or not. Raises `StorageError`."""
    from api.settings import Settings
    from api.storage import database, embedded, keys, migrate

    settings = Settings()
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        yield Registry(settings, opened, secrets)
    finally:
        opened.close()
        embedded.stop(settings.database_dir)
