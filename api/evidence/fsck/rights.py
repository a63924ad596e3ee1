"""What institutions, principals and keys may do, held against the acts that said so.

The acts are replayed in their order; what is older than the first act, from before acts were recorded, is passed over.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from api.evidence.fsck.report import Report, named
from api.institutions.credentials import signer
from api.storage.tables import acts, credentials, institutions, principals

Facts = dict[str, tuple[Any, ...]]

_REPLAYED = ("institution_added", "principal_added", "key_issued", "key_rotated")
_ACTS = (
    select(acts.c.act, acts.c.subject_id, acts.c.details)
    .where(acts.c.act.in_(_REPLAYED))
    .order_by(acts.c.at)
    .execution_options(yield_per=1000)
)


def check(connection: Connection, report: Report) -> None:
    """Tell of every institution, principal and key that holds other rights than the acts gave it."""
    said = _replay(connection)
    for what, found in (
        ("institutions under another parent than they were added under", _institutions(connection)),
        ("principals with another channel or allowance than they were added with", _principals(connection)),
        ("keys with other rights or another end than they were issued with", _keys(connection)),
    ):
        wrong: list[object] = [
            identifier for identifier, facts in found if identifier in said and said[identifier] != facts
        ]
        if wrong:
            report.add(f"{what}: {named(wrong, len(wrong))}")
    stray = _stray(connection)
    if stray:
        report.add(f"institutions whose path is not their parent's and themselves: {named(stray, len(stray))}")


def _replay(connection: Connection) -> Facts:
    said: Facts = {}
    for row in connection.execute(_ACTS):
        details = row.details
        if row.act == "institution_added":
            said[str(row.subject_id)] = (details["parent"],)
        elif row.act == "principal_added":
            said[str(row.subject_id)] = (details["channel"], details["requests_per_minute"])
        else:
            said[details["key"]] = (details["scopes"], details["expires_at"], details["signed_by"])
        if row.act == "key_rotated" and details["replaces"] in said:
            scopes, _, signed_by = said[details["replaces"]]
            said[details["replaces"]] = (scopes, details["until"], signed_by)
    return said


def _institutions(connection: Connection) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for row in connection.execute(select(institutions.c.id, institutions.c.parent_id)):
        yield str(row.id), (None if row.parent_id is None else str(row.parent_id),)


def _stray(connection: Connection) -> list[object]:
    above = institutions.alias()
    statement = select(institutions.c.id, institutions.c.path, above.c.path.label("above")).outerjoin(
        above, above.c.id == institutions.c.parent_id
    )
    return [str(row.id) for row in connection.execute(statement) if row.path != [*(row.above or []), row.id]]


def _principals(connection: Connection) -> Iterator[tuple[str, tuple[Any, ...]]]:
    columns = (principals.c.id, principals.c.channel, principals.c.requests_per_minute)
    for row in connection.execute(select(*columns)):
        yield str(row.id), (row.channel, row.requests_per_minute)


def _keys(connection: Connection) -> Iterator[tuple[str, tuple[Any, ...]]]:
    columns = (credentials.c.id, credentials.c.scopes, credentials.c.expires_at, credentials.c.public_key)
    for row in connection.execute(select(*columns)):
        expires_at = None if row.expires_at is None else row.expires_at.isoformat()
        yield str(row.id), (row.scopes, expires_at, signer(row.public_key))
