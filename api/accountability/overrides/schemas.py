"""The requests and answers of the overrides' routes."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.accountability.overrides.rules import Explained, Reason, State
from api.accountability.wording import Explanation
from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer


class OverrideBody(Strict):
    """Why somebody goes on in spite of the decision."""

    reason: Reason = Field(
        description="`identified_otherwise`: by another document; `compared_by_eye`: by a member of staff; "
        "`capture_not_possible`: an injury or a disability; `system_fault`; `order`: of the police or a court; `other`."
    )
    text: Explanation = Field(min_length=1, max_length=500, description="What was done; no names, no numbers.")

    def explained(self) -> Explained:
        """The request in the domain's form."""
        return Explained(self.reason, self.text)


class OverrideDecision(Strict):
    """Nothing more is said."""


class OverrideSummary(BaseModel):
    """Somebody went on, or wants to."""

    id: UUID
    verification_id: UUID = Field(description="Whose decision stays what it is.")
    institution_id: UUID
    terminal_id: UUID
    state: State
    reason: Reason
    entered_by: UUID
    entered_at: datetime
    decided_by: UUID | None = Field(description="The second person, who approved or refused it.")
    decided_at: datetime | None


class OverrideChanged(OverrideSummary):
    """An override after an act."""

    receipt: ReceiptAnswer


class OverrideAnswer(OverrideSummary):
    """An override with what was written."""

    text: str | None = Field(description="Null where it does not open.")


class OverridesPage(BaseModel):
    """Overrides, newest first."""

    items: list[OverrideAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")
