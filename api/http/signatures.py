"""Checking signed requests: a strict part of RFC 9421, with Ed25519 and the body's digest (RFC 9530).

One signature, over everything that `api/client/signing.py` names, by the key that belongs to the bearer key in use. Its
time is held against the database's clock, its nonce is good once for a principal: a request that somebody recorded
says nothing when it is sent again, under whichever of the principal's keys.
"""

import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from starlette.datastructures import Headers

from api.client.signing import ALWAYS_COVERED, ANY_HOST, COVERED_WHEN_THERE
from api.errors import ServiceError
from api.institutions.caller import Caller
from api.institutions.credentials import fingerprint
from api.institutions.parameters import SIGNATURE_WINDOW_S
from api.storage.keys import Keys
from api.storage.sealing import keyed_hash
from api.storage.statements import Carrier, Statement

_HEADERS = ("signature", "signature-input")
_NONCE = re.compile(r"[\x21-\x7e]{16,128}")
# Others could be covered under a meaning of their own, such as a host that the service does not know itself by.
_MAY_BE_COVERED = {*ALWAYS_COVERED, *COVERED_WHEN_THERE, "content-type", "authorization"}
# One statement: whether the time is near, and the nonce used up if it is. What is long over makes room.
_USE_NONCE = Statement(
    """
    WITH swept AS (
        DELETE FROM nonces WHERE principal_id = %(principal_id)s AND expires_at < now() - interval '1 day'
    ), judged AS (
        SELECT abs(extract(epoch FROM clock_timestamp()) - %(created)s) <= %(window_s)s AS near
    ), used AS (
        INSERT INTO nonces (principal_id, nonce_hash, expires_at, used_at)
        SELECT %(principal_id)s, %(nonce_hash)s, now() + make_interval(secs => 3 * %(window_s)s), now()
        FROM judged WHERE near
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT near, EXISTS (SELECT 1 FROM used) AS used FROM judged
    """
)


@dataclass(frozen=True)
class SignedRequest:
    """What a signature is checked against. `body` is as it arrived."""

    method: str
    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Signature:
    """A signature that holds: when it was made (seconds since 1970) and its nonce."""

    created: int
    nonce: str


class _Verifier(HTTPMessageVerifier):
    """The library's, without its clock: only the database's counts."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Judged in `use`."""


async def signed_request(request: Request) -> SignedRequest | None:
    """The request with its body, None where it carries no signature: then the body is left alone."""
    if not any(name in request.headers for name in _HEADERS):
        return None
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    url = ANY_HOST + path + (f"?{query}" if query else "")
    return SignedRequest(request.method, url, request.headers, await request.body())


def check(public_key: bytes, request: SignedRequest | None) -> Signature:
    """The signature of a request, which has to be this key's. Raises `signature_missing` and `signature_invalid`."""
    if request is None:
        raise ServiceError("signature_missing")
    key_id = fingerprint(public_key)
    verifier = _Verifier(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(
            public_keys={key_id: Ed25519PublicKey.from_public_bytes(public_key)}, private_keys={}
        ),
    )
    required = [*ALWAYS_COVERED, *(name for name in COVERED_WHEN_THERE if name in request.headers)]
    try:
        (result,) = verifier.verify(request, max_age=None, require_components=required, body=request.body)
    except HTTPMessageSignaturesException as error:
        raise ServiceError("signature_invalid") from error
    covered = {name.strip('"') for name in result.covered_components} - {"@signature-params"}
    created, nonce = result.parameters.get("created"), result.nonce
    if not covered <= _MAY_BE_COVERED or not isinstance(created, int) or _NONCE.fullmatch(nonce or "") is None:
        raise ServiceError("signature_invalid")
    return Signature(created, str(nonce))


def use(connection: Carrier, keys: Keys, caller: Caller, signature: Signature) -> None:
    """Use a signature up. Raises `signature_expired` (too old, or from the future) and `signature_replayed`."""
    row = _USE_NONCE.run(
        connection,
        principal_id=caller.principal_id,
        nonce_hash=keyed_hash(keys.index, "signature", signature.nonce),
        created=signature.created,
        window_s=SIGNATURE_WINDOW_S,
    ).fetchone()
    if not row.near:
        raise ServiceError("signature_expired")
    if not row.used:
        raise ServiceError("signature_replayed")
