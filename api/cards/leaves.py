"""What a leaf of evidence tells of a card's event."""

from typing import Any

from api.cards.register import RecordedEvent
from api.institutions.caller import Caller


def event_leaf(caller: Caller, recorded: RecordedEvent) -> dict[str, Any]:
    """The leaf's own fields: who, for whom, which card, what. No names, no number."""
    return {
        "at": recorded.recorded_at.isoformat(),
        "institution": str(caller.institution_id),
        "terminal": str(caller.principal_id),
        "key": str(caller.key_id),
        "card": recorded.instance_index.hex(),
        "event": recorded.event.value,
        "status": recorded.status.value,
    }
