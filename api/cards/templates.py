"""Templates at rest: faces turned, all sealed under their card's key, opened for one comparison, never logged."""

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from api.matching import transforms
from api.matching.captures import FingerPosition, Reference
from api.matching.comparison import EnrolledTemplate
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import notes
from api.storage.recordkeys.envelopes import KeyGone, keys_of, open_sealed
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import record_key_of, seal_under
from api.storage.tables import cards, templates

_log = logging.getLogger(__name__)

# Parameter `instance`; to be ordered by modality and position.
OF_INSTANCE: Select[Any] = (
    select(
        templates.c.id.label("template_id"),
        templates.c.card_id,
        templates.c.modality,
        templates.c.position,
        templates.c.engine,
        templates.c.template_sealed,
    )
    .join(cards, cards.c.id == templates.c.card_id)
    .where(cards.c.instance_index == bindparam("instance"))
)


def add(connection: Connection, keys: Keys, card_id: UUID, enrolled: tuple[EnrolledTemplate, ...]) -> None:
    """Seal and store templates of a card, under the key that it has or a new one. Raises `DatabaseUnavailable`."""
    if enrolled:
        _store(connection, keys, card_id, enrolled, _key(connection, keys, card_id))


def replace_face(connection: Connection, keys: Keys, card_id: UUID, enrolled: EnrolledTemplate) -> None:
    """Put a face template of a card in the place of the one that is stored. Raises `DatabaseUnavailable`."""
    key = _key(connection, keys, card_id)
    connection.execute(delete(templates).where(templates.c.card_id == card_id, templates.c.modality == "face"))
    _store(connection, keys, card_id, (enrolled,), key)


def erase(connection: Connection, card_id: UUID) -> int:
    """Delete a card's templates, and have their keys deleted once this is committed; gives how many there were."""
    gone = delete(templates).where(templates.c.card_id == card_id).returning(templates.c.template_sealed)
    envelopes = list(connection.execute(gone).scalars())
    notes.note(connection, envelopes)
    return len(envelopes)


def _store(
    connection: Connection, keys: Keys, card_id: UUID, enrolled: tuple[EnrolledTemplate, ...], key: tuple[UUID, bytes]
) -> None:
    contents = transforms.for_storage(connection, keys, enrolled)
    for template, (content, transform_id) in zip(enrolled, contents, strict=True):
        template_id = uuid4()
        connection.execute(
            insert(templates).values(
                id=template_id,
                card_id=card_id,
                modality=template.modality,
                position=template.position,
                engine=template.engine,
                template_sealed=seal_under(*key, content, context(template_id, card_id)),
                transform_id=transform_id,
            )
        )


def _key(connection: Connection, keys: Keys, card_id: UUID) -> tuple[UUID, bytes]:
    """The key of what the card holds; a new one where it holds nothing, and where that key is gone.

    Whoever changes what a card holds does so under the lock of its row: nobody deletes a key that is taken here, for it
    is deleted with all that it sealed.
    """
    held = connection.execute(select(templates.c.template_sealed).where(templates.c.card_id == card_id)).scalars()
    ids = [key_id for envelope in held if (key_id := record_key_of(envelope)) is not None]
    found = keys.of_records.read(ids) if ids else {}
    return next(((key_id, key) for key_id, key in found.items() if key is not None), None) or keys.of_records.make()


def has_face(connection: Connection, card_id: UUID) -> bool:
    """Whether the card holds a face."""
    held = select(templates.c.id).where(templates.c.card_id == card_id, templates.c.modality == "face")
    return connection.execute(held).first() is not None


def positions(connection: Connection, card_id: UUID) -> set[str]:
    """The finger positions that a card holds."""
    held = select(templates.c.position).where(templates.c.card_id == card_id, templates.c.position.is_not(None))
    return set(connection.execute(held).scalars())


def of_instance(connection: Connection, keys: Keys, instance_index: bytes) -> tuple[Reference, ...]:
    """The templates of a card instance, opened (see `opened`); none for an unknown card."""
    ordered = OF_INSTANCE.order_by(templates.c.modality, templates.c.position)
    return opened(keys, connection.execute(ordered, {"instance": instance_index}))


def opened(keys: Keys, rows: Iterable[Any]) -> tuple[Reference, ...]:
    """The templates in rows of `OF_INSTANCE`.

    A template that does not open (damaged, or sealed under a lost key) is given with None as its content: the
    comparison then says so, and the other modalities still count. One whose key was deleted is `erased` too.
    Raises `DatabaseUnavailable`.
    """
    held = list(rows)
    found = keys_of(keys, (row.template_sealed for row in held))
    return tuple(_opened(keys, row, found) for row in held)


def _opened(keys: Keys, row: Any, found: FoundKeys) -> Reference:
    content = transform = None
    erased = False
    try:
        stored = open_sealed(keys, row.template_sealed, context(row.template_id, row.card_id), found)
        transform = transforms.of_stored(keys, stored)
        content = stored
    except KeyGone:
        erased = True
        _log.warning("template %s is of an earlier state of the database: its key was deleted", row.template_id)
    except SealBroken:
        _log.error("template %s does not open", row.template_id)
    position = None if row.position is None else FingerPosition(row.position)
    return Reference(row.modality, position, row.engine, content, erased, transform)


def context(template_id: UUID, card_id: UUID) -> str:
    """The record for which a template is sealed."""
    return f"template:{template_id}:{card_id}"
