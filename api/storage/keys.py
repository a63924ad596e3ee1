"""The deployment's keys: files of 32 random bytes under `keys/`, made on first use, readable by the owner only.

Beside the signing key stands its public half, `signing-ID.pub`. It stays when the signing key is replaced, so that what
the former key signed can still be verified.
"""

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.storage.errors import KeyUnavailable

if TYPE_CHECKING:
    from api.storage.recordkeys.store import RecordKeys

KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """`master` wraps record keys, `index` keys the look-up hashes of numbers, `signing` signs receipts.

    `feed` keys the tags by which terminals know cards: it leaves the service, and serves for nothing else. `former` are
    the public halves of signing keys that were replaced. `records` are the keys of records, once their store is open.
    """

    master: bytes
    index: bytes
    signing: Ed25519PrivateKey
    feed: bytes
    former: tuple[Ed25519PublicKey, ...] = ()
    records: "RecordKeys | None" = field(default=None, repr=False, compare=False)

    @property
    def of_records(self) -> "RecordKeys":
        """The store of record keys. Raises `KeyUnavailable` where nobody opened it."""
        if self.records is None:
            raise KeyUnavailable("the store of record keys was not opened")
        return self.records

    @property
    def master_id(self) -> str:
        """Short public name of the master key."""
        return hashlib.sha256(b"renzheng master key id\0" + self.master).hexdigest()[:16]

    @cached_property
    def signing_id(self) -> str:
        """Short public name of the signing key: the start of the SHA-256 of the public key."""
        return public_id(self.signing.public_key())

    @cached_property
    def trusted(self) -> tuple[Ed25519PublicKey, ...]:
        """Every key that this deployment signs or signed with, the present one first."""
        return (self.signing.public_key(), *self.former)


def public_id(key: Ed25519PublicKey) -> str:
    """Short public name of a key: the start of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def load(directory: Path) -> Keys:
    """Read the keys, making those that do not exist yet. Raises `KeyUnavailable`."""
    made = Keys(
        master=secret_file(directory / "master.key"),
        index=secret_file(directory / "index.key"),
        signing=Ed25519PrivateKey.from_private_bytes(secret_file(directory / "signing.key")),
        feed=secret_file(directory / "feed.key"),
    )
    return replace(made, former=_former(directory, made.signing.public_key()))


def _former(directory: Path, present: Ed25519PublicKey) -> tuple[Ed25519PublicKey, ...]:
    """Public keys beside the present one, which is put there too."""
    # Keys may be mounted read-only; who replaces one there puts the public half of the former beside it.
    with contextlib.suppress(OSError):
        _make(directory / f"signing-{public_id(present)}.pub", present.public_bytes_raw())
    try:
        files = {path: path.read_bytes() for path in sorted(directory.glob("signing-*.pub"))}
        found = {path: Ed25519PublicKey.from_public_bytes(raw) for path, raw in files.items()}
    except OSError as error:
        raise KeyUnavailable(f"the public keys cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyUnavailable(f"a signing-*.pub in {directory} does not hold a public key of 32 bytes") from error
    return tuple(key for key in found.values() if key != present)


def secret_file(path: Path) -> bytes:
    """Read a file of 32 random bytes, made on first use and on disk before it is used. Raises `KeyUnavailable`."""
    try:
        _make(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"{path.name} cannot be read or made: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(f"{path.name} has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _make(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written whole beside and linked: two processes starting together must end with the same key, never half a one.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
