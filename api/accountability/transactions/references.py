"""References of business transactions: the institution's own, sealed at rest, in evidence only as a hash."""

import logging
import re
from uuid import UUID

from api.cards import number
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.sealing import keyed_hash

_log = logging.getLogger(__name__)

_FORM = re.compile(r"[\x21-\x7e]{1,64}")


def sound(reference: str) -> bool:
    """Whether it may be a transaction's: visible ASCII, and no citizen's number."""
    if _FORM.fullmatch(reference) is None:
        return False
    try:
        number.normalise(reference)
    except (number.NumberInvalid, number.CheckDigitWrong):
        return True
    return False


def named(keys: Keys, institution_id: UUID, reference: str) -> bytes:
    """The keyed hash (32 bytes) under which the institution's transaction is found: two houses' never agree."""
    return keyed_hash(keys.index, "transaction", institution_id.bytes, reference)


def sealed(keys: Keys, transaction_id: UUID, reference: str) -> bytes:
    """For the transaction's row."""
    return seal_text(keys, reference.encode(), context(transaction_id))


def opened(keys: Keys, transaction_id: UUID, envelope: bytes | None) -> str | None:
    """As it was given; None where its time is over, and, with a line in the log, where it does not open."""
    if envelope is None:
        return None
    try:
        return open_text(keys, envelope, context(transaction_id)).decode()
    except SealBroken:
        _log.error("the reference of the transaction %s does not open", transaction_id)
        return None


def context(transaction_id: UUID) -> str:
    """The record for which a reference is sealed."""
    return f"transaction:{transaction_id}:reference"
