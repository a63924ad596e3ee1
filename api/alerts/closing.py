"""Closing an alert, with its evidence; the authority that registered the card ends the lock of its number by it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from api.alerts import records
from api.errors import ServiceError
from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.institutions.roles import Scope
from api.screening import alerting
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer
from api.storage.keys import Keys
from api.verification import guessing


def close(service: Service, caller: Caller, attempt: Attempt, alert_id: UUID, note: str) -> StoredAnswer:
    """Close an alert that the caller may see. Raises `ServiceError` `not_found` or `alert_closed`, and `KeyReused`."""
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            return given
        alert = records.find(connection, caller, alert_id, lock=True)
        if alert is None:
            raise ServiceError("not_found")
        if alert.closed_at is not None:
            raise ServiceError("alert_closed")
        # Only the alert of whoever registered it names the card; other kinds of alerts say nothing of a lock.
        released = (
            alert.kind == guessing.KIND
            and alert.card_id is not None
            and Scope.REPORT_CARDS in caller.scopes
            and guessing.release(connection, alert.card_id, alert.raised_at)
        )
        closed_at = records.close(connection, alert_id, caller.principal_id, note)
        receipt = acts.record(
            connection,
            service.keys,
            "alert_closed",
            actor_id=caller.principal_id,
            actor_key_id=caller.key_id,
            institution_id=alert.institution_id,
            subject_id=alert_id,
            details={"lock_released": released},
            attempt=attempt,
        )
        answer = {
            # The answer is kept in the clear: which case it was is read again.
            **shown(connection, service.keys, caller, [alert], with_cases=False)[0],
            "closed_at": closed_at.isoformat(),
            "closed_by": str(caller.principal_id),
            "note": note,
            "lock_released": released,
            "receipt": receipt.as_json(),
        }
        idempotency.store(connection, attempt, 200, answer)
        return StoredAnswer(200, answer, new=True)


def shown(
    connection: Connection, keys: Keys, caller: Caller, rows: Sequence[Row[Any]], *, with_cases: bool = True
) -> list[dict[str, object]]:
    """Alerts as they are answered to the caller."""
    hits = alerting.shown(connection, keys, caller, rows, with_cases=with_cases)
    return [_shown(alert, hits.get(alert.id, alert.details)) for alert in rows]


def _shown(alert: Row[Any], details: dict[str, Any]) -> dict[str, object]:
    return {
        "id": str(alert.id),
        "kind": alert.kind,
        "institution_id": str(alert.institution_id),
        "card_id": None if alert.card_id is None else str(alert.card_id),
        "details": details,
        "raised_at": alert.raised_at.isoformat(),
        "closed_at": None if alert.closed_at is None else alert.closed_at.isoformat(),
        "closed_by": None if alert.closed_by is None else str(alert.closed_by),
        "note": alert.note,
    }
