"""A person's biometrics erased: the templates of all their cards, the keys of these, and evidence that it was done.

The cards themselves stay in the register: that a card is lost or replaced has to be known for as long as somebody may
show it. Without templates a check of theirs goes to a member of staff (`not_enrolled`).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.cards import holdings, refusals, register, templates
from api.cards.leaves import event_leaf, written
from api.cards.lifecycle import Event
from api.cards.register import RecordedEvent
from api.errors import ServiceError
from api.evidence import leaves
from api.institutions import credentials
from api.institutions.caller import Caller
from api.personal.finishing import finish
from api.personal.grounds import Ground
from api.personal.holds import records as holds
from api.personal.holds.conditions import removing
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer


def erase(service: Service, caller: Caller, attempt: Attempt, card_id: UUID, ground: Ground) -> StoredAnswer:
    """Erase the templates of a card and of the person's other cards that the caller reaches.

    When this returns the keys are deleted. Raises `CardUnknown`, `ServiceError` `data_held` under a legal hold, and
    `DatabaseUnavailable` when the store of keys does not answer: then the templates are gone already, and the keys
    follow, with the same request or by the clock.
    """
    given = _erase(service, caller, attempt, card_id, ground)
    finish(service.database, service.keys)
    return given


@refusals.kept
def _erase(service: Service, caller: Caller, attempt: Attempt, card_id: UUID, ground: Ground) -> StoredAnswer:
    with service.database.begin() as connection:
        credentials.hold(connection, caller)
        given = idempotency.claim(connection, attempt)
        if given is not None:
            return given
        removing(connection)
        events = register.report_erasure(connection, card_id, caller, ground)
        if holds.on_cards(connection, [one.card_id for one in events]):
            raise ServiceError("data_held")
        answer, *also = (_erased(connection, service, caller, attempt, one) for one in events)
        answer["also"] = also
        idempotency.store(connection, attempt, 201, answer)
        return StoredAnswer(201, answer, new=True)


def _erased(
    connection: Connection, service: Service, caller: Caller, attempt: Attempt, recorded: RecordedEvent
) -> dict[str, Any]:
    count = templates.erase(connection, recorded.card_id)
    recorded = holdings.record(connection, service.keys, recorded)
    leaf = {**event_leaf(caller, recorded), **attempt.told}
    receipt = leaves.append(connection, service.keys, "card_event", recorded.id, recorded.recorded_at, leaf)
    return {
        "id": str(recorded.id),
        "card_id": str(recorded.card_id),
        "event": recorded.event.value,
        "status": recorded.status.value,
        "erased": count,
        "recorded_at": written(recorded.recorded_at),
        "receipt": receipt.as_json(),
    }


assert Event.BIOMETRICS_ERASED in holdings.TOLD_BY, "the leaf says that the card holds nothing"
