"""`GET /v1/feed`, in pages or as a stream, and `GET /v1/feed/key`."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.responses import Response

from api.cards.leaves import written
from api.errors import ServiceError
from api.feed import frames, records
from api.feed.parameters import LARGEST_PAGE, PAGE_EVENTS
from api.feed.schemas import FeedKey, FeedPage
from api.feed.stream import FeedStream
from api.http.sessions import FOR_CONSOLE
from api.http.signin import Holder, ServiceDep, SessionDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.service import Service
from api.terminal.naming import key_id

router = APIRouter(prefix="/v1/feed", tags=["feed"])

FollowerDep = Annotated[Caller, Depends(Holder(Scope.FOLLOW_FEED))]
STREAM = "text/event-stream"
_ALGORITHM = "BLAKE2b, 16 bytes, personalised renzheng card v1"
_LARGEST = 2**63 - 1
Place = Annotated[int, Query(ge=0, le=_LARGEST, description="The number of the last event that is known; 0: none.")]


@router.get(
    "",
    response_model=FeedPage,
    dependencies=FOR_CONSOLE,
    summary="Every change of a card's status, in order",
)
async def follow(
    service: ServiceDep,
    caller: FollowerDep,
    session: SessionDep,
    after: Place = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Events of a page.")] = PAGE_EVENTS,
    accept: Annotated[str, Header(description="With `text/event-stream` the answer is a stream.")] = "",
    last_event_id: Annotated[
        int | None, Header(ge=0, le=_LARGEST, description="Of a stream that broke off; goes before `after`.")
    ] = None,
) -> Response:
    """A page of JSON or, with `Accept: text/event-stream`, server-sent events for as long as the client stays: an event
    has its number as `id` and the form of a page's `events` as `data`; `event: head` is a heartbeat with `head`,
    `as_of` and `key_id`. Numbers have no gaps: who misses one asks after the last that they have.

    A number that is not reached yet is refused (`feed_position_unknown`): the register was restored to an earlier
    point, and what was heard of it since did not happen here."""
    if STREAM not in accept.lower():
        return await run_in_threadpool(_page, service, caller, after, limit)
    begin = after if last_event_id is None else last_event_id
    if begin > service.feed.ring.last:
        await run_in_threadpool(_require_reached, service, begin)
    return FeedStream(service.feed, service.database, caller, begin, None if session is None else session.until)


@router.get("/key", response_model=FeedKey, summary="The key of the tags")
async def read_key(service: ServiceDep, caller: FollowerDep) -> Any:  # noqa: ARG001 - the right is the caller's
    """For terminals, which find a card in the feed, or in the filter of invalid ones, by its tag."""
    key = service.keys.feed
    return FeedKey(
        key=base64.b64encode(key).decode(), key_id=key_id(key), algorithm="BLAKE2b-128 keyed, renzheng card v1"
    )


def _page(service: Service, caller: Caller, after: int, limit: int) -> JSONResponse:
    institution_id = frames.reader(caller)
    with service.database.begin() as connection:
        # The head first: then all up to it is there to be read.
        head = records.head(connection)
        if after > head.seq:
            raise ServiceError("feed_position_unknown")
        events = records.page(connection, after, limit, head.seq)
    return JSONResponse(
        {
            "events": [frames.shown(one, institution_id) for one in events],
            "head": head.seq,
            "more": after + len(events) < head.seq,
            "as_of": written(head.as_of),
            "key_id": head.key_id,
        }
    )


def _require_reached(service: Service, seq: int) -> None:
    """Whether a number that this replica has not read yet is there. Raises `ServiceError` `feed_position_unknown`."""
    with service.database.begin() as connection:
        if seq > records.head(connection).seq:
            raise ServiceError("feed_position_unknown")
