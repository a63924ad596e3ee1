"""The requests and answers of the alerts' routes."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.accountability.wording import LongExplanation
from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer


class AlertClosing(Strict):
    """What was found out and done."""

    note: LongExplanation = Field(
        min_length=1, max_length=1000, description="Kept with the alert; no names, no numbers."
    )


class GuessingDetails(BaseModel):
    """What an alert of the kind `card_guessing` tells."""

    failures: int = Field(description="How many were counted, at all institutions together.")
    locked_until: datetime = Field(description="When the lock ends by itself.")
    verifications: list[UUID] = Field(description="Those of this institution's own terminals.")


class DeathDetails(BaseModel):
    """What an alert of the kind `holder_deceased_elsewhere` tells."""

    reported_by: UUID = Field(description="The institution that reported the death.")
    event: UUID = Field(description="The event of the card that the alert names.")


class ListedCase(BaseModel):
    """An entry of the impostor list."""

    id: UUID
    case_reference: str | None


class ImpostorHitDetails(BaseModel):
    """What an alert of the kind `impostor_hit` tells."""

    verification: UUID | None = Field(description="For the institution whose terminal made it.")
    entries: list[ListedCase] = Field(description="Those that the caller may see, under a key with `read_cases`.")


class StoredFacesDetails(BaseModel):
    """What an alert of the kind `stored_faces` tells."""

    people: int = Field(description="With a stored face.")
    threshold: int = Field(description="At which to file: see `stored_faces_filing` in `/v1/errors`.")


class AlertAnswer(BaseModel):
    """An alert, raised for one institution."""

    id: UUID
    kind: str = Field(
        description="`card_guessing`: too many people who are not its holder tried one card number. "
        "`holder_deceased_elsewhere`: another authority recorded the holder of the card dead. "
        "`impostor_hit`: somebody who was verified looks like somebody on the impostor list. "
        "`stored_faces`: as many people's faces are stored as have to be filed."
    )
    institution_id: UUID
    card_id: UUID | None = Field(description="The card, for the institution that registered it.")
    details: GuessingDetails | DeathDetails | ImpostorHitDetails | StoredFacesDetails
    raised_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    note: str | None


class AlertsPage(BaseModel):
    """Alerts, newest first."""

    items: list[AlertAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")


class AlertClosed(AlertAnswer):
    """An alert that was closed."""

    lock_released: bool = Field(description="Whether it ended the lock: by the authority that issued the card.")
    receipt: ReceiptAnswer
