"""Texts at rest that are no one person's record: numbers, references, explanations, webhooks' secrets, cookies.

They are sealed under one key of the deployment, the texts' key, which lies in the store wrapped by the master key as
all do: another master key wraps it anew, and no text has to be touched. Texts from versions before this one are sealed
under keys that stand beside them wrapped by `keys/master.key`; they open as before until they are sealed anew.
"""

import time
from uuid import UUID

from sqlalchemy import select, update

from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import standing
from api.storage.recordkeys.envelopes import KeyGone
from api.storage.recordkeys.parameters import STANDING_S
from api.storage.recordkeys.store import RecordKeys
from api.storage.recordkeys.tables import key_store
from api.storage.sealing import record_key_of, seal_under, unseal, unseal_under


def seal_text(keys: Keys, value: bytes, context: str) -> bytes:
    """Encrypt a text; `context` names the record that it belongs to. Raises `DatabaseUnavailable`,
    `MasterKeyUnavailable`."""
    key_id, key = text_key(keys)
    return seal_under(key_id, key, value, context)


def open_text(keys: Keys, envelope: bytes, context: str) -> bytes:
    """Decrypt what `seal_text` sealed, or an older version. Raises `SealBroken` and as `seal_text`."""
    key_id = record_key_of(envelope)
    if key_id is None:
        return unseal(keys.master, envelope, context)
    return unseal_under(standing.of(keys, key_id, "text", bytes), envelope, context)


def open_presented(keys: Keys, envelope: bytes, context: str) -> bytes:
    """As `open_text`, for what strangers send: nobody has us look for a key of their choice."""
    if record_key_of(envelope) not in {None, _present(keys.of_records)}:
        raise SealBroken("not sealed under the present key")
    return open_text(keys, envelope, context)


def text_key(keys: Keys) -> tuple[UUID, bytes]:
    """The key that texts are sealed under now, with its identifier. Raises as `seal_text`."""
    store = keys.of_records
    key_id = _present(store)
    try:
        return key_id, standing.of(keys, key_id, "text", bytes)
    except KeyGone:
        # The store was lost, and is another one now: it has one of its own, or gets one.
        key_id = _asked(store, gone=key_id)
        return key_id, standing.of(keys, key_id, "text", bytes)


def _present(store: RecordKeys) -> UUID:
    """The texts' key, asked for anew now and then: a store that was restored may name another one."""
    known = store.of_texts
    return known if known is not None and time.monotonic() < store.of_texts_until else _asked(store)


def _asked(store: RecordKeys, gone: UUID | None = None) -> UUID:
    """What the store says, made by whoever comes first; `gone`: one that is not there any more."""
    with store.database.single() as connection:
        found: UUID | None = connection.execute(select(key_store.c.text_key_id)).scalar_one()
    if found is None or found == gone:
        found = _made(store, instead_of=found)
    store.of_texts, store.of_texts_until = found, time.monotonic() + STANDING_S
    return found


def _made(store: RecordKeys, instead_of: UUID | None) -> UUID:
    made, _ = store.make()
    with store.database.begin() as connection:
        former = key_store.c.text_key_id.is_not_distinct_from(instead_of)
        connection.execute(update(key_store).where(former).values(text_key_id=made))
        present: UUID = connection.execute(select(key_store.c.text_key_id)).scalar_one()
    if present != made:
        store.forget([made])
    return present
