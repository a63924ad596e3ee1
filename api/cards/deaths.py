"""What the death of a holder means for cards that others registered: they are told, and only they take it back.

Whoever registers cards can register one with anybody's number and record its holder dead. The death counts at once and
everywhere all the same, for a dead person's card that still passes is the greater harm; but it never happens in
silence, and each authority puts it right for its own cards.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.alerts import records as alerts
from api.cards import looking_up
from api.cards.register import RecordedEvent
from api.institutions import acts
from api.institutions.caller import Caller
from api.storage.keys import Keys
from api.storage.tables import cards, principals

KIND = "holder_deceased_elsewhere"


def tell(connection: Connection, keys: Keys, caller: Caller, recorded: Sequence[RecordedEvent]) -> set[UUID]:
    """Raise an alert for every card of others' that was made invalid, and record it as an act; gives the caller's own.

    `recorded` are the deaths that one report recorded, that of the card it named first.
    """
    seen = looking_up.seen(connection, caller, [one.card_id for one in recorded])
    others = [one for one in recorded if one.card_id not in seen]
    if not others:
        return seen
    institutions = _institutions(connection, [one.card_id for one in others])
    # By whom, so that the authority knows whom to ask; of the reporter's card nothing.
    told: dict[str, Any] = {"reported_by": str(caller.institution_id)}
    raised = [
        alerts.insert(
            connection,
            KIND,
            institutions[one.card_id],
            card_id=one.card_id,
            details={**told, "event": str(one.id)},
            at=one.recorded_at,
        )
        for one in others
    ]
    acts.record(
        connection,
        keys,
        "death_told",
        actor_id=caller.principal_id,
        actor_key_id=caller.key_id,
        institution_id=caller.institution_id,
        subject_id=recorded[0].card_id,
        details={**told, "alerts": [str(alert_id) for alert_id in raised]},
    )
    return seen


def _institutions(connection: Connection, card_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    rows = connection.execute(
        select(cards.c.id, principals.c.institution_id)
        .join(principals, principals.c.id == cards.c.registered_by)
        .where(cards.c.id.in_(card_ids))
    )
    return {row.id: row.institution_id for row in rows}
