"""What a card holds beside its number and days: the chip's serial, its text and the templates, in one keyed hash.

The hash stands in the leaf of the registration and of whatever adds or changes a template, with all that the card held
then. So nobody makes another serial, another text or another person's template a card's in the database unseen. It is
one hash under the deployment's index key: a leaf tells nothing of them, and not that two cards have something alike.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from api.cards.lifecycle import Event
from api.cards.register import RecordedEvent
from api.cards.templates import context
from api.matching import transforms
from api.personal.consent import Basis
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import keys_of, open_sealed
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import keyed_hash
from api.storage.tables import card_events, cards, templates

TOLD_BY = frozenset(
    {
        Event.REGISTERED,
        Event.FACE_ADDED,
        Event.FINGERPRINTS_ADDED,
        Event.FACE_RE_ENROLLED,
        Event.BIOMETRICS_ERASED,
    }
)
"""The events whose leaves tell what the card holds after them."""


def committed(
    keys: Keys,
    serial_index: bytes | None,
    text_index: dict[str, str] | None,
    held: Iterable[Any] = (),
    found: FoundKeys | None = None,
) -> bytes:
    """The keyed hash (32 bytes); `held` are the card's rows of `templates`, `found` their keys where they are known.

    Raises `DatabaseUnavailable`.
    """
    rows = list(held)
    if found is None:
        found = keys_of(keys, (row.template_sealed for row in rows))
    body = {
        "serial": None if serial_index is None else serial_index.hex(),
        "text": text_index,
        "templates": sorted(_told(keys, row, found) for row in rows),
    }
    return keyed_hash(keys.index, "holdings", json.dumps(body, sort_keys=True))


def _told(keys: Keys, row: Any, found: FoundKeys) -> list[str]:
    return [row.modality, row.position or "", row.engine, _digest(keys, row, found)]


def _digest(keys: Keys, row: Any, found: FoundKeys) -> str:
    """Of the template as it was made, so that it may be renewed and sealed anew; of the envelope where it does not
    open."""
    try:
        stored = open_sealed(keys, row.template_sealed, context(row.id, row.card_id), found)
        template = transforms.original(keys, stored)
    except SealBroken:
        return f"sealed {hashlib.sha256(row.template_sealed).hexdigest()}"
    return hashlib.sha256(template).hexdigest()


def record(connection: Connection, keys: Keys, recorded: RecordedEvent, basis: Basis | None = None) -> RecordedEvent:
    """Note with an event what the card holds now, in the transaction that changed it, and on which ground templates
    were taken, where some were; gives the event with both."""
    card = connection.execute(
        select(cards.c.serial_index, cards.c.text_index).where(cards.c.id == recorded.card_id)
    ).one()
    held = connection.execute(select(templates).where(templates.c.card_id == recorded.card_id))
    holds = committed(keys, card.serial_index, card.text_index, held)
    _note(connection, recorded.id, holds, basis)
    return replace(recorded, holds=holds, basis=basis)


def _note(connection: Connection, event_id: UUID, holds: bytes, basis: Basis | None) -> None:
    noted = {"holds": holds, "basis": None if basis is None else basis.value}
    connection.execute(update(card_events).where(card_events.c.id == event_id).values(noted))
