"""Keeping a replica's gallery: filled at the start, in step with the list when nobody asks, rebuilt, written to disk.

One thread a replica. Requests do not wait for it: a search that finds the gallery behind the list catches up by itself.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from api.matching import transforms
from api.matching.comparison import Comparer
from api.personal.finishing import finish_soon
from api.screening import records
from api.screening.expiry import expire
from api.screening.filling import Filler
from api.screening.gallery import ImpostorGallery
from api.screening.parameters import ERROR_PAUSE_S, EXPIRE_S, EXPIRED_AT_ONCE, LOOK_S, LOST_S, SNAPSHOT_PAUSE_S
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.storage.recordkeys.parameters import BATCH

_log = logging.getLogger(__name__)


class GalleryKeeper:
    """Runs between `start` and `stop`; `gallery` is what verifications search."""

    def __init__(self, database: Database, keys: Keys, comparer: Comparer, fpir: float, folder: Path) -> None:
        self._database = database
        self._keys = keys
        self.gallery = ImpostorGallery(keys, comparer, fpir)
        self._filler = Filler(database, keys, self.gallery, folder)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._saved = self._expired = -SNAPSHOT_PAUSE_S
        self._lost_at = -LOST_S

    def start(self) -> None:
        """Fill the gallery and begin; a no-op when it runs.

        A list that cannot be read leaves the gallery empty of everything, and verifications go to a member of staff:
        the thread tries again.
        """
        if self._thread is not None:
            return
        self._try(self._filler.fill)
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="impostors", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after what is in hand."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """What the thread does in every round. Raises `DatabaseUnavailable`, OSError."""
        if self.gallery.sequence < 0 or self._may_be_whole():
            self._filler.fill()
        self._follow_renewal()
        with self._database.single() as connection:
            if not self.gallery.is_of(connection):
                _log.warning("the database has another impostor list than it had, and the gallery is made anew")
                self._filler.fill()
            sequence = records.last(connection)
            try:
                self.gallery.catch_up(connection, sequence)
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, a gallery that is read anew has it no more
                _log.error("the impostors' gallery does not follow and is made anew: %s", type(error).__name__)
                self._filler.fill()
            self.gallery.rebuild(connection)
        now = time.monotonic()
        if now - self._saved >= SNAPSHOT_PAUSE_S:
            self._filler.save()
            self._saved = now
        if now - self._expired >= EXPIRE_S:
            ended = expire(self._database, self._keys)
            if ended:
                finish_soon(self._database, self._keys)
            if ended < EXPIRED_AT_ONCE:
                self._expired = now

    def save(self) -> None:
        """Write a snapshot now, if the list changed since the last one. Raises OSError."""
        self._filler.save()

    def _follow_renewal(self) -> None:
        """Make the gallery anew when the templates were renewed: what is in memory and on disk goes with the former
        transform. Searches go on in the former one meanwhile."""
        faces = self.gallery.faces
        if faces is None:
            return
        with self._database.single() as connection:
            renewed = transforms.name_of_galleries(connection)
        if renewed not in {faces.transform.name, None}:
            _log.info("the templates were renewed, and the impostors' gallery is made anew")
            self._filler.fill()
            self._filler.save()

    def _may_be_whole(self) -> bool:
        """Whether it is time to read the list again, of which nothing could be read, or some did not open whose keys
        came back since. Raises `DatabaseUnavailable`, `MasterKeyUnavailable`."""
        gone = list(self.gallery.gone)[:BATCH]
        if not (self.gallery.lost or gone) or time.monotonic() - self._lost_at < LOST_S:
            return False
        self._lost_at = time.monotonic()
        if self.gallery.lost:
            return True
        back = any(key is not None for key in self._keys.of_records.read(gone).values())
        if back:
            _log.info("keys of impostors' templates came back, and the impostors' gallery is made anew")
        return back

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            if not self._try(self.look):
                self._ended.wait(ERROR_PAUSE_S)

    def _try(self, what: Callable[[], None]) -> bool:
        try:
            what()
        except StorageError as error:
            _log.warning("the impostors' gallery waits: %s", error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it meets
            _log.error("the impostors' gallery waits: %s", type(error).__name__)
        else:
            return True
        return False
