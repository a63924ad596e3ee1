"""The request and the answer of a check."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from api.cards.schemas import CardBody, Strict
from api.errors.catalogue import Text
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Base64, Number, Purpose, bad_value
from api.population.findings import Finding, Question


class CheckBody(Strict):
    """A number by itself, or a card; with a card its text block, and a portrait."""

    number: Number | None = None
    card: CardBody | None = None
    portrait: Base64 | None = Field(default=None, description="A picture to compare with the registered face, base64.")
    purpose: Purpose

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.number is None) == (self.card is None) or (self.portrait is not None and self.card is None):
            raise bad_value("check_question")
        return self

    def question(self) -> Question:
        """The question in the domain's form."""
        if self.card is not None:
            return Question(self.card.number, self.card.identity(), self.portrait)
        return Question(self.number or "")


class CheckAnswer(BaseModel):
    """Each axis apart; those that were not asked about are left out."""

    id: UUID
    checked_at: datetime
    number: Finding = Field(description="Whether the register holds the number.")
    card: Finding | None = Field(default=None, description="Whether it holds this instance of the number's cards.")
    status: str | None = Field(default=None, description="The instance's document code, as of now.")
    since: datetime | None = Field(default=None, description="From when on it is not valid, where it is not.")
    text: Finding | None = Field(default=None, description="The chip's text against the register.")
    text_fields: dict[str, Finding] | None = Field(default=None, description="Field by field.")
    portrait: Finding | None = Field(default=None, description="The portrait against the registered face.")
    words: dict[str, Text] = Field(
        description="What may be read to the customer: each axis, `since_words` and `holder` (the holder's next step)."
    )
    receipt: ReceiptAnswer
