"""The register's storage: card instances, their events, and the row lock that orders reports and decisions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Row,
    Select,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from api.cards.identity import CardIdentity, CardIndexes
from api.cards.lifecycle import SUPERSEDING, TAKEN_BACK, Event, EventNotPossible, State, Status, after, led_to
from api.cards.number import sealed_as
from api.cards.parameters import TIMEZONE
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen
from api.personal.consent import Basis
from api.storage import idempotency
from api.storage.keys import Keys
from api.storage.recordkeys.texts import seal_text
from api.storage.tables import card_events, cards

_DEATHS = "SELECT pg_advisory_xact_lock{}(hashtextextended('deaths', 0))"


_ALONE, _BESIDE = text(_DEATHS.format("")), text(_DEATHS.format("_shared"))


class CardExists(Exception):
    """This card instance is registered."""


class CardUnknown(Exception):
    """No card of the caller's institution or its branches has this identifier."""


class HolderRecordedDeceased(Exception):
    """The holder of the number is recorded dead in the caller's own register: no new card comes in."""


class SupersedingCardUnknown(Exception):
    """The card named as the replacement is not registered, or not by the caller's institution."""


class SupersedingCardMissing(Exception):
    """The card is said to be replaced, the caller's register holds a newer good card of the person, and it is not
    named."""


class SupersedingCardInvalid(Exception):
    """The card named as the replacement is the same card or another person's."""


@dataclass(frozen=True)
class RecordedEvent:
    """An event as recorded; `status` is the card's status after it, `before` that before it, None for a registration.

    `superseding_index` is the instance index of the card that takes its place; `holds` tells what the card holds after
    an event that gave it something (see `holdings.py`); `basis`: on which ground templates were taken by it.
    """

    id: UUID
    card_id: UUID
    instance_index: bytes
    event: Event
    status: Status
    superseded_by: UUID | None
    recorded_at: datetime
    superseding_index: bytes | None = None
    before: Status | None = None
    holds: bytes | None = None
    basis: Basis | None = None

    @property
    def changed(self) -> bool:
        """Whether it made the card good or bad, or bad for another reason. A card that comes in good is no change."""
        return self.status is not (self.before or Status.VALID)


def add(connection: Connection, keys: Keys, card: CardIdentity, found: CardIndexes, caller: Caller) -> RecordedEvent:
    """Register a card instance. Raises `CardExists`, and `HolderRecordedDeceased` for the dead of its own register."""
    enter_deaths(connection, alone=False)
    enter(connection, found.number)
    if _is_dead(connection, found.number, caller):
        raise HolderRecordedDeceased
    card_id = uuid4()
    added = connection.execute(
        upsert(cards)
        .values(
            id=card_id,
            instance_index=found.instance,
            number_index=found.number,
            serial_index=found.serial,
            number_sealed=seal_text(keys, card.number.encode(), sealed_as(card_id)),
            type=card.type,
            issuer=card.issuer,
            valid_from=card.valid_from,
            valid_to=card.valid_to,
            text_index=found.text,
            status=Status.VALID,
            registered_by=caller.principal_id,
        )
        .on_conflict_do_nothing(index_elements=[cards.c.instance_index])
        .returning(cards.c.id)
    )
    if added.first() is None:
        raise CardExists
    return _record(connection, caller, card_id, found.instance, Event.REGISTERED, Status.VALID, None)


def report(
    connection: Connection,
    card_id: UUID,
    event: Event,
    superseded_by: UUID | None,
    caller: Caller,
) -> RecordedEvent:
    """Record an event under the exclusive lock of the card's row.

    Every decision on this card holds the row's share lock to its commit, so that either it committed before this
    report, or it waits and sees the new status. Raises `CardUnknown`, also for other authorities' cards,
    `EventNotPossible` and the errors of the superseding card.
    """
    number_index = _number_of(connection, card_id, caller)
    enter(connection, number_index)
    row = connection.execute(_held(cards.c.id == card_id)).one()
    state = after(_state_before(connection, row, event), event)
    revived = state.status is Status.VALID and row.status != Status.VALID
    if revived and _has_successor(connection, row, undone=row.status in TAKEN_BACK):
        raise EventNotPossible("a new card was issued")
    superseding = None
    if superseded_by is not None:
        superseding = _check_superseding(connection, caller, card_id, superseded_by, number_index)
    elif event in SUPERSEDING and _is_outlived(connection, row, caller):
        raise SupersedingCardMissing
    return _change(connection, caller, row, event, state, superseded_by, superseding, None)


def report_death(connection: Connection, card_id: UUID, caller: Caller) -> list[RecordedEvent]:
    """Record that the holder died, of this card (first in the list) and of every other that bears the same number.

    Whoever registered them: a death is the person's and not a card's. Raises `CardUnknown` and `EventNotPossible`.
    """
    number_index = _number_of(connection, card_id, caller)
    enter_deaths(connection, alone=True)
    enter(connection, number_index)
    # Decisions hold one of the rows at most, so that any order would do; a fixed one is easier to trust.
    every = _held(cards.c.number_index == number_index).order_by(cards.c.id)
    rows = {row.id: row for row in connection.execute(every)}
    event = Event.HOLDER_DECEASED
    named = rows.pop(card_id)
    changes = [(named, after(_state(named), event))]
    changes += [(row, after(_state(row), event)) for row in rows.values() if row.status != Status.DECEASED]
    return [_change(connection, caller, row, event, state, None, None, None) for row, state in changes]


def report_erasure(connection: Connection, card_id: UUID, caller: Caller, ground: str) -> list[RecordedEvent]:
    """Record of a card (first in the list) and of the person's others that the caller sees that their templates are
    erased, which is to be done in this transaction: the rows are locked. Raises `CardUnknown`."""
    number_index = _number_of(connection, card_id, caller)
    enter(connection, number_index)
    every = _held((cards.c.number_index == number_index) & cards_seen(caller)).order_by(cards.c.id)
    rows = {row.id: row for row in connection.execute(every)}
    event = Event.BIOMETRICS_ERASED
    named = rows.pop(card_id)
    changes = [(row, after(_state(row), event)) for row in (named, *rows.values())]
    return [_change(connection, caller, row, event, state, None, None, ground) for row, state in changes]


def record_expiry(connection: Connection, card_id: UUID, reason: str) -> RecordedEvent:
    """Record that a card's templates are erased by the deployment's clock, which is to be done in this transaction.

    The card's row and its number are held by then (`enter`, `hold`).
    """
    row = connection.execute(select(cards).where(cards.c.id == card_id)).one()
    event = Event.BIOMETRICS_ERASED
    return _change(connection, None, row, event, after(_state(row), event), None, None, reason)


def record_deaths(
    connection: Connection, card_ids: Iterable[UUID], caller: Caller
) -> list[tuple[bytes, RecordedEvent]]:
    """Record of each of these cards that its holder died, beside the numbers' keyed hashes; entered alone."""
    every = connection.execute(_held(cards.c.id.in_(card_ids)).order_by(cards.c.id)).all()
    event = Event.HOLDER_DECEASED
    return [
        (row.number_index, _change(connection, caller, row, event, after(_state(row), event), None, None, None))
        for row in every
    ]


def require_possible(connection: Connection, card_id: UUID, event: Event, caller: Caller) -> None:
    """Ask whether an event could be recorded now, without a lock. Raises `CardUnknown` and `EventNotPossible`."""
    row = connection.execute(select(cards).where(cards.c.id == card_id, cards_seen(caller))).first()
    if row is None:
        raise CardUnknown
    after(_state(row), event)


def still_valid(connection: Connection, caller: Caller, card_id: UUID, number_index: bytes) -> list[UUID]:
    """Other cards of the number, among those that the caller sees, that are neither reported nor expired."""
    found = select(cards.c.id).where(*_good_beside(caller, card_id, number_index))
    return list(connection.execute(found.order_by(cards.c.created_at, cards.c.id)).scalars())


def _good_beside(caller: Caller, card_id: UUID, number_index: bytes) -> tuple[ColumnElement[bool], ...]:
    today = func.timezone(TIMEZONE.key, func.now()).cast(Date)
    return (
        cards.c.number_index == number_index,
        cards.c.id != card_id,
        cards.c.status == Status.VALID,
        or_(cards.c.valid_to.is_(None), cards.c.valid_to >= today),
        cards_seen(caller),
    )


def enter(connection: Connection, number_index: bytes) -> None:
    """Hold the register of a number until the transaction ends: what is written about a person's cards goes one by one.

    Else a card could be registered while an older one is recorded as found again, and both would be good.
    """
    idempotency.lock(connection, "cards", number_index.hex())


def enter_deaths(connection: Connection, *, alone: bool) -> None:
    """Hold the deaths until the transaction ends: to record some, alone; to register cards, beside others who do.

    Before `enter`. Files register thousands of cards at once, too many to enter the number of each: a card that comes
    in while its holder's death is recorded would else escape it.
    """
    connection.execute(_ALONE if alone else _BESIDE)


def _number_of(connection: Connection, card_id: UUID, caller: Caller) -> bytes:
    number_index: bytes | None = connection.execute(
        select(cards.c.number_index).where(cards.c.id == card_id, cards_seen(caller))
    ).scalar_one_or_none()
    if number_index is None:
        raise CardUnknown
    return number_index


def _held(which: ColumnElement[bool]) -> Select[Any]:
    """Rows under the exclusive lock that a decision's share lock excludes.

    Not the stronger one for changes of the key: a decision that locks a number names other cards of it in its alerts,
    and would wait for those rows while their death waits for its own.
    """
    return select(cards).where(which).with_for_update(key_share=True)


def _state(row: Row[Any]) -> State:
    return State(Status(row.status), row.surrendered, row.disputed)


def _state_before(connection: Connection, row: Row[Any], event: Event) -> State:
    """The state, with what was before it where an upheld dispute leads back there: the row does not tell that."""
    if event is not Event.DISPUTE_UPHELD or row.status not in TAKEN_BACK:
        return _state(row)
    events = select(card_events.c.event).where(card_events.c.card_id == row.id)
    # A file's registration and the status that it stated are a tick apart.
    in_order = events.order_by(card_events.c.recorded_at, card_events.c.event != Event.REGISTERED.value)
    return led_to(Event(one) for one in connection.execute(in_order).scalars())


def _change(
    connection: Connection,
    caller: Caller | None,
    row: Row[Any],
    event: Event,
    state: State,
    superseded_by: UUID | None,
    superseding_index: bytes | None,
    reason: str | None,
) -> RecordedEvent:
    values = {"status": state.status, "surrendered": state.surrendered, "disputed": state.disputed}
    change = update(cards).where(cards.c.id == row.id).values(values)
    connection.execute(change if superseded_by is None else change.values(superseded_by=superseded_by))
    recorded = _record(connection, caller, row.id, row.instance_index, event, state.status, superseded_by, reason)
    return replace(recorded, superseding_index=superseding_index, before=Status(row.status))


def status_since(connection: Connection, card_id: UUID, status: str) -> datetime | None:
    """When a card came to its status."""
    events = connection.execute(
        select(card_events.c.status, card_events.c.recorded_at)
        .where(card_events.c.card_id == card_id)
        .order_by(card_events.c.recorded_at.desc())
    )
    return since_when(status, events.all())


def since_when(status: str, newest_first: Iterable[Any]) -> datetime | None:
    """When a card came to its status: the first of the last events that agree on it. None without such an event."""
    since = None
    for event in newest_first:
        if event.status != status:
            break
        since = event.recorded_at
    return since


def _has_successor(connection: Connection, card: Row[Any], *, undone: bool) -> bool:
    """Whether the person got a card after this one: then it stays invalid, also where nobody reported the re-issue.

    A newer card is one that was registered later, or that is valid from a later day: files of cards do not always come
    in the order in which the cards were made. Where a wrong end is `undone`, those count that were registered since:
    the others were good beside it, and whoever ends a person's cards could else keep them so by a card of their own.
    """
    newer = or_(cards.c.created_at > card.created_at, cards.c.valid_from > card.valid_from)
    if undone:
        newer = (
            select(card_events.c.id)
            .where(
                card_events.c.card_id == cards.c.id,
                card_events.c.event == Event.REGISTERED,
                card_events.c.recorded_at > status_since(connection, card.id, card.status),
            )
            .exists()
        )
    found = select(cards.c.id).where(cards.c.number_index == card.number_index, cards.c.id != card.id, newer)
    return connection.execute(found.limit(1)).first() is not None


def _is_outlived(connection: Connection, card: Row[Any], caller: Caller) -> bool:
    """Whether the caller sees a good card of the person that is newer: valid from a later day, or registered later
    where the days are the same. Of two cards one is newer at most, so that each can be replaced in turn."""
    newer = tuple_(cards.c.valid_from, cards.c.created_at) > tuple_(literal(card.valid_from), literal(card.created_at))
    beside = _good_beside(caller, card.id, card.number_index)
    return connection.execute(select(cards.c.id).where(*beside, newer).limit(1)).first() is not None


def _is_dead(connection: Connection, number_index: bytes, caller: Caller) -> bool:
    """Whether the holder is recorded dead with a card that the caller may put right; others' mistakes bind nobody."""
    dead = (cards.c.number_index == number_index) & (cards.c.status == Status.DECEASED)
    return connection.execute(select(cards.c.id).where(dead, cards_seen(caller)).limit(1)).first() is not None


def _check_superseding(
    connection: Connection, caller: Caller, card_id: UUID, superseded_by: UUID, number_index: bytes
) -> bytes:
    successor = connection.execute(
        select(cards.c.number_index, cards.c.instance_index, cards.c.status).where(
            cards.c.id == superseded_by, cards_seen(caller)
        )
    ).first()
    if successor is None:
        raise SupersedingCardUnknown
    # A card that was itself replaced, lost or cancelled replaces nothing: the person would be left without a good one.
    if superseded_by == card_id or successor.number_index != number_index or successor.status != Status.VALID:
        raise SupersedingCardInvalid
    index: bytes = successor.instance_index
    return index


def _record(
    connection: Connection,
    caller: Caller | None,
    card_id: UUID,
    instance_index: bytes,
    event: Event,
    status: Status,
    superseded_by: UUID | None,
    reason: str | None = None,
) -> RecordedEvent:
    event_id = uuid4()
    recorded_at = connection.execute(
        insert(card_events)
        .values(
            id=event_id,
            card_id=card_id,
            event=event,
            status=status,
            superseded_by=superseded_by,
            recorded_by=None if caller is None else caller.principal_id,
            recorded_at=func.clock_timestamp(),
            reason=reason,
        )
        .returning(card_events.c.recorded_at)
    ).scalar_one()
    return RecordedEvent(event_id, card_id, instance_index, event, status, superseded_by, recorded_at)
