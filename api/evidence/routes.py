"""The log over HTTP. Checkpoints, proofs and the log's standing hold hashes and figures only and need no key: anybody
may watch the log. Leaves are for those who hold the right to read evidence."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, PlainTextResponse

from api.errors import ServiceError
from api.evidence import log, pages, proofs
from api.evidence.parameters import PAGE_LEAVES
from api.evidence.proofs import ProofImpossible
from api.evidence.schemas import ConsistencyAnswer, InclusionAnswer, LeavesAnswer, StatusAnswer
from api.http.sessions import FOR_CONSOLE
from api.http.signin import Holder, ServiceDep
from api.institutions.caller import Caller
from api.institutions.roles import Scope

router = APIRouter(prefix="/v1/evidence", tags=["evidence"])

_HASH = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**62

Size = Annotated[int | None, Query(ge=1, lt=_LARGEST, description="Size of the tree of a checkpoint; else the newest.")]
ReaderDep = Annotated[Caller, Depends(Holder(Scope.READ_EVIDENCE))]


@router.get(
    "/checkpoint",
    response_class=PlainTextResponse,
    summary="The newest signed tree head",
)
def checkpoint(service: ServiceDep) -> PlainTextResponse:
    """Size and root of the log as a signed note. Keep them outside: they are what later proofs are checked against."""
    with service.database.begin() as connection:
        note = log.latest_checkpoint(connection)
    if note is None:
        raise ServiceError("not_in_log")
    return PlainTextResponse(note)


@router.get(
    "/inclusion/{leaf_hash}",
    response_model=InclusionAnswer,
    summary="That a leaf is in the log",
)
def inclusion(
    service: ServiceDep, leaf_hash: Annotated[str, Path(description="Leaf hash, hex.")], size: Size = None
) -> JSONResponse:
    """The proof for a receipt's leaf: in the tree of a checkpoint that you keep, else of the first that covers it."""
    if _HASH.fullmatch(leaf_hash) is None:
        raise ServiceError("not_in_log")
    try:
        with service.database.begin() as connection:
            return JSONResponse(proofs.inclusion(connection, bytes.fromhex(leaf_hash), size).as_json())
    except ProofImpossible as error:
        raise ServiceError("not_in_log") from error


@router.get(
    "/consistency",
    response_model=ConsistencyAnswer,
    summary="That nothing was rewritten between two checkpoints",
)
def consistency(
    service: ServiceDep,
    old: Annotated[int, Query(ge=1, lt=_LARGEST, description="Size of the older checkpoint.")],
    new: Size = None,
) -> JSONResponse:
    """The proof that the older tree is a prefix of the newer."""
    try:
        with service.database.begin() as connection:
            return JSONResponse(proofs.consistency(connection, old, new))
    except ProofImpossible as error:
        raise ServiceError("not_in_log") from error


@router.get("/status", response_model=StatusAnswer, summary="How the log stands")
def status(service: ServiceDep) -> StatusAnswer:
    """Its size, what waits for a place, and whether promises were broken. `overdue` and `late` have to be 0."""
    with service.database.begin() as connection:
        standing = log.standing(connection)
    sequencer = service.sequencer
    return StatusAnswer(
        size=standing.size,
        waiting=standing.waiting,
        oldest_wait_s=round(standing.oldest_wait_s, 3),
        overdue=standing.overdue,
        late=sequencer.counts.late,
        sequencing=not sequencer.failing,
    )


@router.get(
    "/leaves",
    response_model=LeavesAnswer,
    dependencies=FOR_CONSOLE,
    summary="The leaves themselves, in their order",
)
def read_leaves(
    service: ServiceDep,
    caller: ReaderDep,
    start: Annotated[int, Query(ge=0, lt=_LARGEST, description="Place of the first.")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_LEAVES, description="How many at most.")] = PAGE_LEAVES,
) -> JSONResponse:
    """A regulator gets every leaf. An evaluator gets those of its institution's verifications, branches included, and
    of the others their hashes: with them the root can be recomputed all the same."""
    with service.database.begin() as connection:
        return JSONResponse(
            {
                "start": start,
                "size": log.tree_size(connection),
                "leaves": pages.page(connection, caller, start, limit),
            }
        )
