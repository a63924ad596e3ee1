"""Checkpoints: size and root of the tree, signed, in C2SP's tlog-checkpoint and signed-note forms (Ed25519).

One extension line names the size of the checkpoint before, so that a stored checkpoint that was taken out is missed.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\1"
_SIGNATURE_BYTES = 64
_BODY = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[^\n]+)\n(?P<more>(?:[^\n]+\n)*)")
# From the start of a line only: one without an end would else be tried from each of its characters.
_LINE = re.compile(r"^[^\n]+\n", re.MULTILINE)
_PREVIOUS = re.compile(r"^previous (0|[1-9][0-9]{0,18})\n", re.MULTILINE)


class CheckpointInvalid(Exception):
    """Not a checkpoint of this log, or its signature is not the log's."""


@dataclass(frozen=True)
class Checkpoint:
    """`size` leaves, `root` over them; `previous` is the size of the checkpoint before, None where it is not told."""

    origin: str
    size: int
    root: bytes
    previous: int | None = None

    def body(self) -> str:
        """The signed text."""
        told = "" if self.previous is None else f"previous {self.previous}\n"
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{told}"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note."""
    body = checkpoint.body()
    return f"{body}\n{_line(checkpoint.origin, _own_key_hash(checkpoint.origin, key), key.sign(body.encode()))}"


def open_note(note: str, origin: str, keys: Iterable[Ed25519PublicKey], *, alone: bool = False) -> Checkpoint:
    """Verify a signed note against the log's keys and read it. Raises `CheckpointInvalid`.

    Others' signatures (witnesses) are passed over; with `alone` there must be none, and not one byte may differ from
    what `sign` writes.
    """
    body, separator, signatures = note.partition("\n\n")
    body += "\n"
    form = _BODY.fullmatch(body)
    if not separator or form is None or form["origin"] != origin:
        raise CheckpointInvalid
    for key in keys:
        for line in _LINE.findall(signatures):
            if _signed(line, body, origin, key) and (not alone or line == signatures):
                previous = _PREVIOUS.search(form["more"])
                told = None if previous is None else int(previous[1])
                return Checkpoint(origin, int(form["size"]), _root(form["root"]), told)
    raise CheckpointInvalid


def key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    """The four bytes that name a key in a signed note."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The public key in the one-line form of signed notes: name+hash+base64."""
    encoded = base64.b64encode(_ED25519 + key.public_bytes_raw()).decode()
    return f"{name}+{key_hash(name, key).hex()}+{encoded}"


@lru_cache(maxsize=8)
def _own_key_hash(name: str, key: Ed25519PrivateKey) -> bytes:
    """As `key_hash`, of a key that signs batch after batch."""
    return key_hash(name, key.public_key())


def _line(origin: str, of_key: bytes, signature: bytes) -> str:
    return f"— {origin} {base64.b64encode(of_key + signature).decode()}\n"


def _signed(line: str, body: str, origin: str, key: Ed25519PublicKey) -> bool:
    """Whether a line is the key's signature, in the one form that `sign` writes."""
    try:
        signature = base64.b64decode(line.rpartition(" ")[2], validate=False)[-_SIGNATURE_BYTES:]
        if line != _line(origin, key_hash(origin, key), signature):
            return False
        key.verify(signature, body.encode())
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True


def _root(encoded: str) -> bytes:
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointInvalid from error
    if len(root) != hashlib.sha256().digest_size or base64.b64encode(root).decode() != encoded:
        raise CheckpointInvalid
    return root
