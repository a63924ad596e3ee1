"""The requests and answers of the duplicates' routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.accountability.wording import Explanation
from api.cards.schemas import Strict
from api.duplicates.rules import Decision
from api.duplicates.words import CaseKind, Outcome, State
from api.evidence.schemas import ReceiptAnswer

_KIND = "`same_person_suspected`; `kin_or_twins`: the faces are alike, and the fingers are different people's."


class DuplicateDecision(Strict):
    """What somebody found out about a case."""

    outcome: Outcome = Field(
        description="`confirmed`: one person. The first who says so proposes it, and another one who names the same "
        "members confirms it. `rejected`: different people; one person is enough. `open`: takes back what was decided "
        "or proposed."
    )
    reason: Explanation = Field(min_length=1, max_length=200, description="Kept with the case; no names, no numbers.")
    revision: int = Field(ge=1, strict=True, description="Of the case as it was looked at; it may have changed since.")
    members: list[UUID] | None = Field(
        None,
        min_length=2,
        max_length=1000,
        description="With `confirmed`, which of the case's members are one person; without, those that were proposed, "
        "and else all.",
    )

    def decision(self) -> Decision:
        """The request in the domain's form."""
        named = None if self.members is None else frozenset(self.members)
        return Decision(self.outcome, self.reason, self.revision, named)


class DuplicateSummary(BaseModel):
    """A case."""

    id: UUID
    kind: CaseKind = Field(description=_KIND)
    state: State
    revision: int = Field(description="Grows with every change; a decision names it.")
    llr: float = Field(description="Of its strongest pair, natural logarithm: face and fingers together.")
    opened_at: datetime
    earlier_id: UUID | None = Field(description="A case of the same people that was rejected with other templates.")
    superseded_by: UUID | None = Field(description="The case that it became part of.")
    proposed_by: UUID | None = Field(description="Who first said that it is one person.")
    decided_by: UUID | None = Field(description="Who decided last, or proposed to.")
    decided_at: datetime | None
    reason: str | None


class DuplicateMember(BaseModel):
    """An identity of the register: all cards of one number."""

    id: UUID = Field(description="Of this case; it says nothing of the number.")
    same: bool | None = Field(description="Whether it was taken for the one person; null where nothing is decided.")
    cards: list[UUID] = Field(description="Its cards that the caller's institution, or a branch of it, registered.")
    institutions: list[UUID] = Field(description="Who registered its cards, others too.")


class DuplicateFinger(BaseModel):
    """A finger that both hold."""

    position: str
    llr: float = Field(description="Log-likelihood ratio, natural logarithm.")


class DuplicatePair(BaseModel):
    """Two members, side by side."""

    first: UUID
    second: UUID
    kind: Literal["same_person", "face_alike_fingers_differ", "face_alike_fingers_unclear"] = Field(
        description="`same_person`: what was compared says so together, the face alone where no finger could be; "
        "`face_alike_fingers_unclear`: the face alone says so, and the fingers neither bear it out nor contradict it."
    )
    llr: float = Field(description="Face and fingers together, natural logarithm.")
    fmr: float = Field(description="The share of pairs of strangers that reach it.")
    extrapolated: bool = Field(description="Whether that is below what was measured.")
    face_llr: float
    fingers: list[DuplicateFinger] = Field(description="Those that both hold; none where one holds none of them.")


class DuplicateSearch(BaseModel):
    """The search that found a case last."""

    id: UUID
    begun_at: datetime
    purpose: str
    case_reference: str | None = Field(
        description="Null for a key without the right `read_cases`, and where another institution searched."
    )


class DuplicateAnswer(DuplicateSummary):
    """A case with whom it is about, and how alike they are."""

    members: list[DuplicateMember]
    pairs: list[DuplicatePair] = Field(description="The strongest first.")
    found_in: DuplicateSearch


class DuplicatesPage(BaseModel):
    """Cases, the strongest first."""

    items: list[DuplicateAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")


class DuplicateDecided(DuplicateSummary):
    """A case after an act."""

    receipt: ReceiptAnswer
