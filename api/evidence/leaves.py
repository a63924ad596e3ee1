"""Leaves of evidence: canonical JSON, hashed and signed, written in the transaction of the act they tell of.

A leaf names the card by its keyed hash. No biometrics, no names, no numbers of persons. The hash is RFC 9162's leaf
hash, SHA-256 over a zero byte and the leaf, so that the leaves can become a Merkle tree as they stand.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, insert

from api.storage.keys import Keys
from api.storage.tables import evidence

LEAF_VERSION = 1
# What is signed begins with this, so that a signature for a receipt serves for nothing else.
SIGNATURE_CONTEXT = b"renzheng receipt v1\n"


@dataclass(frozen=True)
class Receipt:
    """What the terminal keeps: the leaf as signed, and the signature (base64). To be verified offline."""

    leaf: str
    leaf_hash: str
    key_id: str
    signature: str

    def as_json(self) -> dict[str, str]:
        """The receipt as it stands in answers."""
        return {
            "algorithm": "Ed25519",
            "key_id": self.key_id,
            "leaf": self.leaf,
            "leaf_hash": self.leaf_hash,
            "signature": self.signature,
        }


def append(connection: Connection, keys: Keys, kind: str, subject_id: UUID, body: dict[str, Any]) -> Receipt:
    """Write a leaf in the caller's transaction and give its receipt."""
    leaf = json.dumps(
        {"v": LEAF_VERSION, "kind": kind, "id": str(subject_id), **body},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=False,
    )
    digest = leaf_hash(leaf)
    signature = keys.signing.sign(SIGNATURE_CONTEXT + digest)
    connection.execute(
        insert(evidence).values(
            kind=kind,
            subject_id=subject_id,
            leaf=leaf,
            leaf_hash=digest,
            signature=signature,
            signing_key_id=keys.signing_id,
        )
    )
    return Receipt(leaf, digest.hex(), keys.signing_id, base64.b64encode(signature).decode())


def leaf_hash(leaf: str) -> bytes:
    """SHA-256 over 0x00 and the leaf's UTF-8 bytes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\0" + leaf.encode()).digest()


def verify(public_key: bytes, leaf: str, signature: bytes) -> bool:
    """Whether a receipt's signature is the service's (raw 32-byte Ed25519 public key)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, SIGNATURE_CONTEXT + leaf_hash(leaf))
    except (InvalidSignature, ValueError):
        return False
    return True
