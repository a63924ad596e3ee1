"""Templates at rest: sealed for their record, opened for one comparison, never logged."""

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from api.matching.captures import FingerPosition, Reference
from api.matching.comparison import EnrolledTemplate
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.sealing import seal, unseal
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
    """Seal and store templates of a card."""
    for template in enrolled:
        template_id = uuid4()
        connection.execute(
            insert(templates).values(
                id=template_id,
                card_id=card_id,
                modality=template.modality,
                position=template.position,
                engine=template.engine,
                template_sealed=seal(keys.master, template.template, context(template_id, card_id)),
                master_key_id=keys.master_id,
            )
        )


def replace_face(connection: Connection, keys: Keys, card_id: UUID, enrolled: EnrolledTemplate) -> None:
    """Put a face template of a card in the place of the one that is stored."""
    connection.execute(delete(templates).where(templates.c.card_id == card_id, templates.c.modality == "face"))
    add(connection, keys, card_id, (enrolled,))


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
    comparison then says so, and the other modalities still count.
    """
    return tuple(
        Reference(
            modality=row.modality,
            position=None if row.position is None else FingerPosition(row.position),
            engine=row.engine,
            template=_open(keys, row.template_sealed, row.template_id, row.card_id),
        )
        for row in rows
    )


def _open(keys: Keys, envelope: bytes, template_id: UUID, card_id: UUID) -> bytes | None:
    try:
        return unseal(keys.master, envelope, context(template_id, card_id))
    except SealBroken:
        _log.error("template %s does not open", template_id)
        return None


def context(template_id: UUID, card_id: UUID) -> str:
    """The record for which a template is sealed."""
    return f"template:{template_id}:{card_id}"
