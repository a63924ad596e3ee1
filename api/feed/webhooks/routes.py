"""`/v1/feed/webhooks`."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse

from api.feed.webhooks import subscriptions
from api.feed.webhooks.schemas import WebhookAdded, WebhookBody, WebhookPage, WebhookRemoved
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.administration import once
from api.institutions.caller import Caller
from api.institutions.roles import Scope

router = APIRouter(prefix="/v1/feed/webhooks", tags=["feed"])

SubscriberDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_WEBHOOKS))]
_EXAMPLES: Any = {
    "from now on": {"summary": "What happens from now on", "value": {"url": "https://hooks.bank.example/renzheng"}},
    "from the first": {
        "summary": "Everything, from the first number on",
        "value": {"url": "https://hooks.bank.example/renzheng", "after": 0},
    },
}


@router.get("", response_model=WebhookPage, summary="Webhooks within reach")
def list_webhooks(
    service: ServiceDep,
    caller: SubscriberDep,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    """Those of the caller's institution and its branches, with how far each is and what failed last."""
    with service.database.begin() as connection:
        return subscriptions.page(connection, caller, after, limit)


@router.post(
    "",
    status_code=201,
    response_model=WebhookAdded,
    dependencies=LIMITED,
    summary="Have the feed sent to an address",
)
def add_webhook(
    service: ServiceDep,
    caller: SubscriberDep,
    attempt: AttemptDep,
    body: Annotated[WebhookBody, Body(openapi_examples=_EXAMPLES)],
) -> JSONResponse:
    """Events are posted in order, up to a hundred in a message, signed with the secret that is shown this once, and
    sent again until the address answers 2xx. See docs/feed.md."""
    act = partial(subscriptions.add, caller=caller, url=body.url, after=body.after)
    done = once(service, caller, attempt, act)
    service.webhooks.wake()
    return answer(done)


@router.delete(
    "/{webhook_id}",
    response_model=WebhookRemoved,
    dependencies=LIMITED,
    summary="End a webhook",
)
def remove_webhook(service: ServiceDep, caller: SubscriberDep, attempt: AttemptDep, webhook_id: UUID) -> JSONResponse:
    """A message that is on its way may still arrive."""
    act = partial(subscriptions.remove, caller=caller, webhook_id=webhook_id)
    return answer(once(service, caller, attempt, act, status=200))
