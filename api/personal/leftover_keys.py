"""Keys that open nothing, swept away, and keys that a backup brought back: each told in the evidence, in numbers."""

from functools import partial
from pathlib import Path

from api.institutions import acts
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys import backup as backups
from api.storage.recordkeys.backup import Restored
from api.storage.recordkeys.sweeping import Swept, sweep

SWEPT, RESTORED = "record_keys_swept", "record_keys_restored"


def sweep_keys(database: Database, keys: Keys, *, delete: bool) -> Swept:
    """`sweeping.sweep`, whose deletions are an act. Raises `DatabaseUnavailable`.

    The act is committed first: nothing is destroyed that the evidence does not tell of. Where the store of keys fails
    at that very moment the keys are still there, and the next sweep tells of them again.
    """
    return sweep(database, keys, delete=delete, before_deleted=partial(_tell_swept, database, keys))


def restore_keys(database: Database, keys: Keys, path: Path) -> Restored:
    """`backup.restore`, told in the evidence. Raises as that does."""
    done = backups.restore(database, keys, path)
    details = {"restored": done.restored, "there": done.there, "erased": done.erased}
    _tell(database, keys, RESTORED, details)
    return done


def _tell_swept(database: Database, keys: Keys, swept: Swept) -> None:
    _tell(database, keys, SWEPT, {"keys": swept.keys, "deleted": swept.deleted})


def _tell(database: Database, keys: Keys, act: str, details: dict[str, int]) -> None:
    with database.begin() as connection:
        acts.record(connection, keys, act, actor_id=None, institution_id=None, subject_id=None, details=details)
