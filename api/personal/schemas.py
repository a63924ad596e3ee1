"""The requests and answers of the routes about personal data."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer
from api.personal.grounds import Ground


class ErasureBody(Strict):
    """Why somebody's biometrics are erased."""

    ground: Ground = Field(description="Kept with the event, as its reason.")


class Erased(BaseModel):
    """A card whose templates were erased; `erased` is how many it had."""

    id: UUID
    card_id: UUID
    event: str
    status: str
    erased: int = Field(ge=0)
    recorded_at: datetime
    receipt: ReceiptAnswer


class PersonErased(Erased):
    """The card that was named, and the person's others."""

    also: list[Erased] = Field(description="The same of the person's other cards that the caller sees.")
