"""Receipts, proofs and checkpoints, verified against pinned keys. docs/evidence.md has the formats.

A receipt holds where a pinned key signed its leaf, and where the leaf says what the answer says. With an inclusion
proof it is in the log; without one it is a promise. A receipt of another leaf, tree or log is refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import merkle
from .answers import Consistency, Evident, Inclusion, Receipt, TransactionReported
from .answers.base import read_json
from .errors import EvidenceRefuted
from .given import Json

_ED25519 = b"\x01"
_PUBLIC_BYTES = 32
_KEY_HASH_BYTES = 4
_ABSENT = object()
SOMEBODY = object()
"""Who it is only the service knows; that it is somebody is seen."""


@dataclass(frozen=True)
class Checkpoint:
    """A signed tree head: so many leaves, and their root. `note` is the text to keep, on another machine."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True)
class Evidence:
    """What was verified: the leaf, its hash (hex), and its place in the log, None while that is a promise.

    `unproven`: fields of the answer for which the leaf does not vouch.
    """

    leaf: Json
    leaf_hash: str
    include_by: datetime | None
    place: int | None
    checkpoint: Checkpoint | None
    unproven: tuple[str, ...] = ()


class LogKey:
    """A log's public key, of its line `name+hash+base64` (`verifier_key` of `GET /v1/keys`)."""

    def __init__(self, line: str) -> None:
        """Raises ValueError for what is no such line, or is damaged."""
        try:
            self.name, self.hash, encoded = line.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise ValueError("a key of the log is a line NAME+HASH+KEY") from None
        named = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:_KEY_HASH_BYTES].hex()
        if raw[:1] != _ED25519 or len(raw) != 1 + _PUBLIC_BYTES or named != self.hash:
            raise ValueError("the line of the log's key is damaged")
        self.line = line.strip()
        self.key_id = hashlib.sha256(raw[1:]).hexdigest()[:16]
        self._public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Verifier:
    """Holds answers against the log's keys. Everything here raises `EvidenceRefuted` for what does not hold."""

    def __init__(self, lines: str | Sequence[str]) -> None:
        """`lines`: one for each key, also as one text; those of replaced keys too, for old receipts.

        Raises ValueError for what is no key, and for none at all.
        """
        texts = [lines] if isinstance(lines, str) else lines
        self.keys = [LogKey(line) for text in texts for line in text.split()]
        if not self.keys:
            raise ValueError("without a key of the log no receipt can be verified")

    def verify(self, answer: Evident | TransactionReported, *, vouched: Mapping[str, Any] | None = None) -> Evidence:
        """An answer and its receipt. `vouched`: what the leaf has to say besides, such as the purpose asked for, by its
        place in the leaf (`details/reason`); `SOMEBODY` stands for any text."""
        if answer.receipt is None:
            raise EvidenceRefuted("there is no receipt")
        evidence = self.receipt(answer.receipt)
        _says_the_same(answer, evidence.leaf)
        for name, value in (vouched or {}).items():
            if not _same(_said(evidence.leaf, name), value):
                raise EvidenceRefuted(f"the leaf is of another request: {name}")
        said = {field.partition("=")[0] for field in _vouched(answer, evidence.leaf)} | {"receipt"}
        unproven = tuple(sorted(answer.as_told.keys() - said))
        return Evidence(
            evidence.leaf, evidence.leaf_hash, evidence.include_by, evidence.place, evidence.checkpoint, unproven
        )

    def receipt(self, receipt: Receipt) -> Evidence:
        """A receipt by itself: signature, and the proof where there is one."""
        digest = merkle.leaf_hash(receipt.leaf.encode())
        if digest.hex() != receipt.leaf_hash:
            raise EvidenceRefuted("the leaf's hash is another")
        promised = receipt.as_told.get("include_by")
        context = b"renzheng receipt v1\n" if promised is None else f"renzheng receipt v2\n{promised}\n".encode()
        signature = _bytes_of(receipt.signature)
        if not any(key.key_id == receipt.key_id and key.signed(signature, context + digest) for key in self.keys):
            raise EvidenceRefuted("no pinned key signed the receipt")
        leaf = _leaf(receipt.leaf)
        if receipt.inclusion is None:
            return Evidence(leaf, receipt.leaf_hash, receipt.include_by, None, None)
        checkpoint = self.inclusion(receipt.leaf_hash, receipt.inclusion)
        return Evidence(leaf, receipt.leaf_hash, receipt.include_by, receipt.inclusion.index, checkpoint)

    def inclusion(self, leaf_hash: str, proof: Inclusion) -> Checkpoint:
        """That a leaf is in the tree that the proof's checkpoint signs."""
        checkpoint = self.checkpoint(proof.checkpoint)
        if checkpoint.size != proof.size:
            raise EvidenceRefuted("the inclusion proof is for another tree")
        try:
            leaf, path = bytes.fromhex(leaf_hash), [bytes.fromhex(node) for node in proof.proof]
            root = merkle.root_of_inclusion(leaf, proof.index, proof.size, path)
        except (ValueError, RecursionError) as error:
            raise EvidenceRefuted("the inclusion proof is none") from error
        if root != checkpoint.root:
            raise EvidenceRefuted("the leaf is not in the tree that the checkpoint signs")
        return checkpoint

    def consistency(self, old: Checkpoint, proof: Consistency) -> Checkpoint:
        """That nothing was rewritten since `old`; gives the newer checkpoint."""
        new = self.checkpoint(proof.checkpoint)
        if (proof.old, proof.new) != (old.size, new.size):
            raise EvidenceRefuted("the consistency proof is for other trees")
        try:
            path = [bytes.fromhex(node) for node in proof.proof]
            roots = merkle.roots_of_consistency(old.size, new.size, path, old.root)
        except (ValueError, RecursionError) as error:
            raise EvidenceRefuted("the consistency proof is none") from error
        if roots != (old.root, new.root):
            raise EvidenceRefuted("the log was rewritten between the two checkpoints")
        return new

    def checkpoint(self, note: str) -> Checkpoint:
        """A signed note of this log."""
        text, separator, signatures = note.partition("\n\n")
        origin, size, root, *_ = [*text.split("\n"), "", "", ""]
        if not separator or not (size.isascii() and size.isdigit() and len(size) < 20):
            raise EvidenceRefuted("the checkpoint is none")
        for line in signatures.split("\n"):
            for key in self.keys:
                if origin == key.name and line.startswith(f"\u2014 {key.name} "):
                    blob = _bytes_of(line.rpartition(" ")[2])
                    named, signature = blob[:_KEY_HASH_BYTES].hex(), blob[_KEY_HASH_BYTES:]
                    if named == key.hash and key.signed(signature, f"{text}\n".encode()):
                        return Checkpoint(int(size), _bytes_of(root), note)
        raise EvidenceRefuted("the checkpoint bears no signature of the log")


def _leaf(text: str) -> Json:
    try:
        leaf = read_json(text)
    except ValueError as error:
        raise EvidenceRefuted("the leaf is no JSON") from error
    if not isinstance(leaf, dict):
        raise EvidenceRefuted("the leaf is no object")
    return leaf


def _subject(leaf: Json) -> Any:
    """What a leaf tells of: the act, whether a card was registered, or its kind."""
    kind = leaf.get("kind")
    if kind == "administration":
        return leaf.get("act")
    return f"{kind} registered" if kind == "card_event" and leaf.get("event") == "registered" else kind


def _vouched(answer: Evident | TransactionReported, leaf: Json) -> tuple[str, ...]:
    version = leaf.get("v")
    return answer.SAYS + (answer.SAYS_FROM_3 if isinstance(version, int) and version >= 3 else ())


def _says_the_same(answer: Evident | TransactionReported, leaf: Json) -> None:
    """That the leaf is of this kind of answer, and says what the answer says."""
    if _subject(leaf) not in answer.LEAF:
        raise EvidenceRefuted("the receipt is of something else than this answer")
    for field in _vouched(answer, leaf):
        name, _, place = field.partition("=")
        said = _said(leaf, place or name)
        # What was absent before a field was there is absent in both.
        if answer.as_told.get(name, _ABSENT) != said:
            raise EvidenceRefuted(f"the answer's {name} is not what the signed leaf says")


def _said(leaf: Json, place: str) -> Any:
    """What a leaf says at a place, such as `details/key`."""
    said: Any = leaf
    for step in place.split("/"):
        said = said.get(step, _ABSENT) if isinstance(said, dict) else _ABSENT
    return said


def _same(said: Any, asked: Any) -> bool:
    """Times are the same in whatever offset."""
    if asked is SOMEBODY:
        return isinstance(said, str)
    if isinstance(asked, datetime) and isinstance(said, str):
        try:
            return datetime.fromisoformat(said) == asked
        except (ValueError, TypeError):
            return False
    return bool(said == asked)


def _bytes_of(text: str) -> bytes:
    """Base64 in its one canonical form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceRefuted("there is no base64 where some belongs") from error
    if base64.b64encode(raw).decode() != text:
        raise EvidenceRefuted("there is base64 that is not canonical")
    return raw
