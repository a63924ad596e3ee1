"""What routes depend on: the service, the signed-in caller, the idempotency key."""

import math
import re
from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.client import asking
from api.errors import ServiceError
from api.http import limits, sessions, signatures
from api.http.sessions import SESSION_SCOPES, Session
from api.http.signatures import SignedRequest, signed_request
from api.http.threads import on_thread
from api.institutions import buckets, principals
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.service import Service
from api.storage.idempotency import Attempt
from api.storage.sealing import keyed_hash
from api.storage.statements import Carrier

bearer_scheme = HTTPBearer(auto_error=False, description="A terminal's key, made by `renzheng terminals add`.")
# In an address it stands as it is.
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+", re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,128}")


# What waits for nothing is a coroutine: a plain function would be sent to a thread and waited for, on every request.
async def get_service(request: Request) -> Service:
    """The running service."""
    return cast(Service, request.app.state.service)


ServiceDep = Annotated[Service, Depends(get_service)]


_STATE = "caller"


async def get_caller(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> Caller:
    """The signed-in caller; under a key with a public key the request is signed, others' signatures are passed over.

    On a limited route it takes a request from the caller's bucket; not before the signature was found good, lest
    others empty it. On a route for pages, a page's session stands for a key. Raises `key_missing`, `key_invalid`,
    `signature_missing`, `_invalid`, `_expired` or `_replayed`, `session_invalid`, `page_request_foreign`, and
    `rate_limited` with the seconds to wait.
    """
    caller: Caller | None = getattr(request.state, _STATE, None)
    if caller is None:
        service: Service = request.app.state.service
        session = None if bearer is not None else sessions.held(request, service.keys)
        key = _key_of(bearer or session)
        limit = service.settings.requests_per_minute if limits.is_limited(request) else None
        signed = await signed_request(request)
        caller = await on_thread(_sign_in, service, key, signed, limit, session)
        request.state.session = session
        setattr(request.state, _STATE, caller)
    return caller


async def get_session(request: Request) -> Session | None:
    """The page's session under which the caller signed in, None where they sent a key. Raises as `get_caller`."""
    await _caller(request)
    session: Session | None = request.state.session
    return session


SessionDep = Annotated[Session | None, Depends(get_session)]


def _key_of(presented: HTTPAuthorizationCredentials | Session | None) -> str:
    if presented is None:
        raise ServiceError("key_missing")
    return presented.key if isinstance(presented, Session) else presented.credentials


async def _caller(request: Request) -> Caller:
    """As `get_caller`, for what other dependencies of a route ask for: a dependency that is named in another one is
    looked through again with everything below it, each time."""
    known: Caller | None = getattr(request.state, _STATE, None)
    return known or await get_caller(request, await bearer_scheme(request))


def _sign_in(
    service: Service, key: str, signed: SignedRequest | None, limit: int | None, session: Session | None
) -> Caller:
    with service.database.line() as connection:
        if session is not None and not sessions.lasts(connection, session):
            raise ServiceError("session_invalid")
        if limit is None:
            caller, had_room = principals.authenticate(connection, key), True
        else:
            caller, had_room = principals.authenticate_and_take(connection, key, limit)
        if caller is None:
            raise ServiceError("key_invalid")
        if caller.public_key is not None:
            signatures.use(connection, service.keys, caller, signatures.check(caller.public_key, signed))
        if limit is not None and not had_room:
            _find_room(connection, caller, limit)
    return caller if session is None else replace(caller, scopes=caller.scopes & SESSION_SCOPES[session.kind])


def _find_room(connection: Carrier, caller: Caller, limit: int) -> None:
    """Where signing in took no request from the bucket: because it was empty, or because a signature was needed."""
    per_minute = limit if caller.requests_per_minute is None else caller.requests_per_minute
    ask = buckets.wait_s if caller.public_key is None else buckets.take
    wait_s = ask(connection, caller.principal_id, per_minute)
    if wait_s > 0 or caller.public_key is None:
        raise ServiceError("rate_limited", retry_after_s=max(1, math.ceil(wait_s)))


CallerDep = Annotated[Caller, Depends(get_caller)]


class Holder:
    """A dependency: the caller, who must hold one of the rights. Raises `role_not_allowed`.

    The rights stand in the OpenAPI document too (`x-scopes`), from which a test walks every route with every role.
    """

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes

    async def __call__(self, caller: CallerDep) -> Caller:
        """Check the rights."""
        if caller.scopes.isdisjoint(self.scopes):
            raise ServiceError("role_not_allowed")
        return caller


async def get_operator(
    request: Request,
    operator_key: Annotated[
        str | None, Header(description="The key of the operator at the counter, beside the terminal's own.")
    ] = None,
) -> Caller | None:
    """The member of staff at the counter, None where the terminal names none. Raises `operator_not_allowed`.

    A page names the operator who signed in at it. Whoever decides holds this key too (`credentials.hold`).
    """
    caller = await _caller(request)
    service: Service = request.app.state.service
    session = sessions.attending(request, service.keys) if operator_key is None else None
    key = operator_key if session is None else session.key
    if key is None:
        return None
    return await on_thread(_attending, service, caller, key, session)


def _attending(service: Service, caller: Caller, operator_key: str, session: Session | None) -> Caller:
    with service.database.single() as connection:
        over = session is not None and not sessions.lasts(connection, session)
        operator = None if over else principals.attending(connection, operator_key, caller)
    if operator is None:
        raise ServiceError("operator_not_allowed")
    return operator


OperatorDep = Annotated[Caller | None, Depends(get_operator)]

VerifierDep = Annotated[Caller, Depends(Holder(Scope.VERIFY))]
DecisionReaderDep = Annotated[Caller, Depends(Holder(Scope.VERIFY, Scope.READ_VERIFICATIONS))]
RegistrarDep = Annotated[Caller, Depends(Holder(Scope.REGISTER_CARDS))]
ManagerDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_PRINCIPALS))]
PlacesDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_PRINCIPALS, Scope.MANAGE_INSTITUTIONS))]
AdministratorDep = Annotated[Caller, Depends(Holder(Scope.MANAGE_INSTITUTIONS))]
ReporterDep = Annotated[Caller, Depends(Holder(Scope.REPORT_CARDS))]
# Who finds something to do at the console: authorities, supervisors, regulators and evaluators.
CONSOLE = frozenset(
    {Scope.READ_CARDS, Scope.HANDLE_ALERTS, Scope.APPROVE_OVERRIDES, Scope.READ_ACCOUNTS, Scope.READ_EVIDENCE}
)
ConsoleDep = Annotated[Caller, Depends(Holder(*CONSOLE))]


async def get_attempt(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Required: 1 to 128 visible ASCII characters, one for every new request. The same request sent "
            "again under it is answered as before, and nothing is done twice."
        ),
    ] = None,
    answer_salt: Annotated[
        str | None,
        Header(
            pattern=asking.FORM,
            description="32 bytes by chance in hex, one for every new request, the same when it is sent again. The "
            "receipt's leaf then holds `asked`, by which the answer is known to be one to this very request.",
        ),
    ] = None,
) -> Attempt:
    """The request under its idempotency key. Raises `idempotency_key_missing` and `idempotency_key_invalid`."""
    caller = await _caller(request)
    if idempotency_key is None:
        raise ServiceError("idempotency_key_missing")
    if _IDEMPOTENCY_KEY.fullmatch(idempotency_key) is None:
        raise ServiceError("idempotency_key_invalid")
    # Keyed: it stands in evidence, and the number in a short request could be found by trying.
    body = await request.body()
    keys = cast(Service, request.app.state.service).keys
    path = _path(request)
    digest = keyed_hash(keys.index, "request", request.method, path, body)
    asked = None if answer_salt is None else asking.asked(answer_salt, request.method, path, body)
    return Attempt(caller.principal_id, idempotency_key, digest, asked)


def _path(request: Request) -> str:
    """As `request.url.path`, for which an address is put together and taken apart again."""
    path: str = request.scope["path"]
    return path if _PLAIN_PATH.fullmatch(path) is not None else request.url.path


# Every route that changes something asks for it; a test walks the routes.
AttemptDep = Annotated[Attempt, Depends(get_attempt)]
