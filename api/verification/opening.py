"""What is known before the comparison, read in one statement: the nonce, an answer given before, the templates.

One statement reads one state of the database: what used up the nonce and the answer that it led to are seen together or
not at all, so a request that was answered a moment ago is no replay.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, literal_column, select, true

from api.cards import templates
from api.cards.identity import CardIndexes
from api.matching.captures import Reference
from api.screening import records as impostors
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import StoredAnswer
from api.storage.statements import Carrier, Statement
from api.storage.tables import nonces as nonces_table
from api.verification import guessing, nonces
from api.verification.request import VerificationRequest


@dataclass(frozen=True)
class Known:
    """`given`: the request was answered before. `locked`: the card's number is locked; nobody is told so of a card that
    is not registered. `listed`: the number of the impostor list's last change."""

    given: StoredAnswer | None
    nonce: nonces.Found
    references: tuple[Reference, ...]
    locked: bool
    listed: int


def read(connection: Carrier, service: Service, request: VerificationRequest, shown: CardIndexes) -> Known:
    """Ask. Raises `KeyReused` and `RefusedBefore`."""
    rows, references = _read(connection, service, request, shown)
    if any(one.erased for one in references):
        # Between the two look-ups a template may have been renewed, and the key of its former transform deleted.
        rows, references = _read(connection, service, request, shown)
    row = rows[0]
    given = None if row.status_code is None else idempotency.given(row, request.attempt)
    nonce = nonces.Found(row.now, row.created_at, row.expires_at, row.used_at is not None)
    return Known(given, nonce, references, bool(references) and row.locked, row.listed)


def _read(
    connection: Carrier, service: Service, request: VerificationRequest, shown: CardIndexes
) -> tuple[list[Any], tuple[Reference, ...]]:
    rows = _KNOWN.run(
        connection,
        **nonces.named(service.keys, request.caller.principal_id, request.nonce),
        key=request.attempt.key,
        instance=shown.instance,
        number=shown.number,
    ).fetchall()
    return rows, templates.opened(service.keys, [one for one in rows if one.template_id is not None])


def _known() -> Statement:
    one = select(literal_column("1")).subquery("one")
    given = idempotency.GIVEN.subquery("given")
    held = templates.OF_INSTANCE.subquery("held")
    nonce = nonces_table.c
    named = and_(nonce.principal_id == bindparam("principal_id"), nonce.nonce_hash == bindparam("nonce_hash"))
    return Statement(
        select(
            func.clock_timestamp().label("now"),
            nonce.created_at,
            nonce.expires_at,
            nonce.used_at,
            *given.c,
            *held.c,
            guessing.LOCKED.exists().label("locked"),
            impostors.SEQUENCE.label("listed"),
        )
        .select_from(one.outerjoin(nonces_table, named).outerjoin(given, true()).outerjoin(held, true()))
        .order_by(held.c.modality, held.c.position)
    )


_KNOWN = _known()
