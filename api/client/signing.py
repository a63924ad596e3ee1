"""Signing requests: RFC 9421 HTTP Message Signatures with Ed25519, over RFC 9530's Content-Digest.

The service, whose side is `api/http/signatures.py`, and its clients share this file. A signature covers the method, the
path, the query, the body, and of the headers those that change what the request does. It carries when it was made and a
nonce that is good once.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

ALWAYS_COVERED = ("@method", "@path", "@query", "content-digest")
COVERED_WHEN_THERE = ("idempotency-key", "operator-key")
NONCE_BYTES = 16
# Only the path and the query count: what stands in front of the service may know it by another name.
ANY_HOST = "https://renzheng.invalid"
_LABEL = "sig"
_KEY_ID_DIGITS = 16


class SigningKeyInvalid(Exception):
    """The file holds no Ed25519 private key in PEM form."""


@dataclass
class Message:
    """A request as the signature sees it."""

    method: str
    url: str
    headers: dict[str, str]


def read_key(file: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file, as `openssl genpkey -algorithm ed25519` makes it. Raises `SigningKeyInvalid`."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyInvalid(f"{file.name} holds no Ed25519 private key in PEM form, without a password.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyInvalid(f"{file.name} holds a key of another kind than Ed25519.")
    return key


def sign(
    key: Ed25519PrivateKey,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    created: datetime | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    """The headers to add to a request: `Content-Digest`, `Signature-Input`, `Signature`.

    `url` is as sent, absolute or from the path on; `headers` are those that the request has. `created` is by the
    service's clock, else by this machine's. `nonce` is for reproducing a signature: leave it out.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = {name.lower(): value for name, value in headers.items() if name.lower() in COVERED_WHEN_THERE}
    message = Message(method.upper(), ANY_HOST + target, kept)
    key_id = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:_KEY_ID_DIGITS]
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: key})
    )
    signer.sign(
        message,
        key_id=key_id,
        created=created or datetime.now(UTC),
        nonce=nonce or secrets.token_urlsafe(NONCE_BYTES),
        label=_LABEL,
        covered_component_ids=(*ALWAYS_COVERED[:-1], *(name for name in COVERED_WHEN_THERE if name in kept)),
        body=body,
    )
    return {name: message.headers[name] for name in ("Content-Digest", "Signature-Input", "Signature")}
