"""Answers under their keys are forgotten after some days, and nonces after their time: else they fill the disk.

What is forgotten are answers of requests that make nothing (200: verifications, checks, what was ended). A copy of one
that comes later does no harm: a verification's nonce is long gone, a check is a question, what was ended is ended. What
made something (201) and refusals stay for good. A copy of `found` that was held up, done or refused before, would else
bring back a card that was lost again; no number of days is enough for that promise, and changes of cards are few beside
verifications.

One thread a replica; whichever holds the lock deletes, a few rows at a time, and never a row that somebody holds.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Connection, text

from api.storage import idempotency
from api.storage.database import Database
from api.storage.errors import StorageError

ROWS = 1000
# Between batches, so that the disk is the requests'; thousands of rows a second go all the same.
PAUSE_S = 0.05
# Between rounds.
ROUND_S = 60.0

_log = logging.getLogger(__name__)

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('forgetting', 0))")
# The index holds these rows and no others; by their places, which nobody changes: the rows are written once.
_ANSWERS = text(
    f"""
    DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM idempotency
        WHERE status_code = {idempotency.MAKES_NOTHING} AND created_at < now() - make_interval(days => :days)
        ORDER BY created_at LIMIT :rows FOR UPDATE SKIP LOCKED
    ))
    """  # noqa: S608 - our own constant
)
# Whoever asks for one takes old ones away too; this is for those that are left when nobody does.
_NONCES = text(
    """
    DELETE FROM nonces WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM nonces WHERE expires_at < now() - interval '1 day'
        ORDER BY expires_at LIMIT :rows FOR UPDATE SKIP LOCKED
    ))
    """
)


class Forgetter:
    """Runs between `start` and `stop`. `days`: how long an answer is given again under its key.

    `beside` is done in every round too: it raises `StorageError` where it has to wait.
    """

    def __init__(self, database: Database, days: int, beside: Callable[[], object] = lambda: None) -> None:
        self._database = database
        self._days = days
        self._beside = beside
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a no-op when it runs."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="forgetter", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None

    def round(self) -> int:
        """Delete what is out of time, batch after batch; gives the number of rows. Raises `DatabaseUnavailable`."""
        rows = 0
        while not self._ended.is_set():
            with self._database.begin() as connection:
                gone = forget(connection, self._days)
            rows += gone
            if gone < ROWS:
                break
            self._ended.wait(PAUSE_S)
        return rows

    def _run(self) -> None:
        while not self._ended.wait(ROUND_S):
            try:
                self.round()
                self._beside()
            except StorageError as error:
                _log.warning("what is to be forgotten stays for now: %s", error)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one round meets
                _log.error("what is to be forgotten stays for now: %s", type(error).__name__)


def forget(connection: Connection, days: int) -> int:
    """Delete one batch, a thousand rows of each kind at most; gives how many of the fuller kind went, 0 where another
    replica is at it."""
    if not connection.execute(_ALONE).scalar_one():
        return 0
    answers = connection.execute(_ANSWERS, {"days": days, "rows": ROWS}).rowcount
    nonces = connection.execute(_NONCES, {"rows": ROWS}).rowcount
    return max(answers, nonces)
