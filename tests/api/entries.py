"""Keys for tests: principals made as the command line makes them."""

import secrets

from api.institutions import principals
from api.institutions.roles import Role
from api.storage.database import Database
from api.storage.keys import Keys


def new_key(
    database: Database,
    keys: Keys,
    role: Role,
    institution: str | None = None,
    *,
    channel: str | None = None,
    requests_per_minute: int | None = None,
) -> str:
    """The key of a new principal, of an institution of its own unless named."""
    with database.begin() as connection:
        name = institution or secrets.token_hex(8)
        return principals.add(
            connection,
            keys,
            name,
            secrets.token_hex(8),
            role,
            channel=channel,
            requests_per_minute=requests_per_minute,
        ).key
