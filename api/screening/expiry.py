"""Entries whose time is over: ended, with their evidence, and their templates deleted.

They are not found after their last day, by the database's clock, whether or not this has run: searches ask for the
day (`faces.py`, `records.CANDIDATES`). This takes them off the list and deletes what is held of them.
"""

from typing import Any

from sqlalchemy import Connection

from api.institutions import acts
from api.screening import records, templates
from api.screening.parameters import EXPIRED_AT_ONCE
from api.storage.database import Database
from api.storage.keys import Keys


def expire(database: Database, keys: Keys) -> int:
    """End some of those whose time is over; gives how many. Raises `DatabaseUnavailable`."""
    with database.begin() as connection:
        ended = records.overdue(connection, EXPIRED_AT_ONCE)
        for row in ended:
            _expire(connection, keys, row)
    return len(ended)


def _expire(connection: Connection, keys: Keys, row: Any) -> None:
    listed = row.state == "approved"
    templates.erase(connection, row.id)
    done = records.end(connection, row.id, "expired", None, None, listed=listed)
    acts.record(
        connection,
        keys,
        "impostor_expired",
        actor_id=None,
        institution_id=row.institution_id,
        subject_id=row.id,
        details={"sequence": done.unlisted_seq},
    )
