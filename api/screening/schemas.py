"""The requests and answers of the impostor list's routes."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from api.accountability.wording import Explanation
from api.cards.schemas import RegistrationCaptures, Strict
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Day, Trimmed, bad_value
from api.matching.captures import Modality
from api.screening import cases
from api.screening.rules import Proposal
from api.screening.words import Ground, State


def _case(value: str) -> str:
    if not cases.sound(value):
        raise bad_value("case_reference_invalid")
    return value


CaseReference = Annotated[Trimmed, AfterValidator(_case)]


class ImpostorCaptures(RegistrationCaptures):
    """A face, which every entry has, and fingers where they were taken."""

    @model_validator(mode="after")
    def _with_a_face(self) -> Self:
        if self.face is None:
            raise bad_value("capture_missing")
        return self


class ImpostorBody(Strict):
    """Somebody who used another's card: pictures, and why they are to be listed."""

    captures: ImpostorCaptures = Field(description="Made into templates, and forgotten.")
    ground: Ground = Field(
        description="`card_of_another`: used another person's card; `forged_card`; `presentation_attack`: a mask, a "
        "picture or a film before the camera; `second_identity`: holds cards under two names; `order`: of the police "
        "or a court."
    )
    case_reference: CaseReference = Field(
        min_length=1, max_length=64, description="The case's number in your files; no names, no person's number."
    )
    review_on: Day = Field(description="When somebody has to look at the entry again: after today.")
    expires_on: Day = Field(description="The last day on which it is found, in Asia/Shanghai; within five years.")

    def proposal(self) -> Proposal:
        """The request in the domain's form."""
        return Proposal(self.captures.captures(), self.ground, self.case_reference, self.review_on, self.expires_on)


class ImpostorApproval(Strict):
    """Nothing more is said."""


class ImpostorEnding(Strict):
    """Why an entry is refused or removed."""

    reason: Explanation = Field(min_length=1, max_length=200, description="Kept with the entry; no names, no numbers.")


class ImpostorReview(Strict):
    """An entry was looked at and stays."""

    review_on: Day = Field(description="When somebody has to look at it next: after today, not after its end.")


class ListedTemplate(BaseModel):
    """What is held of an entry."""

    modality: Modality
    position: str | None
    engine: str


class ImpostorSummary(BaseModel):
    """An entry of the list."""

    id: UUID
    state: State
    ground: Ground
    institution_id: UUID = Field(description="That entered it.")
    entered_by: UUID
    entered_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    ended_by: UUID | None = Field(description="Who refused or removed it; null where its time ended it.")
    ended_at: datetime | None
    reason: str | None
    review_on: date
    expires_on: date


class ImpostorAnswer(ImpostorSummary):
    """An entry with its case."""

    case_reference: str | None = Field(description="Null for a key without the right `read_cases`.")
    review_due: bool = Field(description="Whether the day of its review has come. Until somebody looks it is found.")
    templates: list[ListedTemplate] = Field(description="None once it ended: they are deleted.")


class ImpostorsPage(BaseModel):
    """Entries, newest first."""

    items: list[ImpostorAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")


class ImpostorChanged(ImpostorSummary):
    """An entry after an act."""

    sequence: int | None = Field(
        description="The number of the list's change: decisions with it or a higher one knew of it. Null where the "
        "list did not change."
    )
    receipt: ReceiptAnswer


StateFilter = Literal["proposed", "approved", "refused", "removed", "expired"]
