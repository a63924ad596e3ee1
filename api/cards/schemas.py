"""The requests and answers of the cards' routes."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from api.cards.enrolment import Supersedes
from api.cards.identity import CardIdentity
from api.cards.lifecycle import SUPERSEDING, Event
from api.cards.text_block import CardText, OtherCardType, TextBlockInvalid, parse
from api.cards.words import StatusWords
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Base64, Day, Dpi, Number, Plain, Position, Trimmed, bad_value
from api.matching.captures import Captures, FingerCapture
from api.personal.consent import Basis
from api.terminal.naming import canonical


class Strict(BaseModel):
    """A request: unknown fields are errors, so that a slip of a name is not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


# Registering, adding templates and making templates anew have requests and commands of their own.
_NOT_REPORTED = frozenset(
    {
        Event.REGISTERED,
        Event.FACE_ADDED,
        Event.FINGERPRINTS_ADDED,
        Event.FACE_RE_ENROLLED,
        Event.BIOMETRICS_ERASED,
    }
)


def _card_type(value: Any) -> Any:
    if value != "resident":
        raise bad_value("card_type_unsupported")
    return value


def _valid_to(value: Any) -> Any:
    return None if value == "长期" else value


def _event(value: Any) -> Event:
    try:
        event = Event(value)
    except ValueError as error:
        raise bad_value("event_unknown") from error
    if event in _NOT_REPORTED:
        raise bad_value("event_unknown")
    return event


def _superseding(value: Any) -> Event:
    event = _event(value)
    if event not in SUPERSEDING:
        raise bad_value("event_unknown")
    return event


CardType = Annotated[Literal["resident"], BeforeValidator(_card_type)]
ValidTo = Annotated[
    Day | None,
    BeforeValidator(_valid_to),
    WithJsonSchema(
        {"type": ["string", "null"], "description": "Last day of validity, inclusive; 长期 or null: long-term."}
    ),
]
REPORTED = tuple(event for event in Event if event not in _NOT_REPORTED)
"""What an authority reports of a card; the others are recorded by what they are about."""

ReportedEvent = Annotated[
    Event,
    BeforeValidator(_event),
    WithJsonSchema({"type": "string", "enum": [event.value for event in REPORTED]}),
]


SupersedingEvent = Annotated[
    Event,
    BeforeValidator(_superseding),
    WithJsonSchema({"type": "string", "enum": sorted(event.value for event in SUPERSEDING)}),
]


class CardBody(Strict):
    """A card as its reader tells it."""

    number: Number
    issuer: Trimmed = Field(min_length=1, max_length=60, description="Issuing authority, as printed.")
    valid_from: Day
    valid_to: ValidTo
    serial: Trimmed | None = Field(default=None, min_length=1, max_length=64, description="The chip's card serial.")
    type: CardType = Field(default="resident", description="Only resident identity cards are supported.")
    text: Base64 | None = Field(default=None, description="The chip's 256-byte text block, base64.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise bad_value("valid_to_before_valid_from")
        if not canonical(self.issuer):
            raise bad_value("request_invalid")
        text = self._text()
        if text is not None and (text.number, canonical(text.issuer), text.valid_from, text.valid_to) != (
            self.number,
            canonical(self.issuer),
            self.valid_from,
            self.valid_to,
        ):
            raise bad_value("card_text_inconsistent")
        return self

    def _text(self) -> CardText | None:
        if self.text is None:
            return None
        try:
            return parse(self.text)
        except OtherCardType as error:
            raise bad_value("card_type_unsupported") from error
        except TextBlockInvalid as error:
            raise bad_value("card_text_invalid") from error

    def identity(self) -> CardIdentity:
        """The card in the domain's form."""
        return CardIdentity(
            self.number, self.issuer, self.valid_from, self.valid_to, self.serial, self.type, self._text()
        )


class FaceBody(Strict):
    """A face picture."""

    image: Base64 = Field(description="JPEG, PNG, BMP, TIFF or JPEG 2000, base64.")


class FingerBody(Strict):
    """One finger."""

    position: Position
    image: Base64 = Field(description="As for a face, or WSQ, base64.")
    dpi: Dpi | None = Field(default=None, description="Resolution of the scanner; else the file's own, else 500.")


class CapturesBody(Strict):
    """A face and up to ten fingers."""

    face: FaceBody | None = None
    fingers: tuple[FingerBody, ...] = Field(default=(), max_length=10)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        positions = [finger.position for finger in self.fingers]
        if len(set(positions)) < len(positions):
            raise bad_value("finger_duplicate")
        if self.face is None and not self.fingers and not self._may_be_empty():
            raise bad_value("capture_missing")
        return self

    def _may_be_empty(self) -> bool:
        return False

    def captures(self) -> Captures:
        """The captures in the domain's form."""
        return Captures(
            face=None if self.face is None else self.face.image,
            fingers=tuple(FingerCapture(finger.position, finger.image, finger.dpi) for finger in self.fingers),
        )


class SupersedesBody(Strict):
    """The card whose place the new one takes."""

    card_id: UUID
    event: SupersedingEvent = Field(default=Event.REISSUED, description="What the old card is recorded with.")


class RegistrationCaptures(CapturesBody):
    """What was captured of the holder; several pictures of the face make one template."""

    more_faces: tuple[FaceBody, ...] = Field(
        default=(), max_length=4, description="Further pictures of the same face: one template is made of all."
    )

    @model_validator(mode="after")
    def _beside_a_face(self) -> Self:
        if self.more_faces and self.face is None:
            raise bad_value("capture_missing")
        return self

    def captures(self) -> Captures:
        """The captures in the domain's form."""
        return replace(super().captures(), more_faces=tuple(face.image for face in self.more_faces))


_BASIS = "On which ground the templates are taken; kept with the event and in its leaf."


class CardRegistration(Strict):
    """A card, what its templates are made of, and in the same act which card it takes the place of."""

    card: CardBody
    captures: RegistrationCaptures
    supersedes: SupersedesBody | None = Field(
        default=None, description="An older card of the same person: it is invalid from the answer on."
    )
    basis: Basis = Field(default=Basis.NOT_STATED, description=_BASIS)

    def superseded(self) -> Supersedes | None:
        """What it supersedes, in the domain's form."""
        return None if self.supersedes is None else Supersedes(self.supersedes.card_id, self.supersedes.event)


class FaceAddition(Strict):
    """A face for a card that has none; captured under the same rules as at its registration."""

    face: FaceBody
    more_faces: tuple[FaceBody, ...] = Field(
        default=(), max_length=4, description="Further pictures of the same face: one template is made of all."
    )
    basis: Basis = Field(default=Basis.NOT_STATED, description=_BASIS)

    def captures(self) -> Captures:
        """The captures in the domain's form."""
        return RegistrationCaptures(face=self.face, more_faces=self.more_faces).captures()


class FingerprintsBody(Strict):
    """Fingers to add to a registered card; captured under the same rules as at its registration."""

    fingers: tuple[FingerBody, ...] = Field(min_length=1, max_length=10)
    basis: Basis = Field(default=Basis.NOT_STATED, description=_BASIS)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        positions = [finger.position for finger in self.fingers]
        if len(set(positions)) < len(positions):
            raise bad_value("finger_duplicate")
        return self

    def captures(self) -> Captures:
        """The captures in the domain's form."""
        return CapturesBody(fingers=self.fingers).captures()


class CardEvent(Strict):
    """What happened to a card."""

    event: ReportedEvent
    superseded_by: UUID | None = Field(
        default=None,
        description="The new card's identifier, where another takes its place: needed when this authority's register "
        "holds a newer good card of the person.",
    )
    reason: Plain | None = Field(
        default=None, min_length=1, max_length=200, description="Why; kept with the event, not in the evidence."
    )

    @model_validator(mode="after")
    def _superseded_by_another(self) -> Self:
        if self.superseded_by is not None and self.event not in SUPERSEDING:
            raise bad_value("superseding_card_invalid")
        return self


class EnrolledModality(BaseModel):
    """A template that was made; `quality` 0..100."""

    modality: Literal["face", "finger"]
    position: str | None
    engine: str
    quality: float


class EventRecorded(BaseModel):
    """A recorded event; from now on every decision knows of it."""

    id: UUID
    card_id: UUID
    event: str
    status: str
    superseded_by: UUID | None
    recorded_at: datetime
    receipt: ReceiptAnswer


class CardRegistered(BaseModel):
    """A registered card."""

    id: UUID
    status: str
    enrolled: list[EnrolledModality]
    registered_at: datetime
    superseded: EventRecorded | None = Field(description="The event of the card that it takes the place of.")
    also_valid: list[UUID] = Field(
        description="Other cards of the same number that this authority registered and that are still good: recorded "
        "neither as replaced nor otherwise, and not expired."
    )
    receipt: ReceiptAnswer


class PastEvent(BaseModel):
    """What happened to a card."""

    id: UUID
    event: str
    status: str = Field(description="The card's status after it.")
    superseded_by: UUID | None
    recorded_at: datetime
    reason: str | None = Field(description="Null where none was given, its time is over, or it does not open now.")


class CardAnswer(BaseModel):
    """A card as the register knows it. Its number is told to nobody."""

    id: UUID
    type: str
    status: str = Field(description="As reported; validity by date is judged on the day of each check.")
    surrendered: bool = Field(description="The card itself was handed in.")
    disputed: bool = Field(description="The holder disputes what is registered.")
    valid_from: date
    valid_to: date | None = Field(description="Inclusive; null: long-term.")
    superseded_by: UUID | None
    registered_at: datetime
    possible: list[Event] = Field(
        description="What may be reported of it as it stands; another card of the person may stand against one."
    )
    checks_locked_until: datetime | None = Field(description="Until when its number is locked after too many failures.")
    words: StatusWords = Field(description="What a check would say of it today, its validity by date included.")
    events: list[PastEvent] = Field(description="Oldest first.")


class DeathRecorded(EventRecorded):
    """As any event; a death is of every card of the person."""

    also: list[EventRecorded] | None = Field(
        default=None,
        description="With `holder_deceased`: the same event of the person's other cards that the caller sees.",
    )


class TemplatesAdded(EventRecorded):
    """The event, and the templates that were made."""

    enrolled: list[EnrolledModality]


class CardSearch(Strict):
    """A citizen's number."""

    number: Number


class HeldTemplate(BaseModel):
    """A template that a card holds."""

    modality: Literal["face", "finger"]
    position: str | None
    engine: str


class FoundCard(BaseModel):
    """A card of the number that was asked about; what happened to it is told by `GET /v1/cards/{id}`."""

    id: UUID
    type: str
    issuer: str
    valid_from: date
    valid_to: date | None = Field(description="Inclusive; null: long-term.")
    status: str = Field(description="As reported; validity by date is judged on the day of each check.")
    surrendered: bool = Field(description="The card itself was handed in.")
    disputed: bool = Field(description="The holder disputes what is registered.")
    superseded_by: UUID | None
    templates: list[HeldTemplate] = Field(description="None: nobody can be compared with this card yet.")


class CardsFound(BaseModel):
    """The cards that the asker registered, the newest first; an empty list where there are none."""

    items: list[FoundCard]
