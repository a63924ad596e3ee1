"""Answers to terminals: nonces, decisions, what the register says, transactions."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, PrivateAttr

from .base import Evident, Receipt, Text, Told

Decision = Literal["PASS", "REVIEW", "REFUSE"]
Channel = Literal["counter", "kiosk"]
Modality = Literal["face", "finger"]


class Action(Told):
    """What the person in front of the camera is asked to do, `at_ms` after the first frame."""

    action: str
    at_ms: int
    message: Text


class Challenge(Told):
    """For terminals that film the face for liveness."""

    actions: list[Action]
    end_ms: int


class Nonce(Told):
    """For one verification. Ask for it when the customer steps up, and capture afterwards."""

    nonce: str = Field(repr=False)
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    challenge: Challenge
    _behind: timedelta = PrivateAttr(default=timedelta(0))

    @property
    def behind(self) -> timedelta:
        """How far the terminal's clock was behind the service's when the nonce came."""
        return self._behind

    def measured(self, behind: timedelta) -> "Nonce":
        """The same, with that."""
        self._behind = behind
        return self


class Assessed(Told):
    """One modality: a log-likelihood ratio (natural logarithm) and its FMR, or the reason why there is none."""

    modality: Modality
    status: Literal["assessed", "not_assessed"]
    position: str | None = None
    reason: str | None = None
    llr: float | None
    fmr: float | None
    extrapolated: bool
    quality: float | None


class Document(Told):
    """The card's axis. `register_` is what another population register said, where one is asked."""

    status: str
    reasons: list[str]
    since: datetime | None = None
    register_: dict[str, Any] | None = Field(default=None, alias="register")
    chip_photo: Assessed | None = None


class Liveness(Told):
    """Whether a living person was before the camera, or why that could not be judged."""

    outcome: Literal["live", "attack", "not_assessed"]
    reason: str | None
    judged_by: list[str]


class Person(Told):
    """The person's axis; the figures are None when nothing was assessed. People are never told them."""

    consistency: float | None
    llr: float | None
    fmr: float | None
    extrapolated: bool
    modalities: list[Assessed]
    liveness: Liveness | None = None
    reasons: list[str]


class Screening(Told):
    """The search of the impostor list."""

    status: Literal["screened", "not_screened", "unavailable"]
    sequence: int
    modalities: list[Modality]


class Consent(Told):
    """On which ground the captures were processed."""

    basis: str
    face_declined: bool


class CodedText(Text):
    """A reason in words."""

    code: str


class StatusWords(Told):
    """The card's status in the tellers' words, and what its holder does next."""

    code: str
    message: Text
    since: datetime | None
    since_words: Text | None
    holder: Text


class Advice(Told):
    """What to say to the customer (`message`) and what the operator does (`operator`)."""

    code: str
    message: Text
    operator: Text


class DecisionWords(Told):
    """Everything that may be read to the customer; no score is in it."""

    reasons: list[CodedText]
    document: StatusWords
    advice: Advice


class Verification(Evident):
    """A decision, with both axes, words for the customer and the receipt."""

    LEAF: ClassVar = frozenset({"verification"})
    SAYS: ClassVar = (
        "id",
        "decision",
        "decided_at=at",
        "document",
        "person",
        "consent",
        "screening",
        "policy_version",
        "calibrations",
    )

    id: UUID
    decision: Decision
    decided_at: datetime
    document: Document
    person: Person
    screening: Screening | None = None
    consent: Consent | None = None
    policy_version: str
    calibrations: dict[str, str] = Field(default_factory=dict)
    words: DecisionWords


class VerificationSummary(Told):
    """A decision in a list."""

    id: UUID
    decided_at: datetime
    decision: Decision
    document_status: str
    person_verdict: str | None
    channel: Channel
    purpose: str
    terminal_id: UUID
    operator_id: UUID | None
    institution_id: UUID


class Box(Told):
    """Where the face is, in shares of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float


class FrameAdvice(Told):
    """What would make a better picture."""

    code: str
    message: Text


class Guidance(Told):
    """Whether a frame is good enough to be sent."""

    ready: bool
    box: Box | None
    advice: list[FrameAdvice]


class Check(Evident):
    """What the register says (联网核查), axis by axis: `consistent`, `inconsistent`, `no_record`, `undetermined`."""

    LEAF: ClassVar = frozenset({"check"})
    SAYS: ClassVar = (
        "id",
        "checked_at=at",
        "number",
        "card",
        "status",
        "since",
        "text",
        "text_fields",
        "portrait",
    )

    id: UUID
    checked_at: datetime
    number: str
    card: str | None = None
    status: str | None = None
    since: datetime | None = None
    text: str | None = None
    text_fields: dict[str, str] | None = None
    portrait: str | None = None
    words: dict[str, Text]


class Transaction(Told):
    """Business that was done, and why it lacks its check (`omission`), if it does."""

    id: UUID
    institution_id: UUID
    terminal_id: UUID
    kind: str
    done_at: datetime
    reported_at: datetime
    verification_id: UUID | None
    check_required: bool
    omission: str | None
    policy_version: str
    leaf_hash: str
    reference: str | None = None


class TransactionReported(Told):
    """A transaction after its report; the receipt is None where it was reported before and its leaf is archived."""

    LEAF: ClassVar = frozenset({"transaction"})
    SAYS: ClassVar = (
        "id",
        "institution_id=institution",
        "terminal_id=terminal",
        "kind=business",
        "done_at",
        "reported_at=at",
        "verification_id=verification",
        "check_required=required",
        "omission=cause",
        "policy_version",
    )
    SAYS_FROM_3: ClassVar[tuple[str, ...]] = ()

    id: UUID
    institution_id: UUID
    terminal_id: UUID
    kind: str
    done_at: datetime
    reported_at: datetime
    verification_id: UUID | None
    check_required: bool
    omission: str | None
    policy_version: str
    leaf_hash: str
    reported_before: bool
    receipt: Receipt | None


class TransactionsReported(Told):
    """Each transaction of a batch, in its order."""

    items: list[TransactionReported]
