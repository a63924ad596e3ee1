"""Deaths that a file of cards states: of every card that bears the number, as where a death is reported.

Of the cards of the same file it does not matter which row comes first. Whose death this authority recorded before comes
in dead too: the file's rows may be older than that. Each card is put right by itself, by a dispute.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Uuid, bindparam, column, func, select, table, update

from api.cards import deaths, register
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Status
from api.cards.register import RecordedEvent
from api.evidence import leaves
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen
from api.storage.keys import Keys
from api.storage.tables import cards

_INCOMING = table("incoming", column("id"), column("number_index"), column("status"))
_IDS = bindparam("ids", type_=ARRAY(Uuid))


def among(connection: Connection, caller: Caller, taken: Collection[UUID]) -> set[UUID]:
    """Those of the chunk's new cards that do not say so themselves and whose holder is recorded dead, by another row
    or by this authority before; their status is changed here, their events are the caller's."""
    # A count, and not a question whether there are any: the database, which knows little of a table that it has just
    # been given, would else read all cards for it instead of looking each number up.
    known = (
        select(func.count())
        .select_from(cards)
        .where(
            cards.c.number_index == _INCOMING.c.number_index,
            cards.c.status == Status.DECEASED.value,
            cards_seen(caller),
        )
        .correlate(_INCOMING)
        .scalar_subquery()
    )
    asked = select(_INCOMING.c.id).where(_INCOMING.c.status != Status.DECEASED.value, known > 0)
    dead = set(connection.execute(asked).scalars()) & set(taken)
    if dead:
        connection.execute(update(cards).where(cards.c.id.in_(dead)).values(status=Status.DECEASED.value))
    return dead


def spread(
    connection: Connection, keys: Keys, caller: Caller, stated: Mapping[bytes, RecordedEvent]
) -> list[RecordedEvent]:
    """Record the deaths of the persons' cards that were there before, whoever registered them, and tell those who did;
    gives what was recorded.

    `stated` holds the deaths that the chunk's new cards came in with, under the keyed hashes of their numbers. The
    transaction holds the deaths alone.
    """
    if not stated:
        return []
    others = (
        select(func.array_agg(cards.c.id))
        .where(cards.c.number_index == _INCOMING.c.number_index, cards.c.status != Status.DECEASED.value)
        .correlate(_INCOMING)
        .scalar_subquery()
    )
    asked = select(others).where(_INCOMING.c.id == func.any(_IDS))
    rows = connection.execute(asked, {"ids": [one.card_id for one in stated.values()]}).scalars()
    there = {card_id for found in rows if found is not None for card_id in found}
    reached: dict[bytes, list[RecordedEvent]] = {}
    for number_index, recorded in register.record_deaths(connection, there, caller):
        leaf = event_leaf(caller, recorded)
        leaves.append(connection, keys, "card_event", recorded.id, recorded.recorded_at, leaf)
        reached.setdefault(number_index, []).append(recorded)
    for number_index, also in reached.items():
        deaths.tell(connection, keys, caller, [stated[number_index], *also])
    return [one for also in reached.values() for one in also]
