"""`/v1/session`: how the service's own pages sign in; see `sessions.py`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from api.errors import ServiceError
from api.http import sessions
from api.http.sessions import FOR_PAGES, OPERATOR_S
from api.http.signin import ConsoleDep, OperatorDep, ServiceDep, SessionDep, VerifierDep, bearer_scheme
from api.institutions import listing
from api.institutions.schemas import Channel

router = APIRouter(prefix="/v1/session", tags=["pages"])

_DAY_S = 24 * 3600


class SessionAnswer(BaseModel):
    """Who is signed in at a page."""

    terminal: str
    institution: str
    channel: Channel | None = Field(description="Null: the terminal serves either.")
    operator: str | None = Field(description="The member of staff who signed in, where one did.")


class SessionBegun(BaseModel):
    """A session that began; it stands in a cookie that scripts cannot read."""

    name: str = Field(description="Of the terminal, or of the operator.")
    expires_at: datetime


class SessionEnded(BaseModel):
    """The cookies are taken back."""

    ended: Literal[True]


@router.post(
    "",
    status_code=201,
    response_model=SessionBegun,
    summary="Sign a page in as a terminal",
)
def begin_session(
    request: Request,
    service: ServiceDep,
    caller: VerifierDep,
    bearer: Annotated[Any, Depends(bearer_scheme)],
    response: Response,
) -> SessionBegun:
    """Under the terminal's own key, once, when the terminal is set up. The cookie is the page's that asks (counter or
    kiosk, which the header `Renzheng-Page` says); it works on the routes that the page uses and nowhere else, for
    `RENZHENG_PAGE_SESSION_DAYS`, and ends at once with its key. There is no body. A key whose requests are signed is
    refused (`signature_missing`): a page cannot sign."""
    if caller.public_key is not None:
        raise ServiceError("signature_missing")
    with service.database.begin() as connection:
        name = listing.me(connection, caller)["name"]
        lasts_s = service.settings.page_session_days * _DAY_S
        kind = sessions.terminal_kind(request)
        session = sessions.begin(connection, response, service.keys, kind, bearer.credentials, lasts_s)
    return SessionBegun(name=name, expires_at=session.until)


@router.get(
    "",
    response_model=SessionAnswer,
    dependencies=FOR_PAGES,
    summary="Who is signed in at this page",
)
def read_session(
    request: Request,
    service: ServiceDep,
    caller: VerifierDep,
    operator: OperatorDep,
    session: SessionDep,
    response: Response,
) -> SessionAnswer:
    """The terminal, its institution, and the operator at the counter. A session from before counter and kiosk had a
    cookie each becomes that of the page that asks, if it is of its channel, and else is none of its own."""
    kind = sessions.terminal_kind(request)
    with service.database.begin() as connection:
        terminal = listing.me(connection, caller)
        if session is not None and session.kind != kind:
            if terminal["channel"] not in {None, kind}:
                raise ServiceError("session_invalid")
            sessions.move(connection, response, service.keys, session, kind)
        attending = None if operator is None else listing.me(connection, operator)["name"]
    return SessionAnswer(
        terminal=terminal["name"],
        institution=terminal["institution"]["name"],
        channel=terminal["channel"],
        operator=attending,
    )


@router.post(
    "/operator",
    status_code=201,
    response_model=SessionBegun,
    dependencies=FOR_PAGES,
    summary="Sign an operator in at a counter's page",
)
def begin_attending(
    service: ServiceDep,
    caller: VerifierDep,
    operator_key: Annotated[str, Header(description="The operator's own key.")],
    operator: OperatorDep,
    response: Response,
) -> SessionBegun:
    """For a shift, twelve hours; from then on the page's verifications name the operator. There is no body."""
    del caller
    assert operator is not None  # the header is there
    with service.database.begin() as connection:
        name = listing.me(connection, operator)["name"]
        session = sessions.begin(connection, response, service.keys, "operator", operator_key, OPERATOR_S)
    return SessionBegun(name=name, expires_at=session.until)


@router.post(
    "/console",
    status_code=201,
    response_model=SessionBegun,
    summary="Sign somebody in at the console",
)
def begin_console(
    service: ServiceDep,
    caller: ConsoleDep,
    bearer: Annotated[Any, Depends(bearer_scheme)],
    response: Response,
) -> SessionBegun:
    """Under their own key, for a shift of twelve hours at most: it ends after twenty minutes (`expires_at`) in which
    `GET /v1/me`, which tells what the session may, was not asked under it. There is no body. A key
    whose requests are signed is refused (`signature_missing`)."""
    if caller.public_key is not None:
        raise ServiceError("signature_missing")
    with service.database.begin() as connection:
        name = listing.me(connection, caller)["name"]
        session = sessions.begin(connection, response, service.keys, "person", bearer.credentials, OPERATOR_S)
    return SessionBegun(name=name, expires_at=session.until)


@router.post("/end", response_model=SessionEnded, summary="Sign a page out")
def end_session(
    request: Request,
    response: Response,
    only: Annotated[
        Literal["operator", "console"] | None,
        Query(description="`operator`: the terminal stays signed in; `console`: whoever is at the console alone."),
    ] = None,
) -> SessionEnded:
    """Takes the cookies of the page that asks back; needs no key, and the header `Renzheng-Page`. The keys themselves
    live on: who wants to end those revokes them."""
    sessions.refuse_foreign(request)
    wanted: dict[str | None, sessions.Kind | None] = {None: None, "operator": "operator", "console": "person"}
    for kind in sessions.kinds_of(request):
        if wanted[only] in {None, kind}:
            sessions.end(response, kind)
    return SessionEnded(ended=True)
