"""The keys that are noted to be deleted, deleted, with the leaf that says so."""

import logging

from api.institutions import acts
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.storage.recordkeys import notes

ACT = "record_keys_erased"

_log = logging.getLogger(__name__)


def finish_soon(database: Database, keys: Keys) -> None:
    """As `finish`, where nobody waits for it: what cannot be done now is done by the service's clock."""
    try:
        finish(database, keys)
    except StorageError as error:
        _log.warning("keys that are to be deleted wait: %s", error)


def finish(database: Database, keys: Keys) -> int:
    """Delete every key that is noted; gives how many. Raises `DatabaseUnavailable`, also for the store of keys.

    The leaf names keys by their identifiers, which say nothing of anybody, and is written when they are gone.
    """
    done = 0
    while True:
        with database.begin() as connection:
            ids = notes.waiting(connection)
        if not ids:
            return done
        keys.of_records.forget(ids)
        with database.begin() as connection:
            told = sorted(str(key_id) for key_id in notes.claim(connection, ids))
            if told:
                acts.record(
                    connection,
                    keys,
                    ACT,
                    actor_id=None,
                    institution_id=None,
                    subject_id=None,
                    details={"keys": told},
                )
        done += len(told)
