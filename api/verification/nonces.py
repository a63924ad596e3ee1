"""Nonces: given to one terminal, good for one verification, for as long as a capture is fresh."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from api.matching import duplicates
from api.storage.keys import Keys
from api.storage.sealing import keyed_hash
from api.storage.statements import Carrier, Statement, together
from api.verification.parameters import NONCE_BYTES, SWEPT_AT_ONCE

# One statement each, for they are part of every verification. A nonce is kept for as long again as it lives, so that a
# terminal that comes late or twice is told so; whoever asks for one takes a few old ones away, more than it adds.
_ISSUE = Statement(
    """
    WITH swept AS (
        DELETE FROM nonces WHERE (principal_id, nonce_hash) IN (
            SELECT principal_id, nonce_hash FROM nonces
            WHERE expires_at < now() - make_interval(secs => %(life_s)s)
            ORDER BY expires_at LIMIT %(swept)s FOR UPDATE SKIP LOCKED
        )
    )
    INSERT INTO nonces (principal_id, nonce_hash, expires_at)
    VALUES (%(principal_id)s, %(nonce_hash)s, now() + make_interval(secs => %(life_s)s))
    RETURNING created_at, expires_at
    """
)
USE = text(
    """
    UPDATE nonces SET used_at = clock_timestamp()
    WHERE principal_id = :principal_id AND nonce_hash = :nonce_hash AND used_at IS NULL
    RETURNING principal_id
    """
)


@dataclass(frozen=True)
class Issued:
    """A new nonce; `text` is shown this once."""

    text: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Found:
    """What is known of a nonce, at `now` by the database's clock; `issued_at` None: this terminal never got it."""

    now: datetime
    issued_at: datetime | None
    expires_at: datetime | None
    used: bool


def issue(connection: Carrier, keys: Keys, principal_id: UUID, life_s: float) -> Issued:
    """Give a nonce to a terminal; only its keyed hash is stored. In the same journey a few digests of captures go whose
    time is over."""
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    named_so = named(keys, principal_id, nonce)
    with together(connection):
        duplicates.sweep(connection, SWEPT_AT_ONCE)
        issued = _ISSUE.run(connection, **named_so, life_s=float(life_s), swept=SWEPT_AT_ONCE)
    row = issued.fetchone()
    assert row is not None
    return Issued(nonce, row.created_at, row.expires_at)


def use(connection: Connection, keys: Keys, principal_id: UUID, nonce: str) -> bool:
    """Use up a nonce in the deciding transaction; False when another one did."""
    return connection.execute(USE, named(keys, principal_id, nonce)).rowcount == 1


def named(keys: Keys, principal_id: UUID, nonce: str) -> dict[str, object]:
    """The parameters that name a nonce."""
    return {"principal_id": principal_id, "nonce_hash": keyed_hash(keys.index, "nonce", nonce)}
