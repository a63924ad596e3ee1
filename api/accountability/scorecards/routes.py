"""`GET /v1/scorecards` and `GET /v1/scorecards/evidence`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import ColumnElement, Connection, and_, select, true

from api.accountability.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.accountability.scorecards import composing, evidence
from api.accountability.scorecards.composing import Asked, By
from api.accountability.scorecards.months import Month, MonthInvalid
from api.accountability.scorecards.reach import Reach
from api.accountability.scorecards.schemas import EvidencePage, ScorecardsAnswer
from api.accountability.scorecards.tables import as_csv
from api.errors import ServiceError
from api.http.sessions import FOR_CONSOLE
from api.http.signin import Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.institutions.roles import Scope
from api.institutions.sight import accounts_seen
from api.storage.tables import institutions, principals

router = APIRouter(prefix="/v1/scorecards", tags=["scorecards"])

ReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_ACCOUNTS))]
MonthQuery = Annotated[str, Query(description="YYYY-MM, in Asia/Shanghai.", pattern="^[0-9]{4}-[0-9]{2}$")]
InstitutionQuery = Annotated[UUID | None, Query(description="Of this institution and its branches.")]
TerminalQuery = Annotated[UUID | None, Query(description="Of this terminal.")]


@router.get(
    "",
    response_model=ScorecardsAnswer,
    dependencies=FOR_CONSOLE,
    summary="A month's figures of checks, omissions and overrides",
)
def read_scorecards(
    service: ServiceDep,
    caller: ReaderDep,
    request: Request,
    month: MonthQuery,
    by: Annotated[By, Query(description="One card, or one for each institution or terminal.")] = "total",
    institution: InstitutionQuery = None,
    terminal: TerminalQuery = None,
    form: Annotated[
        str | None, Query(alias="format", pattern="^(json|csv)$", description="Else as `Accept` has it.")
    ] = None,
) -> Response:
    """Of the caller's institution and its branches, for a regulator of all; with counts, what they are shares of,
    intervals, the path to each figure's evidence, and the terminals that stand out among their peers. As CSV with
    `format=csv` or `Accept: text/csv`: a row a figure."""
    with service.database.begin() as connection:
        asked = Asked(
            _month(month), by, _reach(connection, caller, institution, terminal, alone=False), institution, terminal
        )
        found = composing.compose(connection, asked)
    if form == "csv" or (form is None and request.headers.get("accept", "").startswith("text/csv")):
        name = {"Content-Disposition": f'attachment; filename="scorecards-{asked.month.name}.csv"'}
        return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=name)
    return JSONResponse(found)


@router.get(
    "/evidence",
    response_model=EvidencePage,
    dependencies=FOR_CONSOLE,
    summary="What a figure of a scorecard counts",
)
def list_evidence(
    service: ServiceDep,
    caller: ReaderDep,
    month: MonthQuery,
    figure: Annotated[str, Query(max_length=100, description="As the scorecard names it.")],
    institution: InstitutionQuery = None,
    terminal: TerminalQuery = None,
    alone: Annotated[bool, Query(description="Of the institution without its branches.")] = False,
    after: Annotated[UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE_ENTRIES,
) -> JSONResponse:
    """By their identifiers, each with the hash of its leaf: the log proves it. The amounts add up to the figure."""
    with service.database.begin() as connection:
        reach = _reach(connection, caller, institution, terminal, alone=alone)
        items, following = evidence.page(connection, _month(month), reach, figure, after=after, limit=limit)
    return JSONResponse({"items": items, "next": None if following is None else str(following)})


def _month(name: str) -> Month:
    try:
        return Month.of(name)
    except MonthInvalid as error:
        raise ServiceError("month_invalid") from error


def _reach(
    connection: Connection, caller: Caller, institution_id: UUID | None, terminal_id: UUID | None, *, alone: bool
) -> Reach:
    """Whose figures the caller is shown. What lies beyond their reach is not there (`not_found`)."""
    if institution_id is not None:
        seen = select(institutions.c.id).where(
            institutions.c.id == institution_id, accounts_seen(caller, institutions.c.id)
        )
        _require(connection, seen)
    if terminal_id is not None:
        seen = select(principals.c.id).where(
            principals.c.id == terminal_id, accounts_seen(caller, principals.c.institution_id)
        )
        _require(connection, seen)

    def condition(column: ColumnElement[UUID]) -> ColumnElement[bool]:
        if institution_id is None:
            wanted: ColumnElement[bool] = true()
        else:
            wanted = column == institution_id if alone else within(column, institution_id)
        return and_(accounts_seen(caller, column), wanted)

    return Reach(condition, terminal_id)


def _require(connection: Connection, seen: object) -> None:
    if connection.execute(seen).first() is None:  # type: ignore[call-overload]
        raise ServiceError("not_found")
