"""`/v1/duplicates`: cases of one person with two identities, read and decided. Nobody searches here."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, Row

from api.cards.leaves import written
from api.duplicates import records, rules, searches
from api.duplicates.parameters import DECIMALS, DIGITS, LARGEST_PAGE, PAGE_CASES
from api.duplicates.schemas import DuplicateAnswer, DuplicateDecided, DuplicateDecision, DuplicatesPage
from api.duplicates.words import CaseKind, State
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.limits import LIMITED
from api.http.sessions import FOR_CONSOLE
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.service import Service

router = APIRouter(prefix="/v1/duplicates", tags=["duplicates"])

CaseReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_DUPLICATES))]
DeciderDep = Annotated[Caller, Depends(Holder(Scope.DECIDE_DUPLICATES))]


@router.get(
    "",
    response_model=DuplicatesPage,
    dependencies=FOR_CONSOLE,
    summary="Cases of one person with two identities, the strongest first",
)
def list_duplicates(
    service: ServiceDep,
    caller: CaseReaderDep,
    state: State | None = None,
    kind: CaseKind | None = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_CASES,
) -> JSONResponse:
    """Cases with somebody who holds a card that the caller's institution, or a branch of it, registered. A search by
    `renzheng deduplicate` makes them."""
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, state=state, kind=kind, after=after, limit=limit)
        items = _shown(connection, service, caller, rows)
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/{duplicate_id}",
    response_model=DuplicateAnswer,
    dependencies=FOR_CONSOLE,
    summary="A case, with the scores side by side",
)
def read_duplicate(service: ServiceDep, caller: CaseReaderDep, duplicate_id: UUID) -> JSONResponse:
    """With the log-likelihood ratio of the faces and of each finger that both hold."""
    with service.database.begin() as connection:
        found = records.find(connection, caller, duplicate_id)
        if found is None:
            raise ServiceError("not_found")
        (case,) = _shown(connection, service, caller, [found])
    return JSONResponse(case)


@router.post(
    "/{duplicate_id}/decide",
    response_model=DuplicateDecided,
    dependencies=[*LIMITED, *FOR_CONSOLE],
    summary="Decide a case, or propose to",
)
def decide(
    service: ServiceDep,
    caller: DeciderDep,
    attempt: AttemptDep,
    duplicate_id: UUID,
    body: Annotated[DuplicateDecision, Body(openapi_examples=examples.DUPLICATE_DECISION)],
) -> JSONResponse:
    """That it is one person takes two who say so; that it is not takes one. No card changes by it: what is to happen to
    the cards is reported of the cards."""
    return answer(receipts.completed(service, rules.decide(service, caller, attempt, duplicate_id, body.decision())))


def _shown(connection: Connection, service: Service, caller: Caller, rows: list[Row[Any]]) -> list[dict[str, Any]]:
    case_ids = [row.id for row in rows]
    people = records.people_of(connection, caller, case_ids)
    pairs = records.pairs_of(connection, case_ids)
    found_in = searches.of_ids(connection, caller, {row.found_in for row in rows})
    reads_cases = Scope.READ_CASES in caller.scopes
    return [
        {
            **rules.shown(row),
            "members": people[row.id],
            "pairs": [_pair(one) for one in pairs[row.id]],
            "found_in": _search(service, found_in[row.found_in], reads_cases=reads_cases),
        }
        for row in rows
    ]


def _pair(row: Row[Any]) -> dict[str, Any]:
    """Ratios and rates; the raw scores stay here."""
    return {
        "first": str(row.first),
        "second": str(row.second),
        "kind": row.kind,
        "llr": round(row.llr, DECIMALS),
        "fmr": float(f"{row.scores['fmr']:.{DIGITS}g}"),
        "extrapolated": row.scores["extrapolated"],
        "face_llr": round(row.scores["face"]["llr"], DECIMALS),
        "fingers": [{"position": one["position"], "llr": round(one["llr"], DECIMALS)} for one in row.scores["fingers"]],
    }


def _search(service: Service, row: Row[Any], *, reads_cases: bool) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "begun_at": written(row.begun_at),
        "purpose": row.purpose,
        "case_reference": searches.case_of(service.keys, row) if reads_cases and row.own else None,
    }
