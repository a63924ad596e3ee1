"""Sessions of our own pages: a key, sealed into a cookie that no script can read.

A page cannot keep a bearer key where scripts do not reach it, so the service keeps it for the page: the cookie holds
the key under the deployment's master key, and every request opens it and signs in with the key as if it had been sent.
Nothing is stored, any replica answers, and a revoked key ends its sessions at once. See docs/pages.md for what this
stands against.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from sqlalchemy import Connection, text

from api.errors import ServiceError
from api.institutions.roles import Scope
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_presented, seal_text
from api.storage.statements import Carrier, Statement

Kind = Literal["counter", "kiosk", "terminal", "operator", "person"]
"""Whose key it is: that of the counter's or the kiosk's terminal, the operator's beside the counter's, or that of
somebody at the console. `terminal`: one cookie for counter and kiosk, of pages from before each had its own."""

PAGE_HEADER = "renzheng-page"
"""Every request of a page bears it and says which; another site's page cannot add it: the browser would ask us."""

PAGE_KINDS: dict[str, tuple[Kind, ...]] = {
    "counter": ("counter", "terminal", "operator"),
    "kiosk": ("kiosk", "terminal"),
    "console": ("person",),
    "1": ("terminal", "operator"),  # of a page from before, that is still open
}
"""By the header's value, whose sessions a page uses, the first that is there: a browser in which all pages are open
mixes nobody up, and a terminal that was set up before each page had its own cookie stays set up."""

SESSION_SCOPES: dict[Kind, frozenset[Scope]] = {
    "counter": frozenset({Scope.VERIFY, Scope.SERVE_HOLDERS}),
    "kiosk": frozenset({Scope.VERIFY}),
    "terminal": frozenset({Scope.VERIFY, Scope.SERVE_HOLDERS}),
    # Who goes on in spite of a decision has to see it.
    "operator": frozenset({Scope.OVERRIDE, Scope.READ_VERIFICATIONS}),
    "person": frozenset(
        {
            Scope.READ_VERIFICATIONS,
            Scope.READ_CARDS,
            Scope.REPORT_CARDS,
            Scope.FOLLOW_FEED,
            Scope.HANDLE_ALERTS,
            Scope.MANAGE_IMPOSTORS,
            Scope.READ_CASES,
            Scope.READ_DUPLICATES,
            Scope.DECIDE_DUPLICATES,
            Scope.APPROVE_OVERRIDES,
            Scope.RESOLVE_DISPUTES,
            Scope.READ_ACCOUNTS,
            Scope.READ_EVIDENCE,
        }
    ),
}
"""All that a session may do, whatever its key may. None makes keys, or people."""

OPERATOR_S = 12 * 3600
"""A shift: how long an operator stays signed in at a counter, and anybody at the console."""

ATTENDED_S: dict[Kind, int] = {"person": 20 * 60}
"""Within a shift, how long a session lasts unless its page renews it, which it does while somebody works there: a
browser that was closed, or that lost the service while somebody signed out, is signed out by itself."""

# `__Host-`: the browser takes it from us alone, over TLS (or this machine), for the whole site.
_COOKIE = "__Host-renzheng-{kind}"
_CONTEXT = "page session of a {kind}"
_LASTS = Statement("SELECT clock_timestamp() < %(until)s AS lasts")


@dataclass(frozen=True)
class Session:
    """What a cookie holds: the key, until when the session lasts, and beyond what time it is not renewed."""

    kind: Kind
    key: str = field(repr=False)
    until: datetime
    end: datetime


class Mark:
    """A dependency of routes that pages use: whose sessions they take. No other route looks at cookies."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    async def __call__(self, request: Request) -> None:
        """Note it for those who sign in."""
        request.state.session_kinds = self.kinds


_TERMINALS: tuple[Kind, ...] = ("counter", "kiosk", "terminal")
FOR_PAGES = [Depends(Mark(*_TERMINALS))]
FOR_OPERATORS = [Depends(Mark("operator"))]
FOR_CONSOLE = [Depends(Mark("person"))]
FOR_OPERATORS_AND_CONSOLE = [Depends(Mark("operator", "person"))]


def begin(connection: Connection, response: Response, keys: Keys, kind: Kind, key: str, lasts_s: int) -> Session:
    """Put a session into the answer's cookie; it ends after `lasts_s` at the latest (see `ATTENDED_S`)."""
    now = _now(connection)
    return _put(response, keys, kind, key, now, now + timedelta(seconds=lasts_s))


def move(connection: Connection, response: Response, keys: Keys, session: Session, kind: Kind) -> None:
    """Put a session into another kind's cookie too, until the same time. The former one stays for who still uses it."""
    _put(response, keys, kind, session.key, _now(connection), session.end)


def renew(connection: Connection, response: Response, keys: Keys, session: Session) -> Session:
    """Put a session that lasts into the answer's cookie again, as long as at first, and never past its end."""
    return _put(response, keys, session.kind, session.key, _now(connection), session.end)


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now


def _put(response: Response, keys: Keys, kind: Kind, key: str, now: datetime, end: datetime) -> Session:
    attended_s = ATTENDED_S.get(kind)
    until = end if attended_s is None else min(end, now + timedelta(seconds=attended_s))
    session = Session(kind, key, until, end)
    content = json.dumps([key, until.timestamp(), end.timestamp()]).encode()
    sealed = seal_text(keys, content, _CONTEXT.format(kind=kind))
    # Without its padding, for which a cookie's value would have to be quoted.
    value = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    lasts_s = max(0, round((until - now).total_seconds()))
    response.set_cookie(
        _COOKIE.format(kind=kind), value, max_age=lasts_s, secure=True, httponly=True, samesite="strict"
    )
    return session


def end(response: Response, kind: Kind) -> None:
    """Have the browser forget a session."""
    response.delete_cookie(_COOKIE.format(kind=kind), secure=True, httponly=True, samesite="strict")


def held(request: Request, keys: Keys) -> Session | None:
    """The session in whose name a page asks; None on routes that are not for its page, and where there is no cookie.

    Raises `page_request_foreign` for a request that no page of ours sent, `session_invalid` for a cookie that does not
    open: of another deployment, or damaged.
    """
    kinds: tuple[Kind, ...] = getattr(request.state, "session_kinds", ())
    brought = [kind for kind in kinds if _COOKIE.format(kind=kind) in request.cookies]
    if brought:
        refuse_foreign(request)
    return next((_opened(request, keys, kind) for kind in kinds_of(request) if kind in brought), None)


def kinds_of(request: Request) -> tuple[Kind, ...]:
    """Whose sessions the page that asks uses; none where no page of ours does."""
    return PAGE_KINDS.get(request.headers.get(PAGE_HEADER, ""), ())


def terminal_kind(request: Request) -> Kind:
    """Under which kind the page that asks keeps its terminal's key."""
    return next((kind for kind in kinds_of(request) if kind in _TERMINALS), "terminal")


def attending(request: Request, keys: Keys) -> Session | None:
    """The session of the operator who stands beside the counter's, on the routes that take one.

    Raises `page_request_foreign` as `held` does, and `operator_not_allowed` for a cookie that does not open: it is the
    operator who has to sign in again, and not the terminal that is not set up.
    """
    if not set(_TERMINALS) & set(getattr(request.state, "session_kinds", ())):
        return None
    if _COOKIE.format(kind="operator") not in request.cookies:
        return None
    refuse_foreign(request)
    if "operator" not in kinds_of(request):
        return None
    try:
        return _opened(request, keys, "operator")
    except ServiceError as error:
        raise ServiceError("operator_not_allowed") from error


def _opened(request: Request, keys: Keys, kind: Kind) -> Session:
    cookie = request.cookies[_COOKIE.format(kind=kind)]
    try:
        sealed = base64.urlsafe_b64decode(cookie.encode("ascii") + b"=" * (-len(cookie) % 4))
        # Cookies of before sessions were renewed have no end of their own.
        key, until, *end = json.loads(open_presented(keys, sealed, _CONTEXT.format(kind=kind)))
    except (binascii.Error, UnicodeEncodeError, SealBroken) as error:
        raise ServiceError("session_invalid") from error
    return Session(kind, key, *(datetime.fromtimestamp(one, UTC) for one in (until, *(end or [until]))))


def refuse_foreign(request: Request) -> None:
    """Raises `page_request_foreign` unless a page of ours sent the request.

    The cookie is not sent for other sites' pages (SameSite); this holds where a browser does not know that, and
    against pages of other ports and neighbouring hosts, which count as the same site.
    """
    ours = request.headers.get(PAGE_HEADER) in PAGE_KINDS
    fetched = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetched is not None:
        ours = ours and fetched == "same-origin"
    elif origin is not None:
        ours = ours and urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise ServiceError("page_request_foreign")


def lasts(connection: Carrier, session: Session) -> bool:
    """Whether a session's time is not over, by the database's clock."""
    return bool(_LASTS.run(connection, until=session.until).fetchone().lasts)
