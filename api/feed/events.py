"""Numbers for changes of status: taken last in the transaction of the change, so that they follow the commits.

The head is one row. Whoever takes a number holds the row until the commit, and whoever comes next waits there: a number
is seen only when all below it are, and a transaction that is rolled back leaves no gap. It is taken after every other
lock, so that nobody waits for a card while holding it. The price is that changes of status commit one after another.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.cards.lifecycle import Status
from api.cards.number import sealed_as
from api.cards.register import RecordedEvent
from api.errors import ServiceError
from api.feed.parameters import CHANNEL
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text
from api.storage.tables import cards
from api.terminal.naming import card_tag, key_id

_ANNOUNCE = f"""
    WITH head AS (
        UPDATE feed_head SET seq = seq + %(count)s
        WHERE key_id IS NULL OR key_id = %(key_id)s
        RETURNING seq
    ), numbered AS (
        INSERT INTO feed_events (seq, card_id, event, status, invalid, at, tag)
        SELECT head.seq - %(count)s + one.place, one.card_id, one.event, one.status, one.invalid, one.at, one.tag
        FROM head, unnest(
            %(card_ids)s::uuid[], %(events)s::text[], %(statuses)s::text[], %(invalid)s::boolean[],
            %(times)s::timestamptz[], %(tags)s::bytea[]
        ) WITH ORDINALITY AS one (card_id, event, status, invalid, at, tag, place)
    )
    SELECT head.seq, pg_notify('{CHANNEL}', head.seq::text) FROM head
"""  # noqa: S608 - nothing from outside


def announce(connection: Connection, keys: Keys, recorded: Iterable[RecordedEvent]) -> None:
    """Give every event that changed a status its number, in the order given, and wake the replicas at the commit.

    To be called last in the transaction of the change, with all that happened in it. What leaves a status as it is has
    no number: a card that is registered and good, fingers that are added, a dispute that is opened.

    Raises `ServiceError` `feed_key_replaced` on a replica that has not been restarted since the feed's key was
    replaced: nobody would find the tags that it makes.
    """
    changes = [one for one in recorded if one.changed]
    if not changes:
        return
    tags = card_tags(connection, keys, {one.card_id for one in changes})
    values = {
        "count": len(changes),
        "card_ids": [one.card_id for one in changes],
        "events": [one.event.value for one in changes],
        "statuses": [one.status.value for one in changes],
        "invalid": [one.status is not Status.VALID for one in changes],
        "times": [one.recorded_at for one in changes],
        "tags": [tags[one.card_id] for one in changes],
        "key_id": key_id(keys.feed),
    }
    # Nothing is committed rather than something untold.
    if connection.exec_driver_sql(_ANNOUNCE, values).first() is None:
        raise ServiceError("feed_key_replaced")


def card_tags(connection: Connection, keys: Keys, card_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """The tags (16 bytes) of cards, by their identifiers. Raises `SealBroken`."""
    asked = select(cards.c.id, cards.c.number_sealed, cards.c.issuer, cards.c.valid_from, cards.c.valid_to)
    rows: Any = connection.execute(asked.where(cards.c.id.in_(list(card_ids))))
    return {
        row.id: card_tag(
            keys.feed,
            open_text(keys, row.number_sealed, sealed_as(row.id)).decode(),
            row.issuer,
            row.valid_from,
            row.valid_to,
        )
        for row in rows
    }
