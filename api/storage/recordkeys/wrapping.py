"""Master keys: what wraps the keys of records, and unwraps them."""

import hashlib
import os
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_BOUND = b"renzheng record key v1\0"

Wrapped = tuple[UUID, bytes]
"""A record key's identifier, and the key, wrapped or not."""


class MasterKey(Protocol):
    """A master key of one version; `id` is a short public name, stored beside what it wraps.

    Several keys at once, for one that lies on another machine costs a journey each time. To each wrapped key its
    identifier is bound: put in another's place, it does not unwrap.
    """

    @property
    def id(self) -> str:
        """The short public name."""

    def wrap(self, keys: Sequence[Wrapped]) -> list[bytes]:
        """Wrap keys of 32 bytes. Raises `MasterKeyUnavailable`."""

    def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes | None]:
        """Unwrap; None for what does not unwrap. Raises `MasterKeyUnavailable`."""


class LocalMasterKey:
    """A master key of 32 bytes in this process: AES-256-GCM, `nonce (12) + wrapped key + tag`."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)
        self.id = master_id(secret)

    def wrap(self, keys: Sequence[Wrapped]) -> list[bytes]:
        """See `MasterKey.wrap`."""
        return [self._wrap(key_id, key) for key_id, key in keys]

    def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes | None]:
        """See `MasterKey.unwrap`."""
        return [self._unwrap(key_id, content) for key_id, content in wrapped]

    def _wrap(self, key_id: UUID, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, key, _BOUND + key_id.bytes)

    def _unwrap(self, key_id: UUID, content: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(content[:_NONCE], content[_NONCE:], _BOUND + key_id.bytes)
        except (InvalidTag, ValueError):
            return None


def master_id(secret: bytes) -> str:
    """Short public name of a master key."""
    return hashlib.sha256(b"renzheng master key id\0" + secret).hexdigest()[:16]
