"""Keys that nothing is sealed under: made for something that was then refused, or whose templates are gone.

They open nothing and harm nobody but the disk. They are deleted when somebody asks for it, and not by a clock: a
database that was brought back to an earlier state for an hour would else cost the keys of all that came after it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, text

from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys.parameters import BATCH, ORPHAN_HOURS

SEALED = (
    ("templates", "template_sealed"),
    ("impostor_templates", "template_sealed"),
    ("cards", "number_sealed"),
    ("card_events", "reason_sealed"),
    ("impostors", "case_sealed"),
    ("transactions", "reference_sealed"),
    ("overrides", "text_sealed"),
    ("check_disputes", "text_sealed"),
    ("check_disputes", "note_sealed"),
    ("webhooks", "secret_sealed"),
    ("duplicate_searches", "case_sealed"),
    ("holds", "reference_sealed"),
)
"""Tables and columns that hold envelopes."""

# The envelopes' heads: see `sealing.seal_under`. Of transforms those that something is under, and the one that turns
# what is new.
_HEADS = tuple(
    f"SELECT substring({column} FROM 2 FOR 16) FROM {table} WHERE get_byte({column}, 0) = 2"  # noqa: S608 - our own names
    for table, column in SEALED
)
_TRANSFORMS = (
    "SELECT uuid_send(transform_id) FROM templates WHERE transform_id IS NOT NULL",
    "SELECT uuid_send(transform_id) FROM impostor_templates WHERE transform_id IS NOT NULL",
    "SELECT uuid_send(id) FROM face_transforms WHERE superseded_at IS NULL",
)
_USED = text(" UNION ".join((*_HEADS, *_TRANSFORMS)))
_HELD = text("CREATE TEMPORARY TABLE used (id uuid) ON COMMIT DROP")
_ORPHANS = (
    "created_at < now() - make_interval(hours => :hours)"
    " AND NOT EXISTS (SELECT FROM used WHERE used.id = record_keys.id)"
    " AND NOT EXISTS (SELECT FROM key_store WHERE key_store.text_key_id = record_keys.id)"
)
_COUNT = text(f"SELECT count(*) AS keys, count(*) FILTER (WHERE {_ORPHANS}) AS orphans FROM record_keys")  # noqa: S608 - our own words
_DELETE = text(f"DELETE FROM record_keys WHERE {_ORPHANS}")  # noqa: S608 - our own words


@dataclass(frozen=True)
class Swept:
    """How many keys there were, how many of them opened nothing, and how many of these were deleted."""

    keys: int
    orphans: int
    deleted: int


def sweep(
    data: Database, keys: Keys, *, delete: bool, before_deleted: Callable[[Swept], None] = lambda _: None
) -> Swept:
    """Count the keys that nothing is sealed under and that are a day old; delete them if asked to.

    Half of all keys or more are not deleted: then it is rather the database that is of another day. `before_deleted` is
    told what goes when the transaction ends, and keeps it there by raising. Raises `DatabaseUnavailable`.
    """
    with keys.of_records.database.begin() as store:
        store.execute(text("SET LOCAL statement_timeout = 0"))
        store.execute(_HELD)
        with data.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            _copy(connection, store)
        row = store.execute(_COUNT, {"hours": ORPHAN_HOURS}).one()
        few = 2 * row.orphans < row.keys
        deleted = store.execute(_DELETE, {"hours": ORPHAN_HOURS}).rowcount if delete and few else 0
        swept = Swept(row.keys, row.orphans, deleted)
        if deleted:
            before_deleted(swept)
        return swept


def _copy(data: Connection, store: Connection) -> None:
    driver = store.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs a connection of psycopg 3")
    with (
        data.execute(_USED, execution_options={"yield_per": BATCH}) as rows,
        driver.cursor() as cursor,
        cursor.copy("COPY used FROM STDIN") as copy,
    ):
        for (key_id,) in rows:
            copy.write_row([bytes(key_id).hex()])
