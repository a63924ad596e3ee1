"""Impostors' templates at rest: faces turned, all sealed under their entry's key, opened for the galleries, gone
when the entry ends."""

import logging
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, insert

from api.matching import transforms
from api.matching.captures import FingerPosition, Reference
from api.matching.comparison import Comparer, EnrolledTemplate, Template
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import notes
from api.storage.recordkeys.envelopes import open_sealed
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import seal_under
from api.storage.tables import impostor_templates
from biometrics.errors import BiometricError

_log = logging.getLogger(__name__)


def add(connection: Connection, keys: Keys, impostor_id: UUID, enrolled: tuple[EnrolledTemplate, ...]) -> None:
    """Seal and store the templates of an entry, under a key of its own. Raises `DatabaseUnavailable`."""
    key = keys.of_records.make()
    contents = transforms.for_storage(connection, keys, enrolled)
    for template, (content, transform_id) in zip(enrolled, contents, strict=True):
        template_id = uuid4()
        connection.execute(
            insert(impostor_templates).values(
                id=template_id,
                impostor_id=impostor_id,
                modality=template.modality,
                position=template.position,
                engine=template.engine,
                template_sealed=seal_under(*key, content, context(template_id, impostor_id)),
                transform_id=transform_id,
            )
        )


def erase(connection: Connection, impostor_id: UUID) -> None:
    """Delete the templates of an entry that ended, and have their key deleted once this is committed."""
    gone = delete(impostor_templates).where(impostor_templates.c.impostor_id == impostor_id)
    notes.note(connection, connection.execute(gone.returning(impostor_templates.c.template_sealed)).scalars())


def opened(keys: Keys, comparer: Comparer, row: Any, found: FoundKeys) -> Template | None:
    """The template in a row of `records.CHANGES` or `records.CANDIDATES`; None, and a line in the log, where it does
    not open. `found` are the keys of `keys_of`. A face is under the transform that it names."""
    try:
        content = open_sealed(keys, row.template_sealed, context(row.template_id, row.impostor_id), found)
        position = None if row.position is None else FingerPosition(row.position)
        return comparer.opened(Reference(row.modality, position, row.engine, content))
    except (SealBroken, BiometricError, ValueError) as error:
        _log.error("an impostor's template %s cannot be used: %s", row.template_id, type(error).__name__)
        return None


def context(template_id: UUID, impostor_id: UUID) -> str:
    """The record for which a template is sealed."""
    return f"impostor template:{template_id}:{impostor_id}"
