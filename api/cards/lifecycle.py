"""What can happen to a card: the events, the status each leads to, and from which status it is possible."""

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
    REPORTED_LOST = "reported_lost"
    REPORTED_STOLEN = "reported_stolen"
    FOUND = "found"
    REISSUED = "reissued"
    CANCELLED = "cancelled"
    HOLDER_DECEASED = "holder_deceased"


_MISSING = frozenset({Status.LOST, Status.STOLEN})
_LIVE = _MISSING | {Status.VALID}

# Event: (status afterwards, statuses it is possible in). A card found after it was replaced stays invalid: FOUND is
# possible only while no new card was issued.
_TRANSITIONS: dict[Event, tuple[Status, frozenset[Status]]] = {
    Event.REPORTED_LOST: (Status.LOST, frozenset({Status.VALID})),
    Event.REPORTED_STOLEN: (Status.STOLEN, frozenset({Status.VALID, Status.LOST})),
    Event.FOUND: (Status.VALID, _MISSING),
    Event.REISSUED: (Status.REISSUED, _LIVE),
    Event.CANCELLED: (Status.CANCELLED, _LIVE),
    Event.HOLDER_DECEASED: (Status.DECEASED, _LIVE | {Status.REISSUED, Status.CANCELLED}),
}


class EventNotPossible(Exception):
    """The card's status does not allow the event."""


def after(status: Status, event: Event) -> Status:
    """The status after an event. Raises `EventNotPossible`."""
    target, possible = _TRANSITIONS.get(event, (status, frozenset[Status]()))
    if status not in possible:
        raise EventNotPossible(f"{event} in {status}")
    return target
