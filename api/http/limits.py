"""Rate limits: a bucket of requests for everybody who signs in, filled evenly, emptied by one for each request.

The buckets stand in the database, where all replicas see them, in an unlogged table: a crash empties it, which fills
the buckets. Taking from one writes no log and waits for no disk, and is a transaction of its own, so that a request
that fails has cost its share too.
"""

import math
from uuid import UUID

from fastapi import Depends
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.types import Double, Uuid

from api.errors import ServiceError
from api.http.signin import CallerDep, ServiceDep

# A bucket holds what a minute fills. Time does not run back in it: whoever waited for the row has an older clock.
_FILLED = """least(:burst, held.tokens
    + :burst / 60 * greatest(0, extract(epoch FROM statement_timestamp() - held.filled_at)::float8))"""
_TYPED = (bindparam("principal", type_=Uuid), bindparam("burst", type_=Double))
_TAKE = text(
    f"""
    INSERT INTO buckets AS held (principal_id, tokens, filled_at)
    VALUES (:principal, :burst - 1, statement_timestamp())
    ON CONFLICT (principal_id) DO UPDATE
    SET tokens = {_FILLED} - 1, filled_at = greatest(held.filled_at, statement_timestamp())
    WHERE {_FILLED} >= 1
    """  # noqa: S608 - nothing from outside
).bindparams(*_TYPED)
_MISSING = text(
    f"SELECT 1 - {_FILLED} FROM buckets AS held WHERE principal_id = :principal"  # noqa: S608 - nothing from outside
).bindparams(*_TYPED)
_LONGEST_WAIT_S = 60


def take(connection: Connection, principal_id: UUID, per_minute: int) -> float:
    """Take one request from a principal's bucket: 0, or the seconds to wait until there is one."""
    if per_minute < 1:
        return _LONGEST_WAIT_S
    asked = {"principal": principal_id, "burst": float(per_minute)}
    if connection.execute(_TAKE, asked).rowcount == 1:
        return 0.0
    missing = connection.execute(_MISSING, asked).scalar_one()
    return max(0.0, float(missing)) * 60 / per_minute


def limit(service: ServiceDep, caller: CallerDep) -> None:
    """For routes that cost something. Raises `rate_limited` with the seconds to wait."""
    own = caller.requests_per_minute
    with service.database.begin() as connection:
        wait_s = take(connection, caller.principal_id, service.settings.requests_per_minute if own is None else own)
    if wait_s > 0:
        raise ServiceError("rate_limited", retry_after_s=max(1, math.ceil(wait_s)))


LIMITED = [Depends(limit)]
