"""How many people's faces are stored, and the alarm at the number at which the law asks the operator to file.

The rules on the use of face recognition (人脸识别技术应用安全管理办法) have whoever stores the faces of 100,000 people
file with the cyberspace administration of the province within 30 working days. Counted are people and not templates:
whose card holds a face, and who stands on the impostor list with one.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select, text

from api.alerts import records as alerts
from api.institutions import acts as administration
from api.institutions.roles import Role
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.storage.tables import acts, principals

KIND = "stored_faces"
REACHED, BELOW = "stored_faces_reached", "stored_faces_below"
EVERY_S = 3600.0
PAUSES_TO_A_COUNT = 100
"""A count of ten million people keeps a core busy for many seconds: what counts rests for so many times as long."""
LARGE = 200_000
LATER_S = 600.0
"""With more templates than LARGE a replica first does what it was started for, and counts after so long."""
BUSY_S = 60.0
"""After so long it is looked again, where another replica counts."""
STOP_S = 2.0

_log = logging.getLogger(__name__)

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('stored faces', 0))")
_ROWS = text("SELECT reltuples FROM pg_class WHERE oid = 'templates'::regclass")
_COUNT = text(
    """
    SELECT (
        SELECT count(DISTINCT c.number_index) FROM templates AS t JOIN cards AS c ON c.id = t.card_id
        WHERE t.modality = 'face'
    ) + (SELECT count(DISTINCT impostor_id) FROM impostor_templates WHERE modality = 'face')
    """
)


@dataclass(frozen=True)
class StoredFaces:
    """So many people's faces are stored, of so many at which to file; `at` is when they were counted."""

    people: int
    threshold: int
    at: datetime

    @property
    def reached(self) -> bool:
        """Whether the filing is due."""
        return self.people >= self.threshold


def count(connection: Connection) -> int:
    """How many people's faces are stored. Reads all templates' rows: for a clock, and not for a request."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    # One core of the server's is enough for what nobody waits for.
    connection.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
    people: int = connection.execute(_COUNT).scalar_one()
    return people


def _now(connection: Connection) -> datetime:
    at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return at


def watch(database: Database, keys: Keys, threshold: int) -> StoredFaces | None:
    """Count, and tell once that the number is reached: an act, an alert for every authority, a line in the log.

    Told again only after it was below in between, which is an act too. None while another replica counts. Raises
    `DatabaseUnavailable`.
    """
    with database.begin() as connection:
        # Counted under the lock: an older count than another replica's would tell that it is below again.
        if not connection.execute(_ALONE).scalar_one():
            return None
        found = StoredFaces(count(connection), threshold, _now(connection))
        if found.reached != _told(connection):
            _tell(connection, keys, found)
    return found


def _told(connection: Connection) -> bool:
    """Whether the last that was told is that the number is reached."""
    last = select(acts.c.act).where(acts.c.act.in_((REACHED, BELOW))).order_by(acts.c.at.desc()).limit(1)
    return connection.execute(last).scalar_one_or_none() == REACHED


def _tell(connection: Connection, keys: Keys, found: StoredFaces) -> None:
    figures = {"people": found.people, "threshold": found.threshold}
    raised: list[UUID] = []
    if found.reached:
        _log.warning("faces of %d people are stored, %d or more: file them (docs/retention.md)", *figures.values())
        raised = [
            alerts.insert(connection, KIND, institution_id, card_id=None, details=figures, at=found.at)
            for institution_id in _authorities(connection)
        ]
    administration.record(
        connection,
        keys,
        REACHED if found.reached else BELOW,
        actor_id=None,
        institution_id=None,
        subject_id=None,
        details={**figures, "alerts": [str(one) for one in raised]},
    )


def _authorities(connection: Connection) -> list[UUID]:
    """The institutions that register faces."""
    theirs = principals.c.role == Role.AUTHORITY.value, principals.c.disabled_at.is_(None)
    found = select(principals.c.institution_id).where(*theirs).distinct().order_by(principals.c.institution_id)
    return list(connection.execute(found).scalars())


class FaceWatch:
    """Counts once an hour between `start` and `stop`, of a large register more rarely; `found` is what this replica
    counted last, None before that."""

    def __init__(self, database: Database, keys: Keys, threshold: int) -> None:
        self._database = database
        self._keys = keys
        self.threshold = threshold
        self.found: StoredFaces | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="stored-faces", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the count in hand, or leave it to its end where that takes long: it changes nothing then."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join(STOP_S)
            self._thread = None

    def look(self) -> bool:
        """Count now, unless another replica does; whether it was done. Raises `DatabaseUnavailable`."""
        found = watch(self._database, self._keys, self.threshold)
        self.found = found or self.found
        return found is not None

    def _run(self) -> None:
        pause_s = self._first_pause_s()
        while not self._ended.wait(pause_s):
            began, pause_s = time.monotonic(), EVERY_S
            try:
                done = self.look()
                pause_s = pause_after(time.monotonic() - began) if done else BUSY_S
            except StorageError as error:
                _log.warning("stored faces are not counted for now: %s", error)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one round meets
                _log.error("stored faces are not counted for now: %s", type(error).__name__)

    def _first_pause_s(self) -> float:
        try:
            with self._database.begin() as connection:
                rows: float = connection.execute(_ROWS).scalar_one()
        except StorageError:
            return 0.0  # which the count itself will tell
        return LATER_S if rows > LARGE else 0.0


def pause_after(took_s: float) -> float:
    """Seconds from a count that took so long to the next."""
    return max(EVERY_S, PAUSES_TO_A_COUNT * took_s)
