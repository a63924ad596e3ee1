"""Values at rest: AES-256-GCM envelopes, a data key per record wrapped by the master key; and keyed look-up hashes.

Envelope (`seal`): byte 0 version (1), bytes 1..12 nonce of the wrap, 13..60 wrapped data key (32 + 16 tag), 61..72
nonce of the value, then ciphertext and tag. The record's identity is authenticated with both, so that an envelope
moved to another record does not open. NIST SP 800-38D.
"""

import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.storage.errors import SealBroken

KEY_BYTES = 32
_VERSION = 1
_UNDER = 2
_ID = 16
_NONCE = 12
_WRAPPED = 48
_HEAD = 1 + _NONCE + _WRAPPED + _NONCE
_HEAD_UNDER = 1 + _ID + _NONCE


def seal(master: bytes, value: bytes, context: str) -> bytes:
    """Encrypt `value` under a fresh data key; `context` names the record it belongs to."""
    bound = bytes([_VERSION]) + context.encode()
    data_key = AESGCM.generate_key(bit_length=256)
    wrap_nonce, nonce = os.urandom(_NONCE), os.urandom(_NONCE)
    wrapped = AESGCM(master).encrypt(wrap_nonce, data_key, bound)
    return bytes([_VERSION]) + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, value, bound)


def unseal(master: bytes, envelope: bytes, context: str) -> bytes:
    """Decrypt an envelope of `seal`. Raises `SealBroken`."""
    if len(envelope) < _HEAD or envelope[0] != _VERSION:
        raise SealBroken("not an envelope of a known version")
    bound = bytes([_VERSION]) + context.encode()
    wrap_nonce, wrapped = envelope[1 : 1 + _NONCE], envelope[1 + _NONCE : 1 + _NONCE + _WRAPPED]
    nonce, sealed = envelope[_HEAD - _NONCE : _HEAD], envelope[_HEAD:]
    try:
        data_key = AESGCM(master).decrypt(wrap_nonce, wrapped, bound)
        return AESGCM(data_key).decrypt(nonce, sealed, bound)
    except InvalidTag as error:
        raise SealBroken("an envelope does not open under this key and record") from error


def seal_under(key_id: UUID, key: bytes, value: bytes, context: str) -> bytes:
    """Encrypt `value` under a record's key."""
    head = bytes([_UNDER]) + key_id.bytes
    nonce = os.urandom(_NONCE)
    return head + nonce + AESGCM(key).encrypt(nonce, value, head + context.encode())


def record_key_of(envelope: bytes) -> UUID | None:
    """The identifier of the record's key that an envelope is sealed under; None for one of `seal`, or none at all."""
    if len(envelope) < _HEAD_UNDER or envelope[0] != _UNDER:
        return None
    return UUID(bytes=bytes(envelope[1 : 1 + _ID]))


def unseal_under(key: bytes, envelope: bytes, context: str) -> bytes:
    """Decrypt an envelope of `seal_under`, whose key the caller looked up. Raises `SealBroken`."""
    head, nonce, sealed = envelope[: 1 + _ID], envelope[1 + _ID : _HEAD_UNDER], envelope[_HEAD_UNDER:]
    try:
        return AESGCM(key).decrypt(nonce, sealed, head + context.encode())
    except InvalidTag as error:
        raise SealBroken("an envelope does not open under its record's key") from error


def keyed_hash(key: bytes, purpose: str, *parts: str | bytes) -> bytes:
    """HMAC-SHA-256 (32 bytes) over length-prefixed parts, apart for each purpose: equal values can be looked up
    without standing in the database."""
    raw = [part.encode() if isinstance(part, str) else part for part in (purpose, *parts)]
    # A body is among them: it is copied once.
    return hmac.digest(key, b"".join([piece for one in raw for piece in (len(one).to_bytes(8, "big"), one)]), "sha256")
