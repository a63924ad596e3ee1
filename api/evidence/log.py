"""The log's storage: which leaf stands where, the tiles, the checkpoints; and one batch of the sequencer.

An act's own transaction writes its leaf without a place. A batch gives the waiting leaves the next places, adds them
to the tiles and signs the new root, all in one transaction under one lock: a process that dies on the way leaves the
tree as it was, and the leaves waiting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, exc, func, select

from api.evidence import merkle, tiles
from api.evidence.checkpoints import Checkpoint, CheckpointInvalid, open_note, sign
from api.evidence.parameters import BATCH_LEAVES, HASH_BYTES, ORIGIN, REMEMBERED_SUBTREES, TILE_HEIGHT, TILE_WIDTH
from api.storage.keys import Keys
from api.storage.statements import Carrier, Statement, together
from api.storage.tables import evidence, evidence_checkpoints

TileKey = tuple[int, int]

# Says whether it holds the lock, and notes it for the statement behind it, which is on its way by then.
LOCK = Statement(
    f"SELECT set_config('renzheng.sequencing', pg_try_advisory_xact_lock({0x65766964656E6365})::text, true) = 'true'"
)  # "evidence"
# Gives the waiting leaves the next places, in the order in which they were written, if the lock is held: one row for
# all of them, with the newest checkpoint.
#
# A row without a text is none that an act wrote: it is left waiting, and nothing of it is signed. The text is looked
# up row by row: `EXISTS` the planner might turn into a join that reads the whole table. The limit stands in the text:
# with a parameter there, the planner might expect the whole table and read it.
_PLACE = """
    WITH newest AS (
        SELECT size, root, note FROM evidence_checkpoints ORDER BY size DESC LIMIT 1
    ), waiting AS (
        SELECT seq, row_number() OVER (ORDER BY seq) - 1 + coalesce((SELECT size FROM newest), 0) AS place
        FROM evidence
        WHERE place IS NULL AND current_setting('renzheng.sequencing') = 'true'
            AND (SELECT held.seq FROM evidence_texts AS held WHERE held.seq = evidence.seq) IS NOT NULL
        ORDER BY seq LIMIT {limit}
    ), placed AS (
        UPDATE evidence SET place = waiting.place FROM waiting WHERE evidence.seq = waiting.seq
        RETURNING evidence.place, leaf_hash, include_by, created_at
    ), counted AS (
        SELECT
            string_agg(leaf_hash, ''::bytea ORDER BY place) AS hashes,
            count(*) FILTER (WHERE include_by < clock_timestamp()) AS late,
            extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS waited_s
        FROM placed
    )
    SELECT counted.*, newest.* FROM counted LEFT JOIN newest ON true
"""
_GROW = """
    WITH grown AS (
        INSERT INTO evidence_tiles (level, index, hashes)
        SELECT * FROM {tiles}
        ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
    )
    INSERT INTO evidence_checkpoints (size, root, note) VALUES (%(size)s, %(root)s, %(note)s)
"""
_GROW_TILES = Statement(
    _GROW.format(tiles="unnest(%(levels)s::smallint[], %(indexes)s::bigint[], %(hashes)s::bytea[])")
)
# Most batches change one, and to make three arrays takes the driver as long as the rest of the statement.
_GROW_TILE = Statement(
    _GROW.format(tiles="(VALUES (%(level)s::smallint, %(index)s::bigint, %(hashes)s::bytea)) AS tile")
)
_TILES = Statement(
    """
    SELECT tile.level, tile.index AS index_, tile.hashes
    FROM unnest(%(levels)s::smallint[], %(indexes)s::bigint[]) AS wanted (level, index)
        JOIN evidence_tiles AS tile ON (tile.level, tile.index) = (wanted.level, wanted.index)
    """
)


class LogDamaged(Exception):
    """What is stored of the log is not what its newest checkpoint signs: nothing may be added to it."""


@dataclass(frozen=True)
class Tip:
    """The log's end: its size and root, the tiles that are not full, and subtrees whose hashes were computed lately."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    tiles: Mapping[TileKey, bytes] = field(default_factory=dict)
    subtrees: dict[tuple[int, int], bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Growth:
    """What was added to the log at once: the hashes of the leaves from place `first` on, the checkpoint that covers
    them, and the tiles that lead from each of them to its root."""

    first: int
    hashes: Sequence[bytes]
    tip: Tip
    note: str
    tiles: Mapping[TileKey, bytes]


@dataclass(frozen=True)
class Batch:
    """What a batch did: the log's end after it, what it added, how many of the leaves after their promised time, and
    the longest wait among them in seconds. `size`: of the log, which another process may have added to since `tip`."""

    tip: Tip
    size: int
    growth: Growth | None = None
    late: int = 0
    waited_s: float = 0.0

    @property
    def placed(self) -> int:
        """How many leaves it placed."""
        return 0 if self.growth is None else len(self.growth.hashes)


@dataclass(frozen=True)
class Standing:
    """How the log stands; see `schemas.StatusAnswer`."""

    size: int
    waiting: int
    oldest_wait_s: float
    overdue: int


def sequence(
    connection: Carrier, keys: Keys, known: Tip | None = None, limit: int = BATCH_LEAVES, *, commit: bool = False
) -> Batch | None:
    """Place the waiting leaves, at most `limit`; None while another process is at it. With `commit` the transaction
    ends with what was added.

    `known` is the end that this process left: while nobody else added anything, or nothing is to be added, nothing is
    read again. What is read is believed only if the newest checkpoint signs it. Raises `LogDamaged`.
    """
    try:
        with together(connection):
            held = LOCK.run(connection)
            answer = _placing(limit).run(connection)
    except exc.IntegrityError as error:
        raise LogDamaged("leaves stand where the newest checkpoint ends") from error
    if not held.fetchone()[0]:
        return None
    placed = answer.fetchone()
    size = placed.size or 0
    if placed.hashes is None:
        return Batch(_tip(connection, keys, None, placed) if known is None else known, size)
    tip = _tip(connection, keys, known, placed)
    hashes = [placed.hashes[at : at + HASH_BYTES] for at in range(0, len(placed.hashes), HASH_BYTES)]
    growth = grow(connection, keys, tip, hashes, commit=commit)
    return Batch(growth.tip, growth.tip.size, growth, placed.late, placed.waited_s)


def grow(connection: Carrier, keys: Keys, tip: Tip, hashes: Sequence[bytes], *, commit: bool = False) -> Growth:
    """Add the hashes of leaves that were given the next places: tiles and a signed checkpoint."""
    # What was computed for ends before is of use while their tiles are: now and then it begins anew. In a copy: where
    # this is rolled back, `tip` is the end again, and other leaves may get these places.
    subtrees = dict(tip.subtrees) if len(tip.subtrees) < REMEMBERED_SUBTREES else {}
    reader = TileReader(connection, tip.tiles, subtrees)
    changed = tiles.append(tip.size, hashes, reader)
    reader.known.update(changed)
    size = tip.size + len(hashes)
    root = merkle.root(size, reader.subtree)
    note = sign(Checkpoint(ORIGIN, size, root, tip.size), keys.signing)
    with together(connection, commit=commit):
        _write(connection, changed, {"size": size, "root": root, "note": note})
    end = Tip(size, root, {key: reader.known[key] for key, count in _open_tiles(size) if count}, subtrees)
    return Growth(tip.size, hashes, end, note, reader.known)


def _write(connection: Carrier, changed: Mapping[TileKey, bytes], checkpoint: dict[str, Any]) -> None:
    if len(changed) == 1:
        (((level, index), hashes),) = changed.items()
        _GROW_TILE.run(connection, level=level, index=index, hashes=hashes, **checkpoint)
        return
    levels, indexes = zip(*changed, strict=True)
    _GROW_TILES.run(connection, levels=list(levels), indexes=list(indexes), hashes=list(changed.values()), **checkpoint)


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
    """Reads tiles for one use; `known` keeps what was read, since a proof needs some of them several times.

    `subtrees`: see `tiles.subtree_hash`.
    """

    def __init__(
        self,
        connection: Carrier,
        known: Mapping[TileKey, bytes] | None = None,
        subtrees: dict[tuple[int, int], bytes] | None = None,
    ) -> None:
        self._connection = connection
        self._subtrees = subtrees
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
            levels, indexes = zip(*sorted(wanted), strict=True)
            for row in _TILES.run(self._connection, levels=list(levels), indexes=list(indexes)).fetchall():
                self.known[row.level, row.index_] = row.hashes

    def subtree(self, level: int, index: int) -> bytes:
        """See `merkle.Lookup`."""
        return tiles.subtree_hash(level, index, self, self._subtrees)


def _tip(connection: Carrier, keys: Keys, known: Tip | None, newest: Any) -> Tip:
    """The log's end, verified: the signature of the newest checkpoint, the root in it, and that the open tiles lead to
    that root. `newest`: a row with its `size`, `root` and `note`; null in an empty log."""
    if newest.size is None:
        return Tip()
    if known is not None and (known.size, known.root) == (newest.size, newest.root):
        return known
    try:
        signed = open_note(newest.note, ORIGIN, keys.trusted)
    except CheckpointInvalid as error:
        raise LogDamaged(f"checkpoint {newest.size} is not signed with a key of this deployment") from error
    counts = dict(_open_tiles(signed.size))
    reader = TileReader(connection)
    reader.fetch(key for key, count in counts.items() if count)
    found = {key: reader.known[key] for key, count in counts.items() if count}
    whole = all(len(found[key]) == counts[key] * HASH_BYTES for key in found)
    told = (newest.size, newest.root) == (signed.size, signed.root)
    for subtrees in [*_computed(known, found), {}] if whole and told else []:
        if merkle.root(signed.size, TileReader(connection, found, subtrees).subtree) == signed.root:
            return Tip(signed.size, signed.root, found, subtrees)
    raise LogDamaged(f"the tiles are not those of checkpoint {newest.size}")


def _computed(known: Tip | None, found: Mapping[TileKey, bytes]) -> list[dict[tuple[int, int], bytes]]:
    """The subtrees that were computed for a former end; none if the tiles that were open then did not just grow."""
    if known is None or any(not tile.startswith(known.tiles.get(key, b"")) for key, tile in found.items()):
        return []
    return [dict(known.subtrees)]


def _open_tiles(size: int) -> list[tuple[TileKey, int]]:
    """The last tile of each level in a tree of `size` leaves, with its number of hashes; 0: the next to be begun."""
    levels = range((max(size, 1).bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)
    complete = [size >> (TILE_HEIGHT * level) for level in levels]
    return [((level, count // TILE_WIDTH), count % TILE_WIDTH) for level, count in enumerate(complete)]


@cache
def _placing(limit: int) -> Statement:
    return Statement(_PLACE.format(limit=limit))
