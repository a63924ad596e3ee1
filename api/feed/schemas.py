"""The answers of the feed's routes."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field


class FeedCard(BaseModel):
    """The card, for the authority that registered it. Its number is told to nobody."""

    id: UUID
    type: str
    issuer: str
    valid_from: date
    valid_to: date | None = Field(description="Inclusive; null: long-term.")


class FeedEventAnswer(BaseModel):
    """A change of a card's status."""

    seq: int = Field(description="Its number: one more than that of the change before, whatever happens.")
    at: datetime = Field(description="When the event was recorded; may run against the numbers.")
    event: str
    status: str = Field(description="The card's status after it.")
    invalid: bool = Field(description="Whether the card is one to be stopped.")
    tag: str = Field(description="Keyed hash of the card instance, 16 bytes in hex (see `GET /v1/feed/key`).")
    card: FeedCard | None = Field(default=None, description="Only for the authority that registered it.")


class FeedPage(BaseModel):
    """Events in their order."""

    events: list[FeedEventAnswer]
    head: int = Field(description="The newest number; 0 before the first.")
    more: bool = Field(description="Whether there are further ones: ask `after` the last `seq`.")
    as_of: datetime = Field(description="When `head` was the newest, by the database's clock.")
    key_id: str = Field(description="The key of the tags; with another one every tag is another.")


class FeedKey(BaseModel):
    """The key of the tags. Who holds it can test a card that they know: keep it as the terminal's own key."""

    key: str = Field(description="32 bytes, base64.")
    key_id: str
    algorithm: str = Field(description="How a tag is made; docs/feed.md has the bytes and an example.")
