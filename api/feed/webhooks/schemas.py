"""The requests and answers of the webhooks' routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer
from api.feed.webhooks.addresses import AddressRefused, sound
from api.http.fields import bad_value


def _url(value: str) -> str:
    try:
        return sound(value)
    except AddressRefused as error:
        raise bad_value("webhook_url_invalid") from error


class WebhookBody(Strict):
    """Where to, and from where on."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        max_length=2000, description="`https://…`; `http` only on the service's own machine."
    )
    after: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        strict=True,
        description="The number after which to begin; left out: from now on.",
    )


class WebhookAnswer(BaseModel):
    """A subscription, and how far it is."""

    id: UUID
    institution_id: UUID
    url: str
    names_cards: bool = Field(description="Whether it names the institution's own cards: when an authority made it.")
    created_at: datetime
    acknowledged_seq: int = Field(description="Everything to this number was acknowledged.")
    acknowledged_at: datetime | None
    failures: int = Field(description="Attempts in a row that failed.")
    last_failure: str | None = Field(
        description="`timeout`, `not_reached`, `tls_failed`, `name_unknown`, `address_refused`, `broken_off`, "
        "`status_` and the status, `events_not_ready` or `secret_unreadable`."
    )
    next_try_at: datetime


class WebhookListed(WebhookAnswer):
    """A subscription in a list."""

    ended: bool = Field(description="Whoever made it was disabled: nothing is sent any more.")


class WebhookPage(BaseModel):
    """Subscriptions, newest first."""

    items: list[WebhookListed]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")


class WebhookAdded(WebhookAnswer):
    """A new subscription."""

    key: str | None = Field(description="The secret of the signatures, shown this once.")
    receipt: ReceiptAnswer


class WebhookRemoved(BaseModel):
    """A subscription that was ended."""

    id: UUID
    removed_at: datetime
    receipt: ReceiptAnswer
