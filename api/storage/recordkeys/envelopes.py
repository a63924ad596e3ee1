"""Opening what is sealed for a record, whichever form its envelope has."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.parameters import BATCH
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import record_key_of, unseal, unseal_under

Row = TypeVar("Row")


class KeyGone(SealBroken):
    """The key of the record was deleted: what was sealed under it is gone for good."""


def open_sealed(keys: Keys, envelope: bytes, context: str, found: FoundKeys) -> bytes:
    """What is sealed for the record that `context` names; `found` are the keys of `keys_of`.

    Raises `KeyGone`, and `SealBroken` for what is damaged, another record's, or sealed under a lost master key.
    """
    key_id = record_key_of(envelope)
    if key_id is None:
        return unseal(keys.master, envelope, context)
    if key_id not in found:
        raise KeyGone("the key of the record was deleted")
    key = found[key_id]
    if key is None:
        raise SealBroken("the key of the record does not unwrap")
    return unseal_under(key, envelope, context)


def keys_of(keys: Keys, envelopes: Iterable[bytes]) -> FoundKeys:
    """The keys of envelopes, in one journey; none for those from before there was a store.

    Raises `DatabaseUnavailable`, `MasterKeyUnavailable`.
    """
    ids = {key_id for envelope in envelopes if (key_id := record_key_of(envelope)) is not None}
    return keys.of_records.read(ids) if ids else {}


def read_ahead(
    keys: Keys, rows: Iterable[Row], sealed: Callable[[Row], Iterable[bytes]], size: int = BATCH
) -> Iterator[tuple[Row, FoundKeys]]:
    """Rows, each with the keys of what is sealed in it and in those beside it: a journey for every `size` rows."""
    left = iter(rows)
    while some := list(islice(left, size)):
        found = keys_of(keys, (envelope for row in some for envelope in sealed(row)))
        for row in some:
            yield row, found
