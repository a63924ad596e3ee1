"""Principals and keys against the acts that made and ended them: nobody signs in whom no act let in.

What is older than the first act, from before acts were recorded, is passed over.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, Text, cast, exists, func, select

from api.storage.tables import acts, credentials, principals

Tell = Callable[[Select[Any], str], None]

_FIRST = select(func.min(acts.c.at)).scalar_subquery()
_MADE = ("key_issued", "key_rotated")


def check(tell: Tell) -> None:
    """Tell of every principal and key that is not as the acts say."""
    added = exists().where(acts.c.subject_id == principals.c.id, acts.c.act == "principal_added")
    ended = exists().where(acts.c.subject_id == principals.c.id, acts.c.act == "principal_disabled")
    other_role = exists().where(
        acts.c.subject_id == principals.c.id,
        acts.c.act == "principal_added",
        acts.c.details["role"].as_string() != principals.c.role,
    )
    identifier = cast(credentials.c.id, Text)
    named = acts.c.details["key"].as_string() == identifier
    issued = exists().where(acts.c.act.in_(_MADE), named)
    revoked = exists().where(acts.c.act == "key_revoked", named)
    principal, key = select(principals.c.id), select(credentials.c.id)
    for statement, what in (
        (principal.where(principals.c.created_at > _FIRST, ~added), "principals that no act added"),
        (principal.where(other_role), "principals in another role than they were added in"),
        (principal.where(principals.c.disabled_at.is_(None), ended), "principals that an act disabled and that live"),
        (key.where(credentials.c.created_at > _FIRST, ~issued), "keys that no act issued"),
        (key.where(credentials.c.revoked_at.is_(None), revoked), "keys that an act revoked and that live"),
    ):
        tell(statement, what)
