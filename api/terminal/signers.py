"""The service's public keys, in the forms in which they are handed over."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Signer = Ed25519PublicKey | bytes | str
"""A key, its 32 raw bytes, or a text: `public_key` (base64 of them) or `pem` of `GET /v1/keys`."""

_BYTES = 32
_PEM = "-----BEGIN PUBLIC KEY-----"


def public_keys(signers: Sequence[Signer]) -> tuple[Ed25519PublicKey, ...]:
    """The keys. Raises TypeError for another type, and ValueError for what is no key, and for none at all."""
    if isinstance(signers, str | bytes | Ed25519PublicKey):
        raise TypeError("signers are given as a list, also when there is one")
    keys = tuple(public_key(one) for one in signers)
    if not keys:
        raise ValueError("without a public key of the service no snapshot can be verified")
    return keys


def public_key(signer: Signer) -> Ed25519PublicKey:
    """One key. Raises TypeError and ValueError."""
    if isinstance(signer, Ed25519PublicKey):
        return signer
    if isinstance(signer, bytes):
        return _of_bytes(signer)
    if isinstance(signer, str):
        return _of_pem(signer) if signer.strip().startswith(_PEM) else _of_base64(signer)
    raise TypeError("a signer is an Ed25519PublicKey, its 32 bytes, or a text in base64 or PEM")


def _of_bytes(raw: bytes) -> Ed25519PublicKey:
    if len(raw) != _BYTES:
        raise ValueError(f"a public key of Ed25519 has {_BYTES} bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def _of_base64(text: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a signer is neither base64 nor PEM") from error
    return _of_bytes(raw)


def _of_pem(text: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("a signer is no sound PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a signer is a key of another kind than Ed25519")
    return key
