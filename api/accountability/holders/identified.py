"""Who stands at the counter: the check that passed a moment ago at this terminal, and the number that it was of."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, func, select

from api.accountability.parameters import IDENTIFIED_S
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.storage.tables import verifications


def number_of(connection: Connection, caller: Caller, verification_id: UUID) -> bytes:
    """The number (keyed hash) of the holder whom the caller's own check identified. Raises `ServiceError` `not_found`
    or `holder_not_identified`."""
    row = connection.execute(
        select(
            verifications.c.decision,
            verifications.c.number_index,
            verifications.c.decided_at,
            func.clock_timestamp().label("now"),
        ).where(verifications.c.id == verification_id, verifications.c.terminal_id == caller.principal_id)
    ).first()
    if row is None:
        raise ServiceError("not_found")
    late = row.now > row.decided_at + timedelta(seconds=IDENTIFIED_S)
    if row.decision != "PASS" or late or row.number_index is None:
        raise ServiceError("holder_not_identified")
    number: bytes = row.number_index
    return number
