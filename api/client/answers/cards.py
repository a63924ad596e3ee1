"""Answers to authorities: cards, what happened to them, impostors."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from .base import Evident, Told
from .verifications import Modality, StatusWords


class Enrolled(Told):
    """A template that was made; `quality` 0..100."""

    modality: Modality
    position: str | None
    engine: str
    quality: float


class EventRecorded(Evident):
    """A recorded event; from now on every decision knows of it."""

    LEAF: ClassVar = frozenset({"card_event"})
    SAYS: ClassVar = ("id", "event", "status", "recorded_at=at")
    SAYS_FROM_3: ClassVar = ("card_id", "superseded_by")

    id: UUID
    card_id: UUID
    event: str
    status: str
    superseded_by: UUID | None
    recorded_at: datetime


class EventReported(EventRecorded):
    """As any event; with a death, `also` are the same events of the person's other cards that the caller sees."""

    also: list[EventRecorded] | None = None


class TemplatesAdded(EventRecorded):
    """The event, and the templates that were made."""

    enrolled: list[Enrolled]


class CardRegistered(Evident):
    """A registered card. `also_valid`: other cards of the number that are still good; see docs/cards.md."""

    LEAF: ClassVar = frozenset({"card_event registered"})
    SAYS: ClassVar = ("status", "registered_at=at")
    SAYS_FROM_3: ClassVar = ("id=card_id",)

    id: UUID
    status: str
    enrolled: list[Enrolled]
    registered_at: datetime
    superseded: EventRecorded | None
    also_valid: list[UUID]


class PastEvent(Told):
    """What happened to a card."""

    id: UUID
    event: str
    status: str
    superseded_by: UUID | None
    recorded_at: datetime
    reason: str | None


class RegisteredCard(Told):
    """A card as the register knows it. Its number is told to nobody."""

    id: UUID
    type: str
    status: str
    surrendered: bool
    disputed: bool
    valid_from: date
    valid_to: date | None
    superseded_by: UUID | None
    registered_at: datetime
    possible: list[str]
    checks_locked_until: datetime | None
    words: StatusWords
    events: list[PastEvent]


class Held(Told):
    """A template that a card holds."""

    modality: Modality
    position: str | None
    engine: str


class FoundCard(Told):
    """A card of the number that was asked about."""

    id: UUID
    type: str
    issuer: str
    valid_from: date
    valid_to: date | None
    status: str
    surrendered: bool
    disputed: bool
    superseded_by: UUID | None
    templates: list[Held]


class ListedTemplate(Held):
    """A template of a known impostor."""


class Impostor(Told):
    """An entry of the list of known impostors."""

    id: UUID
    state: str
    ground: str
    institution_id: UUID
    entered_by: UUID
    entered_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None
    reason: str | None
    review_on: date
    expires_on: date
    case_reference: str | None
    review_due: bool
    templates: list[ListedTemplate]


class ImpostorChanged(Evident):
    """An entry after what was done to it."""

    LEAF: ClassVar = frozenset(
        {"impostor_proposed", "impostor_approved", "impostor_refused", "impostor_removed", "impostor_reviewed"}
    )
    SAYS: ClassVar = ("id=subject", "institution_id=institution", "review_on=details/review_on")

    id: UUID
    state: str
    ground: str
    institution_id: UUID
    entered_by: UUID
    entered_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None
    reason: str | None
    review_on: date
    expires_on: date
    sequence: int | None


class Alert(Told):
    """Too many faces against one number, a hit of the impostor list, a death, or too many stored faces."""

    id: UUID
    kind: str
    institution_id: UUID
    card_id: UUID | None
    details: dict[str, Any]
    raised_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    note: str | None


class AlertClosed(Evident):
    """An alert after it was closed; `lock_released`: the number may be checked again."""

    LEAF: ClassVar = frozenset({"alert_closed"})
    SAYS: ClassVar = ("id=subject", "closed_by=actor", "lock_released=details/lock_released")

    id: UUID
    kind: str
    institution_id: UUID
    card_id: UUID | None
    details: dict[str, Any]
    raised_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    note: str | None
    lock_released: bool
