"""Which cards are invalid at one number of the feed: one consistent look at the database, read as it comes."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, text

from api.feed.snapshots.fuse import Words
from api.storage.database import Database

_BEGIN = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_UNHURRIED = text("SET LOCAL statement_timeout = 0")
# The statement's time is before the look that it stands for: what was committed by then is in it.
_HEAD = text(
    "SELECT seq, key_id, statement_timestamp() AS as_of,"
    " EXISTS (SELECT 1 FROM feed_events WHERE tag IS NULL) AS untagged FROM feed_head"
)
_COPY = """
    COPY (
        SELECT substr(tag, 1, 8) FROM (
            SELECT DISTINCT ON (card_id) invalid, tag FROM feed_events ORDER BY card_id, seq DESC
        ) AS newest WHERE invalid
    ) TO STDOUT (FORMAT BINARY)
"""
# PostgreSQL's binary form: a signature, flags and an extension in front, then rows of one field of eight bytes.
_FRONT_BYTES = 19
_ROW = np.dtype([("fields", ">i2"), ("length", ">i4"), ("key", "<u8")])
_CHUNK_BYTES = 8 << 20


class TagsIncomplete(Exception):
    """Cards have no tag under the present key yet: a snapshot would miss them."""


@dataclass(frozen=True)
class Invalid:
    """The cards invalid at `seq`, which was the newest at `as_of`: `keys`, uint64 (n), are the first eight bytes of
    their tags, in no order."""

    seq: int
    key_id: str
    as_of: datetime
    keys: Words


def read_invalid(database: Database) -> Invalid:
    """Read them. Raises `TagsIncomplete`, `DatabaseUnavailable`."""
    with database.begin() as connection:
        connection.execute(_BEGIN)
        connection.execute(_UNHURRIED)
        head = connection.execute(_HEAD).one()
        if head.untagged or not head.key_id:
            raise TagsIncomplete
        return Invalid(head.seq, head.key_id, head.as_of, _keys(connection))


def _keys(connection: Connection) -> Words:
    """A row is 14 bytes on its way and 8 here: ten million cards are 80 MB."""
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("a connection without its driver's")
    read: list[Words] = []
    waiting = bytearray()
    skip = _FRONT_BYTES
    with driver.cursor() as cursor, cursor.copy(_COPY) as rows:
        for block in rows:
            waiting += block
            if len(waiting) >= _CHUNK_BYTES:
                read.append(_parsed(waiting, skip))
                skip = 0
    read.append(_parsed(waiting, skip))
    return np.concatenate(read)


def _parsed(waiting: bytearray, skip: int) -> Words:
    """The whole rows of a buffer, which they leave."""
    count = max(0, len(waiting) - skip) // _ROW.itemsize
    rows = np.frombuffer(bytes(waiting[skip : skip + count * _ROW.itemsize]), _ROW)
    if not bool(((rows["fields"] == 1) & (rows["length"] == 8)).all()):
        raise RuntimeError("the database does not give tags in the form that was asked for")
    del waiting[: skip + count * _ROW.itemsize]
    return rows["key"].astype(np.uint64)
