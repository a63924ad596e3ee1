"""What became of cards: their events replayed by the rules, and the cards held against where that leads."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, or_, select

from api.cards.lifecycle import Event, EventNotPossible, State, Status, after
from api.evidence.fsck.report import MOST_NAMED, Report, named
from api.evidence.parameters import ROWS
from api.storage.tables import card_events, cards

IMPOSSIBLE = "cards with events that could not follow one another"
OTHERWISE = "cards that were handed in, are disputed or were replaced otherwise than their events say"

_LATER = select(card_events.c.card_id).where(card_events.c.event != Event.REGISTERED.value)
# Most cards were registered and nothing more: the database itself finds those among them that claim otherwise.
_REPLAYED = (
    select(
        card_events.c.card_id,
        card_events.c.event,
        card_events.c.status.label("status_after"),
        card_events.c.superseded_by.label("named"),
        cards.c.surrendered,
        cards.c.disputed,
        cards.c.superseded_by,
    )
    .join(cards, cards.c.id == card_events.c.card_id)
    .where(card_events.c.card_id.in_(_LATER))
    .order_by(card_events.c.card_id, card_events.c.recorded_at, card_events.c.event != Event.REGISTERED.value)
)
_UNTOUCHED = select(cards.c.id).where(
    or_(cards.c.surrendered, cards.c.disputed, cards.c.superseded_by.is_not(None)),
    ~select(card_events.c.id)
    .where(card_events.c.card_id == cards.c.id, card_events.c.event != Event.REGISTERED.value)
    .exists(),
)


def check(connection: Connection, report: Report) -> None:
    """Tell of every card whose events break the rules, and of every card that is not where they lead."""
    found: dict[str, list[object]] = {IMPOSSIBLE: [], OTHERWISE: list(connection.execute(_UNTOUCHED).scalars())}
    for card_id, what in _replayed(connection):
        found[what].append(card_id)
    for what, wrong in found.items():
        if wrong:
            report.add(f"{what}: {len(wrong)}: {named(wrong[:MOST_NAMED], len(wrong))}")


def _replayed(connection: Connection) -> Iterator[tuple[UUID, str]]:
    with connection.execute(_REPLAYED, execution_options={"yield_per": ROWS}) as rows:
        for card_id, events in groupby(rows, attrgetter("card_id")):
            history = list(events)
            last = history[-1]
            try:
                state, superseded_by = _led_to(history)
            except (EventNotPossible, ValueError):
                yield card_id, IMPOSSIBLE
                continue
            if (state.surrendered, state.disputed, superseded_by) != (
                last.surrendered,
                last.disputed,
                last.superseded_by,
            ):
                yield card_id, OTHERWISE


def _led_to(history: Iterable[Any]) -> tuple[State, UUID | None]:
    """Raises `EventNotPossible`, and ValueError for an event or a status that there is not."""
    state: State | None = None
    superseded_by: UUID | None = None
    for one in history:
        event = Event(one.event)
        if (state is None) != (event is Event.REGISTERED):
            raise EventNotPossible("registered first, and once")
        state = State() if state is None else after(state, event)
        if state.status is not Status(one.status_after):
            raise EventNotPossible("it led to another status")
        superseded_by = one.named or superseded_by
    if state is None:
        raise EventNotPossible("nothing happened")
    return state, superseded_by
