"""Buckets of requests: one for everybody who signs in, filled evenly, emptied by one for each request.

They stand in the database, where all replicas see them, in an unlogged table: a crash empties it, which fills the
buckets. Taking from one writes no log and waits for no disk.
"""

from typing import Any
from uuid import UUID

from api.storage.statements import Carrier, Statement

LONGEST_WAIT_S = 60

# A bucket holds what a minute fills. Time does not run back in it: whoever waited for the row has an older clock.
_FILLED = """least({burst}, held.tokens
    + {burst} / 60 * greatest(0, extract(epoch FROM statement_timestamp() - held.filled_at)::float8))"""
_ASKED = "(SELECT %(principal)s::uuid AS id, %(burst)s::float8 AS burst) AS asking"


def taking(asking: str) -> str:
    """A statement that takes a request from the bucket of everybody in `asking` (with `id` and `burst`, what a minute
    fills) whose bucket has one, and gives a row for each that had."""
    # What was to be inserted is all that the update sees of the asker.
    filled = _FILLED.format(burst="(excluded.tokens + 1)")
    return f"""
        INSERT INTO buckets AS held (principal_id, tokens, filled_at)
        SELECT id, burst - 1, statement_timestamp() FROM {asking} WHERE burst >= 1
        ON CONFLICT (principal_id) DO UPDATE
        SET tokens = {filled} - 1, filled_at = greatest(held.filled_at, statement_timestamp())
        WHERE {filled} >= 1
        RETURNING principal_id
    """  # noqa: S608 - our own expressions


TAKE = Statement(taking(_ASKED))
_MISSING = Statement(
    f"SELECT 1 - {_FILLED.format(burst='%(burst)s::float8')} AS missing FROM buckets AS held"  # noqa: S608
    " WHERE principal_id = %(principal)s"
)


def take(connection: Carrier, principal_id: UUID, per_minute: int) -> float:
    """Take one request from a principal's bucket: 0, or the seconds to wait until there is one."""
    if per_minute >= 1 and TAKE.run(connection, **_asked(principal_id, per_minute)).rowcount == 1:
        return 0.0
    return wait_s(connection, principal_id, per_minute)


def wait_s(connection: Carrier, principal_id: UUID, per_minute: int) -> float:
    """The seconds to wait until there is a request in a bucket that had none."""
    if per_minute < 1:
        return LONGEST_WAIT_S
    row = _MISSING.run(connection, **_asked(principal_id, per_minute)).fetchone()
    # No row: a crash emptied the table since, and the bucket is full.
    return 0.0 if row is None else max(0.0, float(row.missing)) * 60 / per_minute


def _asked(principal_id: UUID, per_minute: int) -> dict[str, Any]:
    return {"principal": principal_id, "burst": float(per_minute)}
