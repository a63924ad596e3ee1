"""The log's storage: which leaf stands where, the tiles, the checkpoints; and one batch of the sequencer.

An act's own transaction writes its leaf without a place. A batch gives the waiting leaves the next places, adds them
to the tiles and signs the new root, all in one transaction under one lock: a process that dies on the way leaves the
tree as it was, and the leaves waiting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, func, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.evidence import merkle, tiles
from api.evidence.checkpoints import Checkpoint, CheckpointInvalid, open_note, sign
from api.evidence.parameters import BATCH_LEAVES, HASH_BYTES, ORIGIN, TILE_HEIGHT, TILE_WIDTH
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_checkpoints, evidence_texts, evidence_tiles

TileKey = tuple[int, int]

_LOCK = select(func.pg_try_advisory_xact_lock(0x65766964656E6365))  # "evidence"


class LogDamaged(Exception):
    """What is stored of the log is not what its newest checkpoint signs: nothing may be added to it."""


@dataclass(frozen=True)
class Tip:
    """The log's end: its size and root, and the tiles that are not full."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    tiles: Mapping[TileKey, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """What a batch did: the log's end after it, the leaves it placed, how many of them after their promised time, and
    the longest wait among them in seconds."""

    tip: Tip
    placed: int = 0
    late: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True)
class Standing:
    """How the log stands; see `schemas.StatusAnswer`."""

    size: int
    waiting: int
    oldest_wait_s: float
    overdue: int


def sequence(connection: Connection, keys: Keys, known: Tip | None = None, limit: int = BATCH_LEAVES) -> Batch | None:
    """Place the waiting leaves, at most `limit`; None while another process is at it.

    `known` is the end that this process left: while nobody else added anything, nothing is read again. What is read
    is believed only if the newest checkpoint signs it. Raises `LogDamaged`.
    """
    if not connection.execute(_LOCK).scalar_one():
        return None
    tip = _tip(connection, keys, known)
    placed = sorted(connection.execute(_placing(limit), {"size": tip.size}), key=_place)
    if not placed:
        return Batch(tip)
    return Batch(
        grow(connection, keys, tip, [row.leaf_hash for row in placed]),
        len(placed),
        sum(row.late is True for row in placed),
        float(max(row.waited_s for row in placed)),
    )


def grow(connection: Connection, keys: Keys, tip: Tip, hashes: Sequence[bytes]) -> Tip:
    """Add the hashes of leaves that were given the next places: tiles and a signed checkpoint. Gives the new end."""
    reader = TileReader(connection, tip.tiles)
    changed = tiles.append(tip.size, hashes, reader)
    _write_tiles(connection, changed)
    reader.known.update(changed)
    size = tip.size + len(hashes)
    root = merkle.root(size, reader.subtree)
    note = sign(Checkpoint(ORIGIN, size, root, tip.size), keys.signing)
    connection.execute(evidence_checkpoints.insert(), {"size": size, "root": root, "note": note})
    return Tip(size, root, {key: reader.known[key] for key, count in _open_tiles(size) if count})


def tree_size(connection: Connection) -> int:
    """How many leaves have a place."""
    size: int = connection.execute(select(func.coalesce(func.max(evidence_checkpoints.c.size), 0))).scalar_one()
    return size


def latest_checkpoint(connection: Connection) -> str | None:
    """The newest signed note, None for an empty log."""
    newest = select(evidence_checkpoints.c.note).order_by(evidence_checkpoints.c.size.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


def standing(connection: Connection) -> Standing:
    """How the log stands."""
    now = func.clock_timestamp()
    row = connection.execute(
        select(
            func.count(),
            func.coalesce(func.extract("epoch", now - func.min(evidence.c.created_at)), 0),
            func.count().filter(evidence.c.include_by < now),
        ).where(evidence.c.place.is_(None))
    ).one()
    return Standing(tree_size(connection), row[0], float(row[1]), row[2])


class TileReader:
    """Reads tiles for one use; `known` keeps what was read, since a proof needs some of them several times."""

    def __init__(self, connection: Connection, known: Mapping[TileKey, bytes] | None = None) -> None:
        self._connection = connection
        self.known: dict[TileKey, bytes] = dict(known or {})

    def __call__(self, level: int, index: int) -> bytes:
        """See `tiles.TileReader`."""
        if (level, index) not in self.known:
            self.fetch({(level, index)})
        return self.known[level, index]

    def fetch(self, keys: Iterable[TileKey]) -> None:
        """Read several tiles in one statement."""
        wanted = set(keys) - self.known.keys()
        if wanted:
            self.known.update(dict.fromkeys(wanted, b""))
            at = tuple_(evidence_tiles.c.level, evidence_tiles.c.index)
            for level, index, hashes in self._connection.execute(select(evidence_tiles).where(at.in_(sorted(wanted)))):
                self.known[level, index] = hashes

    def subtree(self, level: int, index: int) -> bytes:
        """See `merkle.Lookup`."""
        return tiles.subtree_hash(level, index, self)


def _place(row: Row[Any]) -> int:
    place: int = row.place
    return place


@cache
def _newest() -> Select[Any]:
    return select(evidence_checkpoints).order_by(evidence_checkpoints.c.size.desc()).limit(1)


def _tip(connection: Connection, keys: Keys, known: Tip | None) -> Tip:
    """The log's end, verified: the note's signature, the root in it, and that the open tiles lead to that root."""
    newest = connection.execute(_newest()).first()
    if newest is None:
        return Tip()
    if known is not None and (known.size, known.root) == (newest.size, newest.root):
        return known
    try:
        signed = open_note(newest.note, ORIGIN, keys.trusted)
    except CheckpointInvalid as error:
        raise LogDamaged(f"checkpoint {newest.size} is not signed with a key of this deployment") from error
    reader = TileReader(connection)
    counts = dict(_open_tiles(signed.size))
    reader.fetch(key for key, count in counts.items() if count)
    found = {key: reader.known[key] for key, count in counts.items() if count}
    whole = all(len(found[key]) == counts[key] * HASH_BYTES for key in found)
    told = (newest.size, newest.root) == (signed.size, signed.root)
    if not whole or not told or merkle.root(signed.size, reader.subtree) != signed.root:
        raise LogDamaged(f"the tiles are not those of checkpoint {newest.size}")
    return Tip(signed.size, signed.root, found)


def _open_tiles(size: int) -> list[tuple[TileKey, int]]:
    """The last tile of each level in a tree of `size` leaves, with its number of hashes; 0: the next to be begun."""
    levels = range((max(size, 1).bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)
    complete = [size >> (TILE_HEIGHT * level) for level in levels]
    return [((level, count // TILE_WIDTH), count % TILE_WIDTH) for level, count in enumerate(complete)]


@cache
def _placing(limit: int) -> Update:
    """Give the waiting leaves the places from `size` on, in the order in which they were written.

    A row without a text is none that an act wrote: it is left waiting, and nothing of it is signed. The text is looked
    up row by row: `EXISTS` the planner might turn into a join that reads the whole table.

    The limit stands in the text: with a parameter there, the planner might expect the whole table and read it.
    """
    order = func.row_number().over(order_by=evidence.c.seq)
    text_of = select(evidence_texts.c.seq).where(evidence_texts.c.seq == evidence.c.seq).scalar_subquery()
    waiting = (
        select(evidence.c.seq, (order - 1 + bindparam("size")).label("place"))
        .where(evidence.c.place.is_(None), text_of.is_not(None))
        .order_by(evidence.c.seq)
        .limit(literal_column(str(limit)))
        .subquery()
    )
    now = func.clock_timestamp()
    return (
        update(evidence)
        .values(place=waiting.c.place)
        .where(evidence.c.seq == waiting.c.seq)
        .returning(
            evidence.c.place,
            evidence.c.leaf_hash,
            (evidence.c.include_by < now).label("late"),
            func.extract("epoch", now - evidence.c.created_at).label("waited_s"),
        )
    )


def _write_tiles(connection: Connection, changed: Mapping[TileKey, bytes]) -> None:
    statement = upsert(evidence_tiles)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[evidence_tiles.c.level, evidence_tiles.c.index],
            set_={"hashes": statement.excluded.hashes},
        ),
        [{"level": level, "index": index, "hashes": content} for (level, index), content in changed.items()],
    )
