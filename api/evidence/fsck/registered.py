"""What cards are, held against what they were registered as: no expired card is made to run longer in the database.

A card is looked up by a keyed hash of its number, issuer and days, and that hash stands in its leaves. What else it
holds, its serial, its text and its templates, is told by the leaf of the last event that gave it something; of cards
whose last such leaf is older than version 4 it is not, and not checked.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from api.cards.holdings import TOLD_BY, committed
from api.cards.identity import CardIdentity, indexes
from api.cards.lifecycle import Event
from api.cards.number import sealed_as
from api.evidence.fsck.report import MOST_NAMED, Report, named
from api.evidence.parameters import ROWS
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import read_ahead
from api.storage.recordkeys.texts import open_text
from api.storage.tables import card_events, cards, templates

_CARDS: Select[Any] = select(
    cards.c.id,
    cards.c.number_sealed,
    cards.c.number_index,
    cards.c.instance_index,
    cards.c.issuer,
    cards.c.valid_from,
    cards.c.valid_to,
)
# The last event of each card that tells what it holds, in the cards' order.
_TOLD = (
    select(card_events.c.card_id, card_events.c.holds)
    .ext(distinct_on(card_events.c.card_id))
    .where(card_events.c.event.in_([event.value for event in TOLD_BY]))
    .order_by(card_events.c.card_id, card_events.c.recorded_at.desc())
    .subquery()
)
_HELD: Select[Any] = (
    select(
        cards.c.id.label("card_id"),
        cards.c.serial_index,
        cards.c.text_index,
        _TOLD.c.holds,
        templates.c.id,
        templates.c.modality,
        templates.c.position,
        templates.c.engine,
        templates.c.template_sealed,
    )
    .join(_TOLD, _TOLD.c.card_id == cards.c.id)
    .outerjoin(templates, templates.c.card_id == cards.c.id)
    .where(_TOLD.c.holds.is_not(None))
    .order_by(cards.c.id)
)
_OTHERS = (
    select(cards.c.id)
    .join(card_events, card_events.c.card_id == cards.c.id)
    .where(card_events.c.event == Event.REGISTERED.value, card_events.c.recorded_by != cards.c.registered_by)
)


def check(connection: Connection, keys: Keys, report: Report) -> None:
    """Tell of every card with another number, issuer or validity than it was registered with, other holdings than
    its last enrolment's, or another registrar."""
    for what, wrong in (
        ("cards with another number, issuer or validity than they were registered with", _changed(connection, keys)),
        (
            "cards with another serial, text or template than their last enrolment says",
            _misheld(connection, keys),
        ),
        ("cards of another authority than registered them", iter(connection.execute(_OTHERS).scalars())),
    ):
        some: list[object] = []
        count = 0
        for count, card_id in enumerate(wrong, 1):
            if count <= MOST_NAMED:
                some.append(card_id)
        if count:
            report.add(f"{what}: {count}: {named(some, count)}")


def _changed(connection: Connection, keys: Keys) -> Iterator[object]:
    with connection.execute(_CARDS, execution_options={"yield_per": ROWS}) as rows:
        yield from (row.id for row in rows if not _is_as_registered(row, keys))


def _misheld(connection: Connection, keys: Keys) -> Iterator[object]:
    with connection.execute(_HELD, execution_options={"yield_per": ROWS}) as rows:
        read = read_ahead(keys, rows, lambda row: () if row.id is None else (row.template_sealed,))
        for card_id, group in groupby(read, lambda one: one[0].card_id):
            several = list(group)
            # Read a thousand rows at a time: a card's may stand in two of these.
            known, other = several[0][1], several[-1][1]
            found = known if known is other else {**known, **other}
            first, held = several[0][0], [row for row, _ in several if row.id is not None]
            if committed(keys, first.serial_index, first.text_index, held, found) != first.holds:
                yield card_id


def _is_as_registered(row: Row[Any], keys: Keys) -> bool:
    try:
        number = open_text(keys, row.number_sealed, sealed_as(row.id)).decode()
    except SealBroken:
        return False
    found = indexes(keys.index, CardIdentity(number, row.issuer, row.valid_from, row.valid_to))
    return (found.instance, found.number) == (row.instance_index, row.number_index)
