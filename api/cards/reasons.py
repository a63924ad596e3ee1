"""Why something was reported of a card, in the reporter's words, which may name people: sealed at rest."""

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from api.accountability import explanations
from api.storage.database import Database
from api.storage.errors import StorageError
from api.storage.keys import Keys
from api.storage.recordkeys.texts import text_key
from api.storage.sealing import seal_under
from api.storage.tables import card_events

TextKey = tuple[UUID, bytes]
ABOUT = "card event"
BATCH = 200
_CLEAR = (card_events.c.reason.is_not(None), card_events.c.event != "biometrics_erased")

_log = logging.getLogger(__name__)


def key_for(keys: Keys, reason: str | None) -> TextKey | None:
    """What a reason is to be sealed under, asked for before anything is locked; None without a reason.

    A loss report waits for nothing but the register: where the key is away just now that is None too.
    """
    if reason is None:
        return None
    try:
        return text_key(keys)
    except StorageError:
        _log.warning("the reason of an event waits to be sealed: the key of texts is away")
        return None


def keep(connection: Connection, key: TextKey | None, event_ids: Iterable[UUID], reason: str | None) -> None:
    """Keep the reason of events that are recorded in this transaction; without a key in the clear until
    `seal_waiting`."""
    if reason is None:
        return
    for event_id in event_ids:
        kept: dict[str, object] = {"reason": reason}
        if key is not None:
            context = explanations.context(ABOUT, event_id)
            kept = {"reason_sealed": seal_under(*key, reason.encode(), context)}
        connection.execute(update(card_events).where(card_events.c.id == event_id).values(kept))


def told(keys: Keys, event: Row[Any]) -> str | None:
    """The reason of an event; None where there is none, where its time is over, and where it does not open now.

    Who looks a card up to report it lost does not wait for a reason of years ago: that it does not open is told in the
    log.
    """
    if event.reason_sealed is None:
        reason: str | None = event.reason
        return reason
    try:
        return explanations.opened(keys, ABOUT, event.id, event.reason_sealed)
    except StorageError:
        _log.warning("the reason of the event %s does not open now: the key of texts is away", event.id)
        return None


def seal_waiting(database: Database, keys: Keys) -> int:
    """Seal those that stand in the clear: from versions before this one, and those that waited for the key.

    Gives how many. Rows that somebody holds are left to the next time. Raises `DatabaseUnavailable`,
    `MasterKeyUnavailable`.
    """
    done = 0
    while True:
        with database.begin() as connection:
            asked = select(card_events.c.id, card_events.c.reason).where(*_CLEAR).order_by(card_events.c.id)
            rows = connection.execute(asked.limit(BATCH).with_for_update(key_share=True, skip_locked=True)).all()
            for row in rows:
                sealed = explanations.sealed(keys, ABOUT, row.id, row.reason)
                change = update(card_events).where(card_events.c.id == row.id)
                connection.execute(change.values(reason=None, reason_sealed=sealed))
        done += len(rows)
        if len(rows) < BATCH:
            return done
