"""What people wrote to explain themselves: sealed at rest, in evidence only as a hash."""

import logging
from uuid import UUID

from api.screening import cases
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.sealing import keyed_hash

_log = logging.getLogger(__name__)


def sound(text: str) -> bool:
    """Whether it may be kept: printable, and no run of digits that may be a person's number."""
    return cases.sound(text)


def sealed(keys: Keys, about: str, subject_id: UUID, text: str) -> bytes:
    """For the row of `about`, such as an override."""
    return seal_text(keys, text.encode(), context(about, subject_id))


def opened(keys: Keys, about: str, subject_id: UUID, envelope: bytes | None) -> str | None:
    """As it was written; None where there is none, and, with a line in the log, where it does not open."""
    if envelope is None:
        return None
    try:
        return open_text(keys, envelope, context(about, subject_id)).decode()
    except SealBroken:
        _log.error("the explanation of the %s %s does not open", about, subject_id)
        return None


def named(keys: Keys, text: str) -> str:
    """For the evidence: shows later that a text is the one that was given, and tells nothing of it."""
    return keyed_hash(keys.index, "explanation", text).hex()


def context(about: str, subject_id: UUID) -> str:
    """The record for which an explanation is sealed."""
    return f"{about}:{subject_id}:explanation"
