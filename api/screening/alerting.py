"""A hit: the supervisors are told, at the terminal's institution and where the entry was made, and nobody else.

The alert names the verification to the institution whose terminal made it, and an entry, with its case, to those who
may see it.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from api.alerts import records as alerts
from api.institutions import acts
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.institutions.sight import impostors_seen
from api.screening import cases
from api.screening.search import Screening
from api.storage.keys import Keys
from api.storage.tables import impostors
from api.verification.records import Moment
from api.verification.request import VerificationRequest

KIND = "impostor_hit"


def tell(
    connection: Connection,
    keys: Keys,
    request: VerificationRequest,
    verification_id: UUID,
    screened: Screening,
    moment: Moment,
) -> None:
    """Raise the alerts of a decision's hits, and record them as an act; nothing where there is none."""
    if not screened.hits:
        return
    own = request.caller.institution_id
    entered: dict[UUID, list[str]] = {own: []}
    for hit in screened.hits:
        entered.setdefault(hit.institution_id, []).append(str(hit.impostor_id))
    everybody = [str(hit.impostor_id) for hit in screened.hits]
    raised = [
        alerts.insert(
            connection,
            KIND,
            institution_id,
            card_id=None,
            details={
                "verification": str(verification_id) if institution_id == own else None,
                "impostors": everybody if institution_id == own else entries,
            },
            at=moment.at,
        )
        for institution_id, entries in entered.items()
    ]
    acts.record(
        connection,
        keys,
        KIND,
        actor_id=None,
        institution_id=own,
        subject_id=verification_id,
        details={
            "impostors": everybody,
            "sequence": screened.sequence,
            "alerts": [str(alert_id) for alert_id in raised],
        },
    )


def shown(
    connection: Connection, keys: Keys, caller: Caller, rows: Sequence[Row[Any]], *, with_cases: bool = True
) -> dict[UUID, dict[str, Any]]:
    """The details of alerts of this kind as the caller may see them, by the alerts' identifiers."""
    hits = {row.id: row.details for row in rows if row.kind == KIND}
    named = {UUID(one) for details in hits.values() for one in details["impostors"]}
    known = {} if not named else _cases(connection, keys, caller, named, with_cases=with_cases)
    return {
        alert_id: {
            "verification": details["verification"],
            "entries": [{"id": one, "case_reference": known[one]} for one in details["impostors"] if one in known],
        }
        for alert_id, details in hits.items()
    }


def _cases(
    connection: Connection, keys: Keys, caller: Caller, named: set[UUID], *, with_cases: bool
) -> dict[str, str | None]:
    if Scope.READ_CASES not in caller.scopes:
        return {}
    statement = select(impostors.c.id, impostors.c.case_sealed).where(impostors.c.id.in_(named), impostors_seen(caller))
    return {
        str(row.id): cases.opened(keys, row.id, row.case_sealed) if with_cases else None
        for row in connection.execute(statement)
    }
