"""What can happen to a card: the events, from which states each is possible, and the state that it leads to.

The whole table, every state against every event, stands in `docs/cards.md`; a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """The registered status; validity by date is judged apart, on the day of the check."""

    VALID = "valid"
    LOST = "card_reported_lost"
    STOLEN = "card_reported_stolen"
    REISSUED = "card_reissued"
    CANCELLED = "card_cancelled"
    DECEASED = "holder_deceased"


class Event(StrEnum):
    """What is reported of a card."""

    REGISTERED = "registered"
    FACE_ADDED = "face_added"
    FINGERPRINTS_ADDED = "fingerprints_added"
    FACE_RE_ENROLLED = "face_re_enrolled"
    BIOMETRICS_ERASED = "biometrics_erased"
    REPORTED_LOST = "reported_lost"
    REPORTED_STOLEN = "reported_stolen"
    FOUND = "found"
    REISSUED = "reissued"
    RENEWED = "renewed"
    DATA_CORRECTED = "data_corrected"
    SURRENDERED = "surrendered"
    HOLDER_DECEASED = "holder_deceased"
    CANCELLED = "cancelled"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_UPHELD = "dispute_upheld"
    DISPUTE_REJECTED = "dispute_rejected"


@dataclass(frozen=True)
class State:
    """A card's status, whether the card itself was handed in, and whether its holder disputes what is registered.

    `before` holds what the card was before it was cancelled or its holder recorded dead, the last at the end.
    """

    status: Status = Status.VALID
    surrendered: bool = False
    disputed: bool = False
    before: tuple[Status, ...] = ()


class EventNotPossible(Exception):
    """The card's state does not allow the event."""


class CardNotValid(EventNotPossible):
    """Templates are added to good cards only."""


_MISSING = frozenset({Status.LOST, Status.STOLEN})
_LIVE = _MISSING | {Status.VALID}
_ENDED = frozenset({Status.REISSUED, Status.CANCELLED, Status.DECEASED})

# Event: (status afterwards, None for the same; statuses it is possible in).
_TRANSITIONS: dict[Event, tuple[Status | None, frozenset[Status]]] = {
    # Of a card that has none: files of cards bring no templates.
    Event.FACE_ADDED: (None, frozenset({Status.VALID})),
    Event.FINGERPRINTS_ADDED: (None, frozenset({Status.VALID})),
    # The holder's template in a newer engine's form: it says nothing about the card.
    Event.FACE_RE_ENROLLED: (None, frozenset(Status)),
    # The holder's right, whatever became of the card.
    Event.BIOMETRICS_ERASED: (None, frozenset(Status)),
    Event.REPORTED_LOST: (Status.LOST, frozenset({Status.VALID})),
    Event.REPORTED_STOLEN: (Status.STOLEN, frozenset({Status.VALID, Status.LOST})),
    Event.FOUND: (Status.VALID, _MISSING),
    Event.REISSUED: (Status.REISSUED, _LIVE),
    # A lost card is not renewed or corrected but re-issued.
    Event.RENEWED: (Status.REISSUED, frozenset({Status.VALID})),
    Event.DATA_CORRECTED: (Status.REISSUED, frozenset({Status.VALID})),
    # A card that is missing and handed in is found; one that was replaced stays what it is.
    Event.SURRENDERED: (None, _ENDED),
    Event.HOLDER_DECEASED: (Status.DECEASED, _LIVE | {Status.REISSUED, Status.CANCELLED}),
    Event.CANCELLED: (Status.CANCELLED, _LIVE),
    Event.DISPUTE_OPENED: (None, frozenset(Status)),
    # The holder was right: the loss was no loss. A replaced card stays replaced; for others see `TAKEN_BACK`.
    Event.DISPUTE_UPHELD: (Status.VALID, frozenset(Status) - {Status.REISSUED}),
    Event.DISPUTE_REJECTED: (None, frozenset(Status)),
}

_ADDING = frozenset({Event.FACE_ADDED, Event.FINGERPRINTS_ADDED})
# They name the card that takes this one's place.
SUPERSEDING = frozenset({Event.REISSUED, Event.RENEWED, Event.DATA_CORRECTED})
_CLOSING = frozenset({Event.DISPUTE_UPHELD, Event.DISPUTE_REJECTED})
# An upheld dispute takes these back and nothing more: the holder is alive, and the card that was lost is still lost.
TAKEN_BACK = frozenset({Status.CANCELLED, Status.DECEASED})


def after(state: State, event: Event) -> State:
    """The state after an event. Raises `EventNotPossible`; for templates, `CardNotValid`."""
    target, possible = _TRANSITIONS.get(event, (None, frozenset[Status]()))
    if state.status not in possible or not _in_order(state, event):
        kind = CardNotValid if event in _ADDING else EventNotPossible
        raise kind(f"{event} in {state.status}")
    changed = _moved(state, event, target or state.status)
    if event is Event.SURRENDERED:
        return replace(changed, surrendered=True)
    if event is Event.DISPUTE_OPENED:
        return replace(changed, disputed=True)
    return replace(changed, disputed=False) if event in _CLOSING else changed


def possible(state: State, events: Iterable[Event]) -> list[Event]:
    """Those of the events that the state allows; other cards of the person may stand against one all the same."""
    return [event for event in events if _allows(state, event)]


def _allows(state: State, event: Event) -> bool:
    try:
        after(state, event)
    except EventNotPossible:
        return False
    return True


def led_to(events: Iterable[Event]) -> State:
    """The state after all that happened to a card, its registration first. Raises `EventNotPossible`."""
    state = State()
    for position, event in enumerate(events):
        if (position == 0) != (event is Event.REGISTERED):
            raise EventNotPossible("registered first, and once")
        state = state if position == 0 else after(state, event)
    return state


def _moved(state: State, event: Event, target: Status) -> State:
    if event is Event.DISPUTE_UPHELD and state.status in TAKEN_BACK:
        *earlier, last = state.before or (Status.VALID,)
        return replace(state, status=last, before=tuple(earlier))
    if target in TAKEN_BACK and target is not state.status:
        return replace(state, status=target, before=(*state.before, state.status))
    return replace(state, status=target)


def _in_order(state: State, event: Event) -> bool:
    """A card is handed in once and never comes back; a dispute is opened before it is decided."""
    if event is Event.DISPUTE_OPENED:
        return not state.disputed
    if event in _CLOSING:
        return state.disputed and not (event is Event.DISPUTE_UPHELD and state.surrendered)
    return not (event is Event.SURRENDERED and state.surrendered)
