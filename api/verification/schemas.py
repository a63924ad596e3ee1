"""The request and the answer of a verification."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from api.cards.schemas import CapturesBody, CardBody, Strict
from api.cards.words import StatusWords
from api.errors.catalogue import Text
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Base64, Instant, Plain, Purpose, bad_value
from api.institutions.caller import Caller
from api.matching.captures import Burst, BurstFrame, Captures
from api.personal.consent import Basis
from api.population.findings import Finding
from api.storage.idempotency import Attempt
from api.verification.policy import Channel
from api.verification.request import VerificationRequest


class BurstFrameBody(Strict):
    """One frame of the face's film."""

    at_ms: int = Field(ge=0, le=30_000, strict=True, description="When it was taken, in ms from the first frame.")
    image: Base64 = Field(description="As a face, at most 512 KiB, base64.")


class BurstBody(Strict):
    """The face while it answers the challenge that came with the nonce."""

    frames: tuple[BurstFrameBody, ...] = Field(
        min_length=2, max_length=64, description="In their order, four a second or more."
    )


class VerificationCaptures(CapturesBody):
    """What was captured of the person, and the picture that the reader decoded from the chip."""

    chip_photo: Base64 | None = Field(default=None, description="The chip's photograph, decoded, base64.")
    burst: BurstBody | None = Field(default=None, description="For liveness: see docs/faces.md.")
    face_declined: bool = Field(
        default=False,
        strict=True,
        description="The holder declines the face: no face, film or chip photograph is sent, and fingers decide, or a "
        "member of staff. See docs/personal-data.md.",
    )

    @model_validator(mode="after")
    def _without_a_face(self) -> Self:
        if self.face_declined and (self.face or self.burst or self.chip_photo) is not None:
            raise bad_value("face_declined_and_sent")
        return self

    def _may_be_empty(self) -> bool:
        return self.face_declined

    def with_nonce(self, nonce: str) -> Captures:
        """The captures in the domain's form; the challenge of a burst is that of the nonce."""
        taken = super().captures()
        burst = None
        if self.burst is not None:
            burst = Burst(nonce, tuple(BurstFrame(frame.at_ms, frame.image) for frame in self.burst.frames))
        return Captures(taken.face, taken.fingers, self.chip_photo, burst)


class VerificationBody(Strict):
    """A card that was shown, and captures of the person who showed it."""

    card: CardBody
    channel: Channel
    purpose: Purpose
    basis: Basis = Field(
        default=Basis.NOT_STATED, description="On which ground the captures are processed; kept with the decision."
    )
    captures: VerificationCaptures
    captured_at: Instant = Field(description="When the captures were taken, with time zone.")
    nonce: Plain = Field(min_length=8, max_length=128, description="As `POST /v1/captures` gave it, used once.")

    def request(self, caller: Caller, operator: Caller | None, attempt: Attempt) -> VerificationRequest:
        """The request in the domain's form."""
        return VerificationRequest(
            caller,
            attempt,
            self.card.identity(),
            self.channel,
            self.purpose,
            self.captures.with_nonce(self.nonce),
            self.captured_at,
            self.nonce,
            operator,
            self.basis,
            self.captures.face_declined,
        )


class ModalityAnswer(BaseModel):
    """One modality: a log-likelihood ratio (natural logarithm) and its FMR, or why there is none."""

    modality: Literal["face", "finger"]
    status: Literal["assessed", "not_assessed"]
    position: str | None = None
    reason: str | None = None
    llr: float | None
    fmr: float | None
    extrapolated: bool = Field(description="The FMR lies below what the calibration's data could measure.")
    quality: float | None


class RegisterAnswer(BaseModel):
    """What another population register said, axis by axis; those it was not asked about are left out."""

    name: str = Field(description="Its host.")
    asked_at: datetime = Field(description="When it was asked, by our clock: its answer is no older.")
    answered: bool
    number: Finding | None = None
    card: Finding | None = None
    text: Finding | None = None
    portrait: Finding | None = Field(default=None, description="The chip's photograph against its registered face.")
    status: str | None = None
    since: datetime | None = None
    as_of: datetime | None = Field(default=None, description="When it answered, by its own clock.")


class DocumentAnswer(BaseModel):
    """The card's axis."""

    status: str
    reasons: list[str]
    since: datetime | None = Field(default=None, description="From when on it is not valid, where it is not.")
    register_: RegisterAnswer | None = Field(
        default=None, alias="register", description="Another register, where one is configured."
    )
    chip_photo: ModalityAnswer | None = None


class LivenessAnswer(BaseModel):
    """Whether a living person was before the camera, or why that could not be judged."""

    outcome: Literal["live", "attack", "not_assessed"]
    reason: str | None = Field(description="A code of the error catalogue; null for live.")
    judged_by: list[Literal["challenge", "passive"]]


class PersonAnswer(BaseModel):
    """The person's axis; the three figures are null when nothing was assessed."""

    consistency: float | None = Field(description="0..1, the probability of the holder at even odds before the check.")
    llr: float | None
    fmr: float | None
    extrapolated: bool = Field(description="The FMR lies below what the calibration's data could measure.")
    modalities: list[ModalityAnswer]
    liveness: LivenessAnswer | None = Field(default=None, description="Left out where nothing judges it.")
    reasons: list[str]


class ConsentAnswer(BaseModel):
    """On which ground the captures were processed, and whether the holder took the way without a face."""

    basis: Basis
    face_declined: bool


class ScreeningAnswer(BaseModel):
    """The search of the impostor list, of whose outcome `person.reasons` says what the operator has to know."""

    status: Literal["screened", "not_screened", "unavailable"]
    sequence: int = Field(description="The number of the list's last change that was known of.")
    modalities: list[Literal["face", "finger"]] = Field(description="What was searched for.")


class CodedText(Text):
    """A reason in words."""

    code: str


class Advice(BaseModel):
    """What to say to the customer (`message`) and what the operator does (`operator`)."""

    code: str
    message: Text
    operator: Text


class Words(BaseModel):
    """Everything that may be read to the customer; no score is in it."""

    reasons: list[CodedText]
    document: StatusWords
    advice: Advice


class VerificationSummary(BaseModel):
    """A decision in a list."""

    id: UUID
    decided_at: datetime
    decision: Literal["PASS", "REVIEW", "REFUSE"]
    document_status: str
    person_verdict: str | None = Field(description="Null for decisions from before it was kept.")
    channel: Channel
    purpose: str
    terminal_id: UUID
    operator_id: UUID | None
    institution_id: UUID


class VerificationsPage(BaseModel):
    """Decisions, newest first."""

    items: list[VerificationSummary]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")


class VerificationAnswer(BaseModel):
    """A decision. Terminals get the figures, people never do."""

    id: UUID
    decision: Literal["PASS", "REVIEW", "REFUSE"]
    decided_at: datetime
    document: DocumentAnswer
    person: PersonAnswer
    screening: ScreeningAnswer | None = Field(default=None, description="Left out of decisions from before the list.")
    consent: ConsentAnswer | None = Field(default=None, description="Left out of decisions from before it was kept.")
    policy_version: str
    calibrations: dict[str, str] = Field(
        default_factory=dict,
        description="By which calibration each engine's scores were read; none where nothing was compared.",
    )
    words: Words
    receipt: ReceiptAnswer
