"""The checks of a holder's number, as the holder is told of them: when, where, for what, and how it was decided.

Never scores, never who else stood at the counter. Each telling is an act of the evidence, for it tells of a person.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, literal, null, select, tuple_
from sqlalchemy.sql import CompoundSelect

from api.accountability.holders import identified
from api.cards.leaves import written
from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import check_disputes, checks, institutions, principals, verifications

ACT = "history_told"


def tell(service: Service, caller: Caller, verification_id: UUID, *, after: UUID | None, limit: int) -> dict[str, Any]:
    """A page of the holder's checks, newest first, and the receipt of having told it. Raises as `number_of`."""
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        number = identified.number_of(connection, caller, verification_id)
        rows, following = _page(connection, caller, number, after=after, limit=limit)
        receipt = acts.record(
            connection,
            service.keys,
            ACT,
            actor_id=caller.principal_id,
            actor_key_id=caller.key_id,
            institution_id=caller.institution_id,
            subject_id=verification_id,
            details={"told": len(rows)},
        )
    return {
        "items": [_shown(row) for row in rows],
        "next": None if following is None else str(following),
        "receipt": receipt.as_json(),
    }


def _page(
    connection: Connection, caller: Caller, number: bytes, *, after: UUID | None, limit: int
) -> tuple[list[Row[Any]], UUID | None]:
    rows = _checks(caller, number).subquery()
    place = tuple_(rows.c.at, rows.c.id)
    wanted = select(rows)
    if after is not None:
        # Looked up among the holder's own: another's identifier tells nothing.
        last = select(rows.c.at, rows.c.id).where(rows.c.id == after)
        wanted = wanted.where(place < last.scalar_subquery())
    found = list(connection.execute(wanted.order_by(rows.c.at.desc(), rows.c.id.desc()).limit(limit + 1)))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def _checks(caller: Caller, number: bytes) -> CompoundSelect[Any]:
    latest = (
        select(check_disputes.c.state)
        .where(check_disputes.c.verification_id == verifications.c.id)
        .order_by(check_disputes.c.opened_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    row, asked = verifications.c, checks.c
    return (
        select(
            literal("verification").label("kind"),
            row.id,
            row.decided_at.label("at"),
            row.channel,
            row.purpose,
            row.decision,
            latest.label("dispute"),
            *_where(caller, row.institution_id),
        )
        .where(row.number_index == number)
        .union_all(
            select(
                literal("register_question"),
                asked.id,
                asked.checked_at,
                null(),
                asked.purpose,
                null(),
                null(),
                *_where(caller, asked.institution_id),
            ).where(asked.number_index == number)
        )
    )


def _where(caller: Caller, institution: Any) -> tuple[Any, ...]:
    """What kind of institution it was, and its name where it is the one that the holder stands in, or its branch.

    Others' customers are not this counter's affair: who wants to know more asks there.
    """
    authority = exists().where(principals.c.institution_id == institution, principals.c.role == Role.AUTHORITY.value)
    name = (
        select(institutions.c.name)
        .where(institutions.c.id == institution, within(institutions.c.id, caller.institution_id))
        .scalar_subquery()
    )
    return authority.label("of_authority"), name.label("institution")


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "id": str(row.id),
        "at": written(row.at),
        "institution_kind": "issuing_authority" if row.of_authority else "institution",
        "institution": row.institution,
        "channel": row.channel,
        "purpose": row.purpose,
        "decision": row.decision,
        "dispute": row.dispute,
    }
