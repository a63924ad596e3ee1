"""The registry's database and keys for commands that work on it without the service."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.cli import environment

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
    """The database at this version's schema; the embedded server is left as it was found. Raises `StorageError`, and
    `CommandFailed` for a setting that is none."""
    from api.feed.snapshots import publishing
    from api.storage import database, keys, migrate
    from api.storage.recordkeys.opening import with_records

    settings = environment.settings()
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        with opened.begin() as connection:
            deployment_id = publishing.deployment_id(connection)
        secrets = with_records(settings, opened, secrets, deployment_id)
        yield Registry(settings, opened, secrets)
        _place_leaves(opened, secrets)
    finally:
        if secrets.records is not None:
            secrets.records.close()
        opened.close()
        database.leave_server(settings)


def _place_leaves(opened: "Database", secrets: "Keys") -> None:
    """Where no service runs, nobody else would keep the promise of the leaves that a command wrote."""
    from api.evidence.log import LogDamaged
    from api.evidence.sequencer import drain
    from api.storage.errors import StorageError

    try:
        drain(opened, secrets)
    except (LogDamaged, StorageError) as error:
        logging.getLogger(__name__).warning("the leaves of evidence wait: %s", error)
