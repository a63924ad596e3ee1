"""A snapshot: the filter of all cards that were invalid at one number of the feed, with a signed head.

The head has 180 bytes, numbers are big-endian; the filter's bytes follow to the end of the file.

| bytes | what |
|---|---|
| 8 | `rzsnap\\r\\n` |
| 2 | version, 1 |
| 1, 1 | cells a tag names (3 or 4), bits of a cell (11) |
| 4, 4 | length of a segment, number of segments (see `filter`) |
| 8 | seed |
| 16 | the deployment (UUID) |
| 8 | identifier of the feed key that the tags are made with |
| 8 | the feed's number: every change up to it is in the filter, none after it |
| 8 | when that was the newest, microseconds since 1970, UTC, by the service's clock |
| 8 | how many cards |
| 32 | SHA-256 of the filter's bytes |
| 8 | identifier of the signing key: the start of the SHA-256 of the public key |
| 64 | Ed25519 signature over `renzheng snapshot v1`, line feed, and the head without the signature |
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .filter import FINGERPRINT_BITS, Filter, FilterMalformed, Shape
from .parameters import EARLIEST, LATEST

VERSION = 1
_MAGIC = b"rzsnap\r\n"
_DOMAIN = b"renzheng snapshot v1\n"
_SIGNED = struct.Struct(">8sHBBIIQ16s8sQQQ32s8s")
_SIGNATURE_BYTES = 64
HEAD_BYTES = _SIGNED.size + _SIGNATURE_BYTES
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMES = range((EARLIEST - _EPOCH) // _MICROSECOND, (LATEST - _EPOCH) // _MICROSECOND)
_LARGEST_NUMBER = 2**63 - 1


class SnapshotRefused(Exception):
    """A snapshot is not used; `reason` is one word for programs, the text is for people."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Head:
    """What a snapshot says of itself. `key_id` and `signing_id` are 16 hexadecimal digits; `as_of` is aware, UTC."""

    shape: Shape
    deployment: UUID
    key_id: str
    seq: int
    as_of: datetime
    count: int
    body_sha256: bytes
    signing_id: str

    def packed(self) -> bytes:
        """The bytes that are signed."""
        return _SIGNED.pack(
            _MAGIC,
            VERSION,
            self.shape.arity,
            FINGERPRINT_BITS,
            self.shape.segment_length,
            self.shape.segments,
            self.shape.seed,
            self.deployment.bytes,
            bytes.fromhex(self.key_id),
            self.seq,
            (self.as_of - _EPOCH) // _MICROSECOND,
            self.count,
            self.body_sha256,
            bytes.fromhex(self.signing_id),
        )


@dataclass(frozen=True)
class Snapshot:
    """A verified snapshot."""

    head: Head
    filter: Filter


def signing_id(key: Ed25519PublicKey) -> str:
    """Short public name of a signing key: the start of its SHA-256."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def sign(head: Head, key: Ed25519PrivateKey) -> bytes:
    """The head as it stands in the file, signed. `head.signing_id` has to be the key's."""
    packed = head.packed()
    return packed + key.sign(_DOMAIN + packed)


def read_head(raw: bytes) -> Head:
    """Read a head (at least `HEAD_BYTES`) without trusting it. Raises `SnapshotRefused`."""
    if len(raw) < HEAD_BYTES:
        raise SnapshotRefused("truncated", "the file is shorter than the head of a snapshot")
    magic, version, arity, bits, length, segments, seed, deployment, key_id, seq, as_of, count, digest, signer = (
        _SIGNED.unpack_from(raw)
    )
    if magic != _MAGIC:
        raise SnapshotRefused("malformed", "the file is no snapshot")
    if version != VERSION or bits != FINGERPRINT_BITS:
        raise SnapshotRefused("version", "the snapshot is of a version that this program does not read")
    shape = Shape(arity, length, segments, seed)
    try:
        shape.check()
    except FilterMalformed as error:
        raise SnapshotRefused("malformed", str(error)) from error
    if seq > _LARGEST_NUMBER or as_of not in _TIMES or count > shape.cells:
        raise SnapshotRefused("malformed", "the head's figures are out of bounds")
    when = _EPOCH + timedelta(microseconds=as_of)
    return Head(shape, UUID(bytes=deployment), key_id.hex(), seq, when, count, digest, signer.hex())


def open_head(raw: bytes, signers: Iterable[Ed25519PublicKey]) -> Head:
    """Verify a head (at least `HEAD_BYTES`), which says nothing yet of the filter's bytes. Raises `SnapshotRefused`."""
    head = read_head(raw)
    _verify(head, raw, signers)
    return head


def open_snapshot(raw: bytes, signers: Iterable[Ed25519PublicKey]) -> Snapshot:
    """Verify a whole file against the keys that may have signed it. Raises `SnapshotRefused`."""
    head = read_head(raw)
    if len(raw) != HEAD_BYTES + head.shape.body_bytes:
        short = len(raw) < HEAD_BYTES + head.shape.body_bytes
        raise SnapshotRefused("truncated" if short else "malformed", "the file has not the length that its head says")
    _verify(head, raw, signers)
    body = raw[HEAD_BYTES:]
    if sha256(body).digest() != head.body_sha256:
        raise SnapshotRefused("corrupted", "the filter's bytes are not those that were signed")
    return Snapshot(head, Filter(head.shape, body))


def _verify(head: Head, raw: bytes, signers: Iterable[Ed25519PublicKey]) -> None:
    key = next((one for one in signers if signing_id(one) == head.signing_id), None)
    if key is None:
        raise SnapshotRefused("unknown_signer", f"the snapshot is signed by a key not trusted here: {head.signing_id}")
    try:
        key.verify(raw[_SIGNED.size : HEAD_BYTES], _DOMAIN + raw[: _SIGNED.size])
    except InvalidSignature as error:
        raise SnapshotRefused("forged", "the snapshot's signature does not hold") from error
