"""What a leaf of evidence tells of a card's event, and how times are written there and in the answers."""

from datetime import UTC, datetime
from typing import Any

from api.cards.register import RecordedEvent
from api.institutions.caller import Caller


def event_leaf(caller: Caller | None, recorded: RecordedEvent) -> dict[str, Any]:
    """The leaf's own fields: who, for whom, which card, what, which card takes its place, and by a keyed hash what
    the card holds. No names, no number. `caller` None: the deployment's clock did it."""
    leaf: dict[str, Any] = {
        "at": written(recorded.recorded_at),
        "institution": None if caller is None else str(caller.institution_id),
        "terminal": None if caller is None else str(caller.principal_id),
        "key": None if caller is None else str(caller.key_id),
        "card": recorded.instance_index.hex(),
        "card_id": str(recorded.card_id),
        "event": recorded.event.value,
        "status": recorded.status.value,
        "superseded_by": None if recorded.superseded_by is None else str(recorded.superseded_by),
    }
    if recorded.superseding_index is not None:
        leaf["superseded_by_card"] = recorded.superseding_index.hex()
    if recorded.basis is not None:
        leaf["basis"] = recorded.basis.value
    if recorded.holds is not None:
        leaf["holds"] = recorded.holds.hex()
    return leaf


def written(at: datetime) -> str:
    """A time as the cards' routes write it, whether it is answered at once or read again: UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
