"""Who is asking, once signed in."""

from dataclasses import dataclass
from uuid import UUID

from api.institutions.roles import Role, Scope


@dataclass(frozen=True)
class Caller:
    """A signed-in principal. `channel` is the one that a terminal is bound to, None for either.

    `requests_per_minute` None means the deployment's setting. With a `public_key` (Ed25519, 32 bytes) every request
    under the key is signed.
    """

    principal_id: UUID
    institution_id: UUID
    role: Role
    key_id: UUID
    scopes: frozenset[Scope]
    channel: str | None = None
    requests_per_minute: int | None = None
    public_key: bytes | None = None
