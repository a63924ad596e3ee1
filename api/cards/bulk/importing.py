"""Reads a file of cards into the register: a chunk a transaction, with events and evidence, resumable, idempotent.

How far a file got is written in the transaction of its chunk: an import that is broken off goes on where it was when
the same file is given again, and nothing of a row is there without the rest of it. Bad rows are left out and told.
Chunks of several files go side by side, those with a death in them alone: whose death a file states is dead with every
card of the number, whichever row comes first (see `api.cards.bulk.deaths`).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.cards import holdings, looking_up, register
from api.cards.bulk import deaths, reading
from api.cards.bulk.reading import Row
from api.cards.identity import CardIdentity, CardIndexes, indexes
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Event, Status
from api.cards.number import sealed_as
from api.cards.register import RecordedEvent
from api.cards.schemas import CardBody
from api.errors import catalogue
from api.evidence import leaves
from api.feed import events as feed
from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.storage.copying import copy_rows
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys.texts import seal_text
from api.storage.tables import card_events, cards, imports

CHUNK = 2000
# Chunks with deaths go alone and may reach others' cards: short ones, so that nobody waits long for them.
MOST_DEATHS = 200
_TICK = timedelta(microseconds=1)

# How a card came by the status that the file states.
_EVENT_OF = {
    Status.LOST: Event.REPORTED_LOST,
    Status.STOLEN: Event.REPORTED_STOLEN,
    Status.REISSUED: Event.REISSUED,
    Status.CANCELLED: Event.CANCELLED,
    Status.DECEASED: Event.HOLDER_DECEASED,
}
_COLUMNS = (
    "id",
    "instance_index",
    "number_index",
    "serial_index",
    "number_sealed",
    "type",
    "issuer",
    "valid_from",
    "valid_to",
    "text_index",
    "status",
    "registered_by",
)
_EVENT_COLUMNS = ("id", "card_id", "event", "status", "recorded_by", "recorded_at", "holds")
_INCOMING = "CREATE TEMPORARY TABLE incoming (LIKE cards INCLUDING DEFAULTS) ON COMMIT DROP"
_TAKE = (
    f"INSERT INTO cards ({', '.join(_COLUMNS)}) SELECT {', '.join(_COLUMNS)} FROM incoming"  # noqa: S608 - our names
    # In one order, whatever that of the file is: two files with the same cards would wait for each other in a circle.
    " ORDER BY instance_index ON CONFLICT (instance_index) DO NOTHING RETURNING id"
)

OnFault = Callable[[int, str, str], None]
"""Told of a row that is left out: its line, the field at fault (or nothing), the code."""


@dataclass(frozen=True)
class Tally:
    """How far a file got, earlier runs included; `rows_before` were dealt with before this run.

    `also_dead`: how many cards that were there before this run recorded dead, because the file states their holder's
    death; of those that the caller may see.
    """

    rows_done: int = 0
    registered: int = 0
    left_out: int = 0
    rows_before: int = field(default=0, compare=False)
    also_dead: int = field(default=0, compare=False)


@dataclass(frozen=True)
class _Card:
    """A sound row. `dead`: its holder is, as another row or the register says."""

    line: int
    id: UUID
    identity: CardIdentity
    found: CardIndexes
    status: Status
    dead: bool = False


def load(
    database: Database,
    keys: Keys,
    caller: Caller,
    path: Path,
    on_fault: OnFault,
    on_progress: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Read the file, or the rest of it.

    Raises `FileUnusable`, `ImportMoved`, `KeyRevoked` (at the next chunk, when the key is revoked meanwhile) and
    `DatabaseUnavailable`; what was done stays done.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    tally = _begin(database, caller, digest)
    rows = islice(reading.rows(path), tally.rows_done, None)
    while chunk := _chunk(rows):
        faults: list[tuple[int, str, str]] = []
        sound = list(_sound(keys, chunk, faults))
        with database.begin() as connection:
            credentials.hold(connection, caller)
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            tally = _write(connection, keys, caller, digest, tally, len(chunk), sound, faults)
            # Before the commit: whoever is killed here tells them twice, and never not at all.
            for fault in sorted(faults):
                on_fault(*fault)
        on_progress(tally)
    _finish(database, keys, caller, digest, tally)
    return tally


class ImportMoved(Exception):
    """Another process reads the same file at the same time."""


def _chunk(rows: Iterator[Row]) -> list[Row]:
    """The next rows, fewer where many state a death."""
    chunk: list[Row] = []
    left = MOST_DEATHS
    for row in islice(rows, CHUNK):
        chunk.append(row)
        left -= row.values is not None and row.values.get("status") == Status.DECEASED
        if left == 0:
            break
    return chunk


def _begin(database: Database, caller: Caller, digest: bytes) -> Tally:
    with database.begin() as connection:
        connection.execute(
            upsert(imports)
            .values(file_sha256=digest, institution_id=caller.institution_id, rows_done=0, registered=0, left_out=0)
            .on_conflict_do_nothing()
        )
        row = connection.execute(
            select(imports.c.rows_done, imports.c.registered, imports.c.left_out).where(*_this(caller, digest))
        ).one()
    return Tally(*row, rows_before=row.rows_done)


def _this(caller: Caller, digest: bytes) -> tuple[Any, ...]:
    return imports.c.file_sha256 == digest, imports.c.institution_id == caller.institution_id


def _sound(keys: Keys, chunk: list[Row], faults: list[tuple[int, str, str]]) -> Iterator[_Card]:
    """Rows that hold a card; the others' faults. A row whose card stands earlier in the chunk is one of those."""
    seen: set[bytes] = set()
    for row in chunk:
        if row.values is None:
            faults.append((row.line, "", str(row.fault)))
            continue
        values = dict(row.values)
        values.pop("id", None)  # another register's name of the card, where the file is an export
        status = _status(values.pop("status", Status.VALID))
        if status is None:
            faults.append((row.line, "status", "status_unknown"))
        # A long-term card leaves the column empty in a file, where JSON says null.
        values.setdefault("valid_to", None)
        try:
            identity = CardBody.model_validate(values).identity()
        except ValidationError as error:
            faults.extend((row.line, *fault) for fault in _faults(error))
            continue
        if status is None:
            continue
        found = indexes(keys.index, identity)
        if found.instance in seen:
            faults.append((row.line, "", "card_exists"))
            continue
        seen.add(found.instance)
        yield _Card(row.line, uuid4(), identity, found, status)


def _status(given: Any) -> Status | None:
    try:
        return Status(given)
    except ValueError:
        return None


def _faults(error: ValidationError) -> list[tuple[str, str]]:
    """Every field at fault with its code, once; a field that there is not is told without its name."""
    found: dict[tuple[str, str], None] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in one["loc"])
        code = one["type"] if one["type"] in catalogue() else "request_invalid"
        found[name if name in CardBody.model_fields else "", code] = None
    return list(found)


def _write(
    connection: Connection,
    keys: Keys,
    caller: Caller,
    digest: bytes,
    tally: Tally,
    read: int,
    sound: list[_Card],
    faults: list[tuple[int, str, str]],
) -> Tally:
    at = select(imports.c.rows_done).where(*_this(caller, digest)).with_for_update()
    if connection.execute(at).scalar_one() != tally.rows_done:
        raise ImportMoved("同一文件正由另一进程导入。 Another import of the same file is running.")
    register.enter_deaths(connection, alone=any(card.status is Status.DECEASED for card in sound))
    connection.execute(text(_INCOMING))
    copy_rows(connection, cards, _COLUMNS, (_row(keys, caller, card) for card in sound), into="incoming")
    taken = set(connection.execute(text(_TAKE)).scalars())
    faults.extend((card.line, "", "card_exists") for card in sound if card.id not in taken)
    dead = deaths.among(connection, caller, taken)
    events = _tell(
        connection, keys, caller, [replace(card, dead=card.id in dead) for card in sound if card.id in taken]
    )
    there = {one.card_id for one in events} - taken
    done = replace(
        tally,
        rows_done=tally.rows_done + read,
        registered=tally.registered + len(taken),
        left_out=tally.left_out + read - len(taken),
        # Of others' cards nothing is told, not even how many there are.
        also_dead=tally.also_dead + (len(looking_up.seen(connection, caller, there)) if there else 0),
    )
    connection.execute(
        update(imports)
        .where(*_this(caller, digest))
        .values(rows_done=done.rows_done, registered=done.registered, left_out=done.left_out)
    )
    # Last: the numbers are held to the commit.
    feed.announce(connection, keys, events)
    return done


def _row(keys: Keys, caller: Caller, card: _Card) -> tuple[Any, ...]:
    identity, found = card.identity, card.found
    return (
        card.id,
        found.instance,
        found.number,
        found.serial,
        seal_text(keys, identity.number.encode(), sealed_as(card.id)),
        identity.type,
        identity.issuer,
        identity.valid_from,
        identity.valid_to,
        found.text,
        card.status.value,
        caller.principal_id,
    )


def _tell(connection: Connection, keys: Keys, caller: Caller, taken: list[_Card]) -> list[RecordedEvent]:
    """Events and their leaves: the registration, and what the stated status comes from; gives all that happened."""
    if not taken:
        return []
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    events = [
        # One after the other: the newest event is what the card's status comes from.
        RecordedEvent(
            uuid4(),
            card.id,
            card.found.instance,
            event,
            status,
            None,
            now + order * _TICK,
            before=before,
            holds=_holds(keys, card, event),
        )
        for card in taken
        for order, (event, before, status) in enumerate(_history(card))
    ]
    copy_rows(
        connection,
        card_events,
        _EVENT_COLUMNS,
        (
            (one.id, one.card_id, one.event.value, one.status.value, caller.principal_id, one.recorded_at, one.holds)
            for one in events
        ),
    )
    leaves.append_many(
        connection,
        [leaves.compose(keys, "card_event", one.id, one.recorded_at, event_leaf(caller, one)) for one in events],
    )
    stated = {card.id: card.found.number for card in taken if card.status is Status.DECEASED}
    dead = {stated[one.card_id]: one for one in events if _is_stated(one, stated)}
    return [*events, *deaths.spread(connection, keys, caller, dead)]


def _holds(keys: Keys, card: _Card, event: Event) -> bytes | None:
    return holdings.committed(keys, card.found.serial, card.found.text) if event is Event.REGISTERED else None


def _is_stated(event: RecordedEvent, stated: dict[UUID, bytes]) -> bool:
    return event.event is Event.HOLDER_DECEASED and event.card_id in stated


def _history(card: _Card) -> list[tuple[Event, Status | None, Status]]:
    """Each event with the status before it and after it."""
    history: list[tuple[Event, Status | None, Status]] = [(Event.REGISTERED, None, Status.VALID)]
    if card.status is not Status.VALID:
        history.append((_EVENT_OF[card.status], Status.VALID, card.status))
    if card.dead:
        history.append((Event.HOLDER_DECEASED, card.status, Status.DECEASED))
    return history


def _finish(database: Database, keys: Keys, caller: Caller, digest: bytes, tally: Tally) -> None:
    """Once for a file: an administrative act with its leaf."""
    with database.begin() as connection:
        credentials.hold(connection, caller)
        ended = connection.execute(
            update(imports)
            .where(*_this(caller, digest), imports.c.finished_at.is_(None))
            .values(finished_at=func.clock_timestamp())
        )
        if ended.rowcount:
            acts.record(
                connection,
                keys,
                "cards_imported",
                actor_id=caller.principal_id,
                institution_id=caller.institution_id,
                subject_id=None,
                details={"file": digest.hex(), "registered": tally.registered, "left_out": tally.left_out},
            )
