"""Facts of the deployment: which key signs, which policy decides. A change of them is an act like any other."""

import base64
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.institutions import acts
from api.storage import idempotency
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import deployment


def record_changes(database: Database, keys: Keys, policy_version: str) -> list[str]:
    """Record what differs from what was recorded last, each with its leaf of evidence; gives the acts.

    Every replica asks at its start, one at a time: the first records, the others find it recorded. On the first start
    there was nothing before. Raises `DatabaseUnavailable`.
    """
    public_key = base64.b64encode(keys.signing.public_key().public_bytes_raw()).decode()
    facts = {
        "signing_key": (keys.signing_id, {"public_key": public_key}),
        "policy": (policy_version, {}),
    }
    with database.begin() as connection:
        idempotency.lock(connection, "deployment")
        return [act for fact, (value, more) in facts.items() if (act := _record(connection, keys, fact, value, more))]


def _record(connection: Connection, keys: Keys, fact: str, value: str, more: dict[str, Any]) -> str | None:
    before = connection.execute(select(deployment.c.value).where(deployment.c.fact == fact)).scalar_one_or_none()
    if before == value:
        return None
    statement = upsert(deployment).values(fact=fact, value=value)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[deployment.c.fact], set_={"value": statement.excluded.value})
    )
    act = f"{fact}_changed"
    details = {"before": before, "after": value, **more}
    acts.record(connection, keys, act, actor_id=None, institution_id=None, subject_id=None, details=details)
    return act
