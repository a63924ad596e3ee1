"""The feed held against the register: no number is missing, the newest of a card says what the card is, under its tag.

Else a terminal that heard everything would let a card pass that the register refuses.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Connection, select, text

from api.evidence.fsck.report import MOST_NAMED, Report, named
from api.evidence.parameters import ROWS
from api.feed.events import card_tags
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.tables import feed_events, feed_head
from api.terminal.naming import key_id

_NUMBERS = text(
    "SELECT (SELECT seq FROM feed_head) AS head, count(*) AS held, coalesce(min(seq), 1) AS first,"
    " coalesce(max(seq), 0) AS last FROM feed_events"
)
_OTHERWISE = text(
    """
    SELECT cards.id FROM cards JOIN (
        SELECT DISTINCT ON (card_id) card_id, status, invalid FROM feed_events ORDER BY card_id, seq DESC
    ) AS newest ON newest.card_id = cards.id
    WHERE newest.status <> cards.status OR newest.invalid <> (cards.status <> 'valid')
    """
)


def check(connection: Connection, keys: Keys, report: Report) -> None:
    """Tell of numbers that are missing, of cards that the feed tells otherwise, and of tags that are another card's."""
    numbers = connection.execute(_NUMBERS).one()
    if (numbers.first, numbers.last, numbers.held) != (1, numbers.head, numbers.head):
        report.add(f"feed: of {numbers.head} numbers {numbers.held} are there, the last is {numbers.last}")
    for what, wrong in (
        ("cards whose status the feed tells otherwise", iter(connection.execute(_OTHERWISE).scalars())),
        ("numbers of the feed with another card's tag", _mistagged(connection, keys)),
    ):
        some: list[object] = []
        count = 0
        for count, one in enumerate(wrong, 1):
            if count <= MOST_NAMED:
                some.append(one)
        if count:
            report.add(f"{what}: {count}: {named(some, count)}")


def _mistagged(connection: Connection, keys: Keys) -> Iterator[int]:
    """Under another key than the present one there is nothing to compare: the next start makes them anew."""
    if connection.execute(select(feed_head.c.key_id)).scalar_one() not in {None, key_id(keys.feed)}:
        return
    asked = select(feed_events.c.seq, feed_events.c.card_id, feed_events.c.tag).where(feed_events.c.tag.is_not(None))
    with connection.execute(asked, execution_options={"yield_per": ROWS}) as rows:
        for part in rows.partitions():
            made = _made(connection, keys, {row.card_id for row in part})
            yield from (row.seq for row in part if made.get(row.card_id) != row.tag)


def _made(connection: Connection, keys: Keys, card_ids: set[UUID]) -> dict[UUID, bytes]:
    try:
        return card_tags(connection, keys, card_ids)
    except SealBroken:  # a card that does not open is told by itself
        return {card_id: tag for one in card_ids for card_id, tag in _one(connection, keys, one).items()}


def _one(connection: Connection, keys: Keys, card_id: UUID) -> dict[UUID, bytes]:
    try:
        return card_tags(connection, keys, [card_id])
    except SealBroken:
        return {}
