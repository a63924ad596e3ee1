"""The deployment's keys: files of 32 random bytes under `keys/`, made on first use, readable by the owner only."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.storage.errors import KeyUnavailable

KEY_BYTES = 32


@dataclass(frozen=True)
class Keys:
    """`master` wraps record keys, `index` keys the look-up hashes of numbers, `signing` signs receipts."""

    master: bytes
    index: bytes
    signing: Ed25519PrivateKey

    @property
    def master_id(self) -> str:
        """Short public name of the master key, stored beside what it wraps."""
        return hashlib.sha256(b"renzheng master key id\0" + self.master).hexdigest()[:16]

    @property
    def signing_id(self) -> str:
        """Short public name of the signing key: the start of the SHA-256 of the public key."""
        return hashlib.sha256(self.signing.public_key().public_bytes_raw()).hexdigest()[:16]


def load(directory: Path) -> Keys:
    """Read the keys, making those that do not exist yet. Raises `KeyUnavailable`."""
    return Keys(
        master=secret_file(directory / "master.key"),
        index=secret_file(directory / "index.key"),
        signing=Ed25519PrivateKey.from_private_bytes(secret_file(directory / "signing.key")),
    )


def secret_file(path: Path) -> bytes:
    """Read a file of 32 random bytes, made on first use and on disk before it is used. Raises `KeyUnavailable`."""
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"{path.name} cannot be read or made: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(f"{path.name} has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written whole beside and linked: two processes starting together must end with the same key, never half a one.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
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
