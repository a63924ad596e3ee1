"""Texts at rest that are no one person's record: numbers, references, explanations, webhooks' secrets, cookies.

They are sealed under one key of the deployment, the texts' key, which lies in the store wrapped by the master key as
all do: another master key wraps it anew, and no text has to be touched. Texts from versions before this one are sealed
under keys that stand beside them wrapped by `keys/master.key`; they open as before until they are sealed anew.
"""

from uuid import UUID

from sqlalchemy import select, update

from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import standing
from api.storage.recordkeys.store import RecordKeys
from api.storage.recordkeys.tables import key_store
from api.storage.sealing import record_key_of, seal_under, unseal, unseal_under


def seal_text(keys: Keys, value: bytes, context: str) -> bytes:
    """Encrypt a text; `context` names the record that it belongs to. Raises `DatabaseUnavailable`,
    `MasterKeyUnavailable`."""
    key_id = _present(keys.of_records)
    return seal_under(key_id, standing.of(keys, key_id, "text", bytes), value, context)


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


def _present(store: RecordKeys) -> UUID:
    """The texts' key, made by whoever comes first."""
    if store.of_texts is None:
        with store.database.single() as connection:
            found = connection.execute(select(key_store.c.text_key_id)).scalar_one()
        store.of_texts = found or _made(store)
    return store.of_texts


def _made(store: RecordKeys) -> UUID:
    made, _ = store.make()
    with store.database.begin() as connection:
        mine = update(key_store).where(key_store.c.text_key_id.is_(None)).values(text_key_id=made)
        connection.execute(mine)
        present: UUID = connection.execute(select(key_store.c.text_key_id)).scalar_one()
    if present != made:
        store.forget([made])
    return present
