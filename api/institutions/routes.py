"""`/v1/me`, `/v1/institutions` and `/v1/principals`."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse

from api.http import sessions
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE
from api.http.signin import AdministratorDep, AttemptDep, CallerDep, ManagerDep, PlacesDep, ServiceDep, SessionDep
from api.institutions import administration, credentials, examples, listing
from api.institutions.administration import once
from api.institutions.parameters import LARGEST_PAGE
from api.institutions.roles import Role
from api.institutions.schemas import (
    EndedAnswer,
    InstitutionAdded,
    InstitutionBody,
    InstitutionPage,
    KeyAdded,
    KeyAnswer,
    KeyBody,
    Me,
    PrincipalAdded,
    PrincipalAnswer,
    PrincipalBody,
    PrincipalPage,
    RotationBody,
)

router = APIRouter(prefix="/v1", tags=["institutions"])

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Entries at once.")]
After = Annotated[UUID | None, Query(description="`next` of the page before.")]


@router.get(
    "/me",
    response_model=Me,
    dependencies=FOR_CONSOLE,
    summary="Who the key in use belongs to",
)
def read_me(service: ServiceDep, caller: CallerDep, session: SessionDep, response: Response) -> Any:
    """Whose key it is, what it may do and how long. A session of the console is renewed: the page asks while somebody
    works there."""
    with service.database.begin() as connection:
        if session is not None:
            sessions.renew(connection, response, service.keys, session)
        return listing.me(connection, caller)


@router.post(
    "/me/key",
    status_code=201,
    response_model=KeyAdded,
    dependencies=LIMITED,
    summary="A new key in place of one's own",
)
def rotate_key(
    service: ServiceDep,
    caller: CallerDep,
    attempt: AttemptDep,
    body: Annotated[RotationBody, Body(openapi_examples=examples.ROTATION)],
) -> JSONResponse:
    """The new key works at once and has the same rights and lifetime; the one in use lives on for `overlap_s`. The
    answer is not repeated: who lost it rotates once more with another idempotency key, before the new key is used."""
    act = partial(administration.rotate_own_key, caller=caller, wish=body)
    return answer(once(service, caller, attempt, act, alone=True))


@router.get("/institutions", response_model=InstitutionPage, summary="Institutions within reach")
def list_institutions(service: ServiceDep, caller: PlacesDep, after: After = None, limit: Limit = 50) -> Any:
    """A supervisor's own institution and its branches, at any depth; all of them for an administrator."""
    with service.database.begin() as connection:
        return listing.institutions_page(connection, caller, after, limit)


@router.post(
    "/institutions",
    status_code=201,
    response_model=InstitutionAdded,
    dependencies=LIMITED,
    summary="Add an institution",
)
def add_institution(
    service: ServiceDep,
    caller: AdministratorDep,
    attempt: AttemptDep,
    body: Annotated[InstitutionBody, Body(openapi_examples=examples.INSTITUTION)],
) -> JSONResponse:
    """An uppermost institution, such as a bank. For administrators."""
    act = partial(administration.add_institution, caller=caller, name=body.name, parent_id=None)
    return answer(once(service, caller, attempt, act))


@router.post(
    "/institutions/{institution_id}/branches",
    status_code=201,
    response_model=InstitutionAdded,
    dependencies=LIMITED,
    summary="Add a branch to an institution",
)
def add_branch(
    service: ServiceDep,
    caller: PlacesDep,
    attempt: AttemptDep,
    institution_id: UUID,
    body: Annotated[InstitutionBody, Body(openapi_examples=examples.BRANCH)],
) -> JSONResponse:
    """A branch never moves. Supervisors add branches below their own institution."""
    act = partial(administration.add_institution, caller=caller, name=body.name, parent_id=institution_id)
    return answer(once(service, caller, attempt, act))


@router.get("/principals", response_model=PrincipalPage, summary="Terminals and people within reach")
def list_principals(
    service: ServiceDep,
    caller: ManagerDep,
    institution: Annotated[UUID | None, Query(description="Of this institution only, without its branches.")] = None,
    role: Role | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Any:
    """Those of the caller's institution and its branches; everybody for an administrator."""
    with service.database.begin() as connection:
        return listing.principals_page(connection, caller, institution, role, after, limit)


@router.post(
    "/principals",
    status_code=201,
    response_model=PrincipalAdded,
    dependencies=LIMITED,
    summary="Add a terminal or a member of staff",
)
def add_principal(
    service: ServiceDep,
    caller: ManagerDep,
    attempt: AttemptDep,
    body: Annotated[PrincipalBody, Body(openapi_examples=examples.PRINCIPAL)],
) -> JSONResponse:
    """Supervisors add terminals, operators and supervisors; administrators add authorities, supervisors, regulators,
    evaluators and administrators. The key is shown this once."""
    return answer(once(service, caller, attempt, partial(administration.add_principal, caller=caller, wish=body)))


@router.get(
    "/principals/{principal_id}",
    response_model=PrincipalAnswer,
    summary="A terminal or a member of staff",
)
def read_principal(service: ServiceDep, caller: ManagerDep, principal_id: UUID) -> Any:
    """Others than those within the caller's reach are not found."""
    with service.database.begin() as connection:
        return listing.principal(administration.require_principal(connection, caller, principal_id))


@router.delete(
    "/principals/{principal_id}",
    response_model=EndedAnswer,
    dependencies=LIMITED,
    summary="Disable a principal for good",
)
def end_principal(service: ServiceDep, caller: ManagerDep, attempt: AttemptDep, principal_id: UUID) -> JSONResponse:
    """All its keys end at once: once this is answered, nothing is decided under any of them. What it did stays."""
    act = partial(administration.end_principal, caller=caller, principal_id=principal_id)
    return answer(once(service, caller, attempt, act, status=200))


@router.get(
    "/principals/{principal_id}/keys",
    response_model=list[KeyAnswer],
    summary="The keys of a principal, newest first",
)
def list_keys(service: ServiceDep, caller: ManagerDep, principal_id: UUID) -> Any:
    """Live and ended ones, without the keys themselves, which nobody has but their holders."""
    with service.database.begin() as connection:
        administration.require_principal(connection, caller, principal_id)
        return credentials.of_principal(connection, principal_id)


@router.post(
    "/principals/{principal_id}/keys",
    status_code=201,
    response_model=KeyAdded,
    dependencies=LIMITED,
    summary="Give a principal another key",
)
def add_key(
    service: ServiceDep,
    caller: ManagerDep,
    attempt: AttemptDep,
    principal_id: UUID,
    body: Annotated[KeyBody, Body(openapi_examples=examples.KEY)],
) -> JSONResponse:
    """Beside those that it has. Nobody gives rights that their own key lacks."""
    act = partial(administration.add_key, caller=caller, principal_id=principal_id, wish=body)
    return answer(once(service, caller, attempt, act))


@router.delete(
    "/principals/{principal_id}/keys/{key_id}",
    response_model=EndedAnswer,
    dependencies=LIMITED,
    summary="Revoke a key",
)
def end_key(
    service: ServiceDep, caller: ManagerDep, attempt: AttemptDep, principal_id: UUID, key_id: UUID
) -> JSONResponse:
    """Once this is answered, nothing is decided under the key, requests in flight included."""
    act = partial(administration.end_key, caller=caller, principal_id=principal_id, key_id=key_id)
    return answer(once(service, caller, attempt, act, status=200))
