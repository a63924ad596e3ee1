"""The requests and answers of the routes about holds."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.accountability.wording import Explanation
from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer
from api.personal.holds.words import HoldGround, HoldState, Subject


class HoldBody(Strict):
    """What is held, and for what."""

    subject: Subject = Field(
        description="`person`: all that is held of somebody, by one of their cards; `institution`: its records and its "
        "branches'; `verification`; `impostor`: an entry's file; `duplicate`: a case of double identity."
    )
    subject_id: UUID = Field(description="Of the card, the institution, the verification, the entry or the case.")
    ground: HoldGround
    reference: Explanation = Field(
        min_length=1, max_length=200, description="Of the court's or the authority's file; no names, no numbers."
    )


class HoldLifting(Strict):
    """Nothing more is said."""


class HoldSummary(BaseModel):
    """A hold."""

    id: UUID
    subject: Subject
    subject_id: UUID
    ground: HoldGround
    state: HoldState = Field(description="`lifting`: one person said that it may end, and it holds until another does.")
    institution_id: UUID = Field(description="That put it on.")
    placed_by: UUID
    placed_at: datetime
    lifting_by: UUID | None
    lifted_by: UUID | None = Field(description="The second person.")
    lifted_at: datetime | None


class HoldChanged(HoldSummary):
    """A hold after an act."""

    receipt: ReceiptAnswer


class HoldAnswer(HoldSummary):
    """A hold with its file's reference."""

    reference: str | None = Field(description="Null where it does not open.")


class HoldsPage(BaseModel):
    """Holds, newest first."""

    items: list[HoldAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")
