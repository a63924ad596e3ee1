"""The requests and answers of the holders' routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.accountability.holders.disputes import Dispute, Reason, State
from api.accountability.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.accountability.wording import Explanation
from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer

_IDENTIFIED = "The check at this terminal that passed within the last ten minutes: the holder stands here."


class HistoryBody(Strict):
    """A holder asks what checks were made of them."""

    verification: UUID = Field(description=_IDENTIFIED)
    after: UUID | None = Field(default=None, description="The `next` of the page before.")
    limit: int = Field(default=PAGE_ENTRIES, ge=1, le=LARGEST_PAGE, strict=True)


class HistoryItem(BaseModel):
    """A check of the holder's number. No score, and nothing of whoever stood there."""

    kind: Literal["verification", "register_question"]
    id: UUID
    at: datetime
    institution_kind: Literal["issuing_authority", "institution"]
    institution: str | None = Field(description="Its name, where it is the one that is asked, or a branch of it.")
    channel: Literal["counter", "kiosk"] | None = Field(description="Null for a question to the register.")
    purpose: str
    decision: Literal["PASS", "REVIEW", "REFUSE"] | None = Field(description="Null as above.")
    dispute: State | None = Field(description="Of the last dispute of it; null: it was never disputed.")


class HistoryPage(BaseModel):
    """The holder's checks, newest first."""

    items: list[HistoryItem]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")
    receipt: ReceiptAnswer


class DisputeBody(Strict):
    """A holder disputes a check."""

    verification: UUID = Field(description=_IDENTIFIED)
    check: UUID = Field(description="The verification that is disputed, of the same number, wherever it was made.")
    reason: Reason = Field(
        description="`not_me`: somebody else used the number; `wrongly_refused`, `wrongly_passed`; `purpose`: it was "
        "not made for what it says; `other`."
    )
    text: Explanation | None = Field(default=None, min_length=1, max_length=500, description="No names, no numbers.")

    def dispute(self) -> Dispute:
        """The request in the domain's form."""
        return Dispute(self.verification, self.check, self.reason, self.text)


class DisputeResolution(Strict):
    """What was found out."""

    outcome: Literal["upheld", "rejected"]
    note: Explanation = Field(min_length=1, max_length=500, description="What was found out; no names, no numbers.")


class DisputeOpened(BaseModel):
    """A dispute as the counter is told of it."""

    id: UUID
    verification_id: UUID = Field(description="The check that is disputed.")
    state: State
    reason: Reason
    opened_at: datetime
    receipt: ReceiptAnswer


class DisputeSummary(BaseModel):
    """A dispute as those see it who answer for the check."""

    id: UUID
    verification_id: UUID = Field(description="The check that is disputed.")
    state: State
    reason: Reason
    opened_at: datetime
    institution_id: UUID = Field(description="That made the check.")
    terminal_id: UUID = Field(description="At which it was made.")
    resolved_by: UUID | None
    resolved_at: datetime | None


class DisputeAnswer(DisputeSummary):
    """A dispute with what was written."""

    text: str | None
    note: str | None


class DisputeResolved(DisputeSummary):
    """A dispute that was resolved."""

    receipt: ReceiptAnswer


class DisputesPage(BaseModel):
    """Disputes, newest first."""

    items: list[DisputeAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")
