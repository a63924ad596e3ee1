"""The same capture twice: keyed hashes of what was seen, kept for some days, and for good of what was enrolled.

Whoever holds a picture that passed once, or the one that was enrolled, gains nothing by sending it again.
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

from api.storage.keys import Keys
from api.storage.sealing import keyed_hash
from api.storage.statements import Carrier, Statement

# An insert waits for another transaction that inserts the same digest: of captures sent side by side one is the first.
REMEMBER = text(
    """
    INSERT INTO capture_digests AS seen (digest, expires_at)
    SELECT unnest(CAST(:digests AS bytea[])), clock_timestamp() + make_interval(days => :days)
    ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at
    WHERE seen.expires_at <= clock_timestamp()
    RETURNING seen.digest
    """
)
_KEEP = text(
    """
    INSERT INTO capture_digests (digest) SELECT unnest(CAST(:digests AS bytea[]))
    ON CONFLICT (digest) DO UPDATE SET expires_at = NULL
    """
)
# The clock of the statement, not `clock_timestamp()`: that may change from row to row, so no index is searched for it.
_SWEEP = Statement(
    """
    DELETE FROM capture_digests WHERE digest IN (
        SELECT digest FROM capture_digests WHERE expires_at <= statement_timestamp()
        ORDER BY expires_at LIMIT %(swept)s FOR UPDATE SKIP LOCKED
    )
    """
)


def remember(connection: Connection, keys: Keys, digests: Collection[bytes], days: int) -> bool:
    """Note captures that were assessed; False when one of them was seen within its time, or was enrolled."""
    if not digests:
        return True
    hashed = hashes(keys, digests)
    # One picture for two fingers is the same capture twice, too.
    if len(hashed) < len(digests):
        return False
    return connection.execute(REMEMBER, {"digests": hashed, "days": days}).rowcount == len(hashed)


def keep(connection: Connection, keys: Keys, digests: Collection[bytes]) -> None:
    """Note captures that were enrolled, as long as there are cards: an authority may enrol one picture for several."""
    if digests:
        connection.execute(_KEEP, {"digests": hashes(keys, digests)})


def sweep(connection: Carrier, swept: int) -> None:
    """Take away a few whose time is over."""
    _SWEEP.run(connection, swept=swept)


def hashes(keys: Keys, digests: Collection[bytes]) -> list[bytes]:
    """What is kept of them, each once, in one order: so no two transactions wait for each other."""
    return sorted({keyed_hash(keys.index, "capture", digest) for digest in digests})
