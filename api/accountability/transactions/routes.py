"""`/v1/transactions`: reported by terminals, one or many at once; read by those who answer for them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from api.accountability.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.accountability.transactions import records, references, reporting
from api.accountability.transactions.judging import Cause
from api.accountability.transactions.schemas import (
    Kind,
    TransactionAnswer,
    TransactionBody,
    TransactionReported,
    TransactionsBody,
    TransactionsPage,
    TransactionsReported,
)
from api.errors import ServiceError
from api.evidence import receipts
from api.http import examples
from api.http.answers import answer
from api.http.fields import Instant
from api.http.limits import LIMITED
from api.http.signin import AttemptDep, Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import READ_ALL_ACCOUNTS, Scope
from api.service import Service
from api.storage.keys import Keys

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])

ReporterDep = Annotated[Caller, Depends(Holder(Scope.REPORT_TRANSACTIONS))]
ReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_ACCOUNTS))]
OneReaderDep = Annotated[Caller, Depends(Holder(Scope.REPORT_TRANSACTIONS, Scope.READ_ACCOUNTS))]


@router.post(
    "",
    response_model=TransactionReported,
    dependencies=LIMITED,
    summary="Report a business transaction",
)
def report_transaction(
    service: ServiceDep,
    caller: ReporterDep,
    attempt: AttemptDep,
    body: Annotated[TransactionBody, Body(openapi_examples=examples.TRANSACTION)],
) -> JSONResponse:
    """Answers whether it needed a check and whether it has it: `omission` says why not. It is recorded either way."""
    stored = reporting.report(service, caller, attempt, [body.told()])
    (item,) = stored.answer["items"]
    return JSONResponse(receipts.complete(service, item, new=stored.new), stored.status_code)


@router.post(
    "/batch",
    response_model=TransactionsReported,
    dependencies=LIMITED,
    summary="Report many business transactions at once",
)
def report_transactions(
    service: ServiceDep,
    caller: ReporterDep,
    attempt: AttemptDep,
    body: Annotated[TransactionsBody, Body(openapi_examples=examples.TRANSACTIONS)],
) -> JSONResponse:
    """All of them, or none. The receipts are promises: their leaves' places are proven by `/v1/evidence/inclusion`."""
    return answer(reporting.report(service, caller, attempt, [one.told() for one in body.transactions]))


@router.get(
    "",
    response_model=TransactionsPage,
    summary="Business transactions, and those that lack their check",
)
def list_transactions(
    service: ServiceDep,
    caller: ReaderDep,
    omissions: Annotated[bool, Query(description="Only those that lack the check that they needed.")] = False,
    cause: Annotated[Cause | None, Query(description="Only those that lack it for this cause.")] = None,
    kind: Annotated[Kind | None, Query(description="Of this kind.")] = None,
    terminal: Annotated[UUID | None, Query(description="Of this terminal.")] = None,
    institution: Annotated[UUID | None, Query(description="Of this institution only, without its branches.")] = None,
    since: Annotated[Instant | None, Query(description="Done at this time or later.")] = None,
    until: Annotated[Instant | None, Query(description="Done before this time.")] = None,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_ENTRIES,
) -> JSONResponse:
    """Of the caller's institution and its branches; for a regulator everybody's, without their references."""
    wanted = records.Wanted(omissions, cause, kind, terminal, institution, since, until)
    with service.database.begin() as connection:
        rows, following = records.page(connection, caller, wanted, after=after, limit=limit)
    items = [_shown(service.keys, caller, row) for row in rows]
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


@router.get(
    "/{transaction_id}",
    response_model=TransactionAnswer,
    summary="A business transaction",
)
def read_transaction(service: ServiceDep, caller: OneReaderDep, transaction_id: UUID) -> JSONResponse:
    """Terminals see those that they reported."""
    return JSONResponse(_found(service, caller, transaction_id))


def _found(service: Service, caller: Caller, transaction_id: UUID) -> dict[str, Any]:
    with service.database.begin() as connection:
        row = records.find(connection, caller, transaction_id)
    if row is None:
        raise ServiceError("not_found")
    return _shown(service.keys, caller, row)


def _shown(keys: Keys, caller: Caller, row: Row[Any]) -> dict[str, Any]:
    # What stands in a house's books is the house's affair.
    told = caller.role not in READ_ALL_ACCOUNTS
    reference = references.opened(keys, row.id, row.reference_sealed) if told else None
    return {**reporting.shown(row._asdict()), "reference": reference}
