"""Leaves of evidence: canonical JSON, hashed and signed, written in the transaction of the act they tell of.

A leaf names the card by its keyed hash. No biometrics, no names, no numbers of persons. The signature is a promise too:
that the leaf stands in the log by `include_by`. Its hash is RFC 9162's; the sequencer gives it a place in the tree.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, text

from api.evidence import merkle
from api.evidence.parameters import PROMISE_S
from api.storage.copying import copy_rows
from api.storage.keys import Keys
from api.storage.statements import Statement
from api.storage.tables import evidence, evidence_texts

LEAF_VERSION = 4
# What is signed begins with this, so that a signature for a receipt serves for nothing else. Receipts from before the
# log promised no place in it.
SIGNATURE_CONTEXT = b"renzheng receipt v2\n"
FORMER_CONTEXT = b"renzheng receipt v1\n"

# Written for the driver: it is part of every act, and a third of its time was the building of it. Two expressions for
# the WITH of a statement that may write more; the values are `Composed.values`.
WRITE = """
    leaf AS (
        INSERT INTO evidence (kind, subject_id, leaf_hash, include_by)
        VALUES (%(leaf_kind)s, %(leaf_subject_id)s, %(leaf_hash)s, %(leaf_include_by)s) RETURNING seq
    ), leaf_text AS (
        INSERT INTO evidence_texts (seq, leaf, signature, signing_key_id)
        SELECT seq, %(leaf_text)s, %(leaf_signature)s, %(leaf_signing_key_id)s FROM leaf
    )
"""
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
_APPEND = Statement(f"WITH {WRITE} SELECT")
_RESERVE = text("SELECT nextval(pg_get_serial_sequence('evidence', 'seq')) FROM generate_series(1, :count)")


@dataclass(frozen=True)
class Receipt:
    """What the caller keeps: the leaf as signed, and the signature (base64). To be verified offline."""

    leaf: str
    leaf_hash: str
    include_by: str
    key_id: str
    signature: str

    def as_json(self) -> dict[str, str]:
        """The receipt as it stands in answers."""
        return {
            "algorithm": "Ed25519",
            "key_id": self.key_id,
            "leaf": self.leaf,
            "leaf_hash": self.leaf_hash,
            "include_by": self.include_by,
            "signature": self.signature,
        }


@dataclass(frozen=True)
class Composed:
    """A leaf that is ready to be written: signed, with the time by which it is promised a place."""

    kind: str
    subject_id: UUID
    leaf: str
    leaf_hash: bytes
    include_by: datetime
    signature: bytes
    signing_key_id: str

    def receipt(self) -> Receipt:
        """What the caller keeps of it."""
        promised = self.include_by.isoformat()
        signature = base64.b64encode(self.signature).decode()
        return Receipt(self.leaf, self.leaf_hash.hex(), promised, self.signing_key_id, signature)

    def values(self) -> dict[str, Any]:
        """The values of `WRITE`."""
        return {
            "leaf_kind": self.kind,
            "leaf_subject_id": self.subject_id,
            "leaf_hash": self.leaf_hash,
            "leaf_include_by": self.include_by,
            "leaf_text": self.leaf,
            "leaf_signature": self.signature,
            "leaf_signing_key_id": self.signing_key_id,
        }


def compose(keys: Keys, kind: str, subject_id: UUID, at: datetime, body: dict[str, Any]) -> Composed:
    """Make a leaf. `at` is the act's time by the database's clock."""
    leaf = _CANONICAL.encode({"v": LEAF_VERSION, "kind": kind, "id": str(subject_id), **body})
    digest = leaf_hash(leaf)
    promised = at.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=PROMISE_S)
    signature = keys.signing.sign(signed_message(digest, promised.isoformat()))
    return Composed(kind, subject_id, leaf, digest, promised, signature, keys.signing_id)


def append(
    connection: Connection, keys: Keys, kind: str, subject_id: UUID, at: datetime, body: dict[str, Any]
) -> Receipt:
    """Write a leaf in the caller's transaction and give its receipt. `at` is the act's time by the database's clock."""
    composed = compose(keys, kind, subject_id, at, body)
    _APPEND.run(connection, **composed.values())
    return composed.receipt()


def append_many(connection: Connection, composed: Sequence[Composed]) -> None:
    """Write leaves in the caller's transaction, for acts by the thousand."""
    reserved = connection.execute(_RESERVE, {"count": len(composed)}).scalars().all()
    numbered = list(zip(reserved, composed, strict=True))
    copy_rows(
        connection,
        evidence,
        ("seq", "kind", "subject_id", "leaf_hash", "include_by"),
        ((seq, one.kind, one.subject_id, one.leaf_hash, one.include_by) for seq, one in numbered),
    )
    copy_rows(
        connection,
        evidence_texts,
        ("seq", "leaf", "signature", "signing_key_id"),
        ((seq, one.leaf, one.signature, one.signing_key_id) for seq, one in numbered),
    )


def leaf_hash(leaf: str) -> bytes:
    """RFC 9162's leaf hash of the leaf's UTF-8 bytes."""
    return merkle.leaf_hash(leaf.encode())


def promise_text(include_by: datetime | None) -> str | None:
    """The promised time as it is signed: UTC, ISO 8601, to the second. None for leaves from before the log."""
    return None if include_by is None else include_by.astimezone(UTC).isoformat()


def signed_message(digest: bytes, include_by: str | None) -> bytes:
    """What a receipt's signature is over: the context, the promised time, the leaf's hash."""
    if include_by is None:
        return FORMER_CONTEXT + digest
    return SIGNATURE_CONTEXT + include_by.encode() + b"\n" + digest


def verify(public_key: bytes, leaf: str, include_by: str | None, signature: bytes) -> bool:
    """Whether a receipt's signature is the service's (raw 32-byte Ed25519 public key)."""
    try:
        message = signed_message(leaf_hash(leaf), include_by)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
