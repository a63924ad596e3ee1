"""What was committed, in the order of the commit records in the write-ahead log: the other half of the evidence.

PostgreSQL's own logical decoding gives every committed transaction once, whole, in the order in which the commit
records stand in the log, and nothing that was rolled back; kill -9 of the server included. No clock has a part in it.

The messages are those of the plugin `pgoutput` (PostgreSQL's documentation, "Logical Replication Message Formats").
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

SLOT = PUBLICATION = "history"
# As much of each act as the checker needs; the tables' other columns stay where they are.
_PUBLISHED = (
    f"CREATE PUBLICATION {PUBLICATION} FOR TABLE verifications (id, card_id, decision, document_status), "
    "card_events (id, card_id, event, status), idempotency (principal_id, key) WITH (publish = 'insert')"
)
_BEGIN = struct.Struct(">QqI")
_RELATION = struct.Struct(">I")
_COUNT = struct.Struct(">H")
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Act:
    """A committed act: where its commit record stands in the log (bytes from its start), and what it did.

    `kind` is `verification` or `event`; `what` a decision (`PASS`) or an event (`reported_lost`), `status` the document
    status that was decided on, or the card's status after the event. `key` is the idempotency key of the same
    transaction, empty when it has none.
    """

    lsn: int
    kind: str
    id: str
    card_id: str
    what: str
    status: str
    key: str


def begin(connection: "Connection[Any]") -> None:
    """Start the record: everything that is committed from now on."""
    connection.execute(_PUBLISHED)
    connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (SLOT,))


def read(connection: "Connection[Any]", after: int) -> list[Act]:
    """The acts behind a place in the log. They stay recorded until `forget`, so that no crash loses any."""
    rows = connection.execute(
        "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, "
        "'proto_version', '1', 'publication_names', %s)",
        (SLOT, PUBLICATION),
        binary=True,
    )
    return [act for act in parse(row[0] for row in rows) if act.lsn > after]


def forget(connection: "Connection[Any]", upto: int) -> None:
    """Let go of what was read, up to a place in the log."""
    place = sql.Literal(f"{upto >> 32:X}/{upto & 0xFFFFFFFF:X}")
    connection.execute(
        sql.SQL("SELECT pg_replication_slot_advance({}, {}::pg_lsn + 1)").format(sql.Literal(SLOT), place)
    )


def parse(messages: Iterable[bytes]) -> Iterator[Act]:
    """The acts in a stream of messages. Raises ValueError for an act with more than one row of its kind."""
    tables: dict[int, tuple[str, list[str]]] = {}
    lsn, rows = 0, dict[str, dict[str, str]]()
    for message in messages:
        match message[:1]:
            case b"B":
                lsn, rows = _BEGIN.unpack_from(message, 1)[0], {}
            case b"R":
                number, table, columns = _relation(message)
                tables[number] = (table, columns)
            case b"I":
                table, columns = tables[_RELATION.unpack_from(message, 1)[0]]
                if table in rows:
                    raise ValueError(f"one transaction wrote {table} twice")
                rows[table] = dict(zip(columns, _tuple(message, 6), strict=True))
            case b"C":
                yield from _acts(lsn, rows)


def _acts(lsn: int, rows: dict[str, dict[str, str]]) -> Iterator[Act]:
    key = rows.get("idempotency", {}).get("key", "")
    if (row := rows.get("verifications")) is not None:
        yield Act(lsn, "verification", row["id"], row["card_id"], row["decision"], row["document_status"], key)
    if (row := rows.get("card_events")) is not None:
        yield Act(lsn, "event", row["id"], row["card_id"], row["event"], row["status"], key)


def _relation(message: bytes) -> tuple[int, str, list[str]]:
    number = _RELATION.unpack_from(message, 1)[0]
    _, at = _text(message, 5)
    table, at = _text(message, at)
    # The replica identity, one byte, then the columns.
    count = _COUNT.unpack_from(message, at + 1)[0]
    at += 3
    columns = []
    for _ in range(count):
        name, at = _text(message, at + 1)
        columns.append(name)
        at += 8
    return number, table, columns


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1


def _tuple(message: bytes, at: int) -> Iterator[str]:
    count = _COUNT.unpack_from(message, at)[0]
    at += 2
    for _ in range(count):
        kind = message[at : at + 1]
        at += 1
        if kind != b"t":
            yield ""
            continue
        length = _LENGTH.unpack_from(message, at)[0]
        at += 4
        yield message[at : at + length].decode()
        at += length
