"""Case references: a file's number at the police or the institution, sealed at rest, in evidence only as a hash."""

import logging
import re
from uuid import UUID

from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.sealing import keyed_hash

_log = logging.getLogger(__name__)

# A citizen's number, with or without what people write between its digits.
_NUMBER = re.compile(r"(?:[0-9][ .\-]?){15,}")


def sound(reference: str) -> bool:
    """Whether it may be a case's: no control characters, and no run of digits that may be a person's number."""
    return reference.isprintable() and _NUMBER.search(reference) is None


def sealed(keys: Keys, impostor_id: UUID, reference: str) -> bytes:
    """For the entry's row."""
    return seal_text(keys, reference.encode(), context(impostor_id))


def opened(keys: Keys, impostor_id: UUID, envelope: bytes | None) -> str | None:
    """As it was given; None where its time is over, and, with a line in the log, where it does not open."""
    if envelope is None:
        return None
    try:
        return open_text(keys, envelope, context(impostor_id)).decode()
    except SealBroken:
        _log.error("the case of the entry %s does not open", impostor_id)
        return None


def named(keys: Keys, reference: str) -> str:
    """For the evidence: the same for the same reference, and telling nothing of it."""
    return keyed_hash(keys.index, "case", reference).hex()


def context(impostor_id: UUID) -> str:
    """The record for which an entry's case is sealed."""
    return f"impostor:{impostor_id}:case"
