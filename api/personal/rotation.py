"""Another master key for all that is sealed, and keys for templates that were sealed without one; with evidence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, func, select, update

from api.cards.templates import context as of_card
from api.institutions import acts
from api.personal.texts import reseal_texts
from api.screening.templates import context as of_entry
from api.storage.database import Database
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.parameters import BATCH
from api.storage.recordkeys.rotating import rotate
from api.storage.sealing import seal_under, unseal
from api.storage.tables import impostor_templates, templates

Progress = Callable[[int], None]
_FIRST = UUID(int=0)
# Each table with the column of the record, and the name that a template has there.
_SEALED: tuple[tuple[Table, str, Callable[[UUID, UUID], str]], ...] = (
    (templates, "card_id", of_card),
    (impostor_templates, "impostor_id", of_entry),
)


@dataclass(frozen=True)
class MasterRotated:
    """How many keys were wrapped anew, and how many templates and texts from versions before were sealed anew; `left`
    do not open and stay as they are."""

    rewrapped: int
    resealed: int
    left: int


def rotate_master(database: Database, keys: Keys, name: str, progress: Progress = lambda _: None) -> MasterRotated:
    """Have everything wrapped by the master key `name`; may be repeated until nothing is left.

    What the first master key wrapped beside the data comes under keys of the store first. Raises `MasterKeyUnavailable`
    and `DatabaseUnavailable`.
    """
    keys.of_records.masters.named(name)
    templates_done, templates_left = reseal(database, keys, progress)
    texts_done, texts_left = reseal_texts(database, keys, progress)
    done = rotate(keys.of_records, name, progress)
    resealed, left = templates_done + texts_done, done.left + templates_left + texts_left
    details = {"master_key": name, "rewrapped": done.rewrapped, "resealed": resealed, "left": left}
    _tell(database, keys, "master_key_rotated", details)
    return MasterRotated(done.rewrapped, resealed, left)


def reseal(database: Database, keys: Keys, progress: Progress = lambda _: None) -> tuple[int, int]:
    """Give keys of their own to records whose templates were sealed before there was a store of them.

    Gives how many templates were sealed anew, and how many did not open and stay as they are. A record is a
    transaction; a run that is broken off goes on with what is left. Raises `DatabaseUnavailable`.
    """
    done = left = 0
    for table, column, context in _SEALED:
        for records in _records(database, table, column):
            for record_id in records:
                with database.begin() as connection:
                    sealed, broken = _reseal(connection, keys, table, column, context, record_id)
                done, left = done + sealed, left + broken
                progress(sealed + broken)
    if done:
        _tell(database, keys, "templates_resealed", {"templates": done, "left": left})
    return done, left


def _records(database: Database, table: Table, column: str) -> Iterator[list[UUID]]:
    """Records that hold templates from before, a batch at a time."""
    after = _FIRST
    record, old = table.c[column], func.get_byte(table.c.template_sealed, 0) == 1
    while True:
        with database.begin() as connection:
            found = select(record).where(old, record > after).distinct().order_by(record).limit(BATCH)
            records = list(connection.execute(found).scalars())
        if not records:
            return
        yield records
        after = records[-1]


def _reseal(
    connection: Connection, keys: Keys, table: Table, column: str, context: Callable[[UUID, UUID], str], record_id: UUID
) -> tuple[int, int]:
    # Locked: a template that is taken away meanwhile does not come back.
    held = select(table).where(table.c[column] == record_id).order_by(table.c.id).with_for_update()
    rows = [row for row in connection.execute(held) if row.template_sealed[:1] == b"\x01"]
    opened = [(row, content) for row in rows if (content := _content(keys, row, context(row.id, record_id)))]
    if opened:
        key = keys.of_records.make()
        for row, content in opened:
            envelope = seal_under(*key, content, context(row.id, record_id))
            new = update(table).where(table.c.id == row.id)
            connection.execute(new.values(template_sealed=envelope, master_key_id=None))
    return len(opened), len(rows) - len(opened)


def _content(keys: Keys, row: Any, place: str) -> bytes | None:
    try:
        return unseal(keys.master, row.template_sealed, place)
    except SealBroken:
        return None


def _tell(database: Database, keys: Keys, act: str, details: dict[str, Any]) -> None:
    with database.begin() as connection:
        acts.record(connection, keys, act, actor_id=None, institution_id=None, subject_id=None, details=details)
