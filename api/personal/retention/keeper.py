"""The job of the service: once a day, by whichever replica comes first."""

import logging
import threading

from api.duplicates import leftovers
from api.personal.retention import runs
from api.personal.retention.enforcing import ClockDoubted, EnforcedElsewhere, Stopped, enforce
from api.personal.retention.parameters import EVERY_H, LOOK_S
from api.settings import Settings
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys

_log = logging.getLogger(__name__)


class RetentionKeeper:
    """Runs between `start` and `stop`."""

    def __init__(self, database: Database, keys: Keys, settings: Settings) -> None:
        self._database = database
        self._keys = keys
        self._settings = settings
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def look(self) -> dict[str, int] | None:
        """Enforce if it is time; gives what was removed, None where it is not time or another replica is at it.

        Raises `DatabaseUnavailable`.
        """
        with self._database.begin() as connection:
            if not runs.is_due(connection, EVERY_H):
                return None
        try:
            removed = enforce(self._database, self._keys, self._settings, ended=self._ended)
        except (EnforcedElsewhere, Stopped):
            return None
        except ClockDoubted:
            _log.error(
                "the clock may not be right, or no run ended for long: nothing is removed before somebody runs"
                " renzheng retention --clock-is-right (docs/retention.md)"
            )
            return None
        gone = {kind: rows for kind, rows in removed.items() if rows}
        _log.info("what was over its time is removed: %s", gone or "nothing")
        return removed

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.look()
                # Not rows but files, of this home: each replica's own.
                leftovers.clear(self._database, self._settings.home / "duplicates")
            except StorageError as error:
                _log.warning("what is over its time stays for now: %s", error)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one round meets
                _log.error("what is over its time stays for now: %s", type(error).__name__)
