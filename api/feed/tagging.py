"""Tags under the present key: made at the start of a service for what has none, and anew when the key was replaced.

Whoever serves the feed has done this first. All replicas have the same key; one does the work, the others wait for it.
"""

from sqlalchemy import Connection, bindparam, select, text, update

from api.feed.events import card_tags
from api.feed.parameters import TAGGED_AT_ONCE
from api.storage import idempotency
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import feed_events, feed_head
from api.terminal.naming import key_id

_UNTAGGED = (
    select(feed_events.c.seq, feed_events.c.card_id)
    .where(feed_events.c.tag.is_(None))
    .order_by(feed_events.c.seq)
    .limit(TAGGED_AT_ONCE)
)
_TAG = update(feed_events).where(feed_events.c.seq == bindparam("place")).values(tag=bindparam("made"))


def retag(database: Database, keys: Keys) -> int:
    """Bring every tag under the present key; gives how many were made. Raises `SealBroken`, `DatabaseUnavailable`."""
    made = 0
    while step := _step(database, keys):
        made += step
    return made


def _step(database: Database, keys: Keys) -> int:
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        idempotency.lock(connection, "feed tags")
        _forget_others(connection, keys)
        rows = connection.execute(_UNTAGGED).all()
        if rows:
            tags = card_tags(connection, keys, {row.card_id for row in rows})
            connection.execute(_TAG, [{"place": row.seq, "made": tags[row.card_id]} for row in rows])
        return len(rows)


def _forget_others(connection: Connection, keys: Keys) -> None:
    """With another key every tag is another; what was made before is useless."""
    present = key_id(keys.feed)
    if connection.execute(select(feed_head.c.key_id)).scalar_one() == present:
        return
    connection.execute(update(feed_events).where(feed_events.c.tag.is_not(None)).values(tag=None))
    connection.execute(update(feed_head).values(key_id=present))
