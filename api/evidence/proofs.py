"""Proofs over the stored log, as they go out: hashes in hex, the signed note as text."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, select, true

from api.evidence import log, merkle, tiles
from api.evidence.log import Growth, LogDamaged
from api.evidence.parameters import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH
from api.storage.tables import evidence, evidence_checkpoints

_COVERING = (
    select(evidence_checkpoints)
    .where(evidence_checkpoints.c.size > evidence.c.place)
    .order_by(evidence_checkpoints.c.size)
    .limit(1)
    .lateral()
)
_FIRST = (
    select(evidence.c.place, _COVERING.c.size, _COVERING.c.root, _COVERING.c.note)
    .join(_COVERING, true())
    .where(evidence.c.leaf_hash == bindparam("digest"))
)
_AT_SIZE = (
    select(evidence.c.place, evidence_checkpoints.c.size, evidence_checkpoints.c.root, evidence_checkpoints.c.note)
    .join(evidence_checkpoints, evidence_checkpoints.c.size == bindparam("at_size"))
    .where(evidence.c.leaf_hash == bindparam("digest"), evidence.c.place < evidence_checkpoints.c.size)
)


class ProofImpossible(Exception):
    """The log has no tree of that size, or no such leaf has a place yet."""


@dataclass(frozen=True)
class Inclusion:
    """That a leaf stands at `index` of the tree of `size` leaves, whose root the checkpoint signs."""

    index: int
    size: int
    proof: list[bytes]
    checkpoint: str

    def as_json(self) -> dict[str, Any]:
        """As it stands in answers."""
        return {
            "index": self.index,
            "size": self.size,
            "proof": [node.hex() for node in self.proof],
            "checkpoint": self.checkpoint,
        }


def inclusion(connection: Connection, leaf_hash: bytes, size: int | None = None) -> Inclusion:
    """The proof for a leaf in the tree of the first checkpoint that covers it, or in that of `size` leaves.

    The first checkpoint, and not the newest, so that a receipt asked for again is the same receipt. Raises
    `ProofImpossible`, and `LogDamaged` where what is stored proves nothing.
    """
    wanted = {"digest": leaf_hash} if size is None else {"digest": leaf_hash, "at_size": size}
    signed = connection.execute(_FIRST if size is None else _AT_SIZE, wanted).first()
    if signed is None:
        raise ProofImpossible
    reader = log.TileReader(connection)
    reader.fetch(_tiles_of_path(signed.place, signed.size))
    return _proven(leaf_hash, signed.place, signed.size, signed.root, signed.note, reader.subtree)


def inclusion_in(growth: Growth, leaf_hash: bytes) -> Inclusion:
    """As `inclusion`, for a leaf that was among those which this growth added; of what is in memory."""

    def read(level: int, index: int) -> bytes:
        return growth.tiles.get((level, index), b"")

    place, tip = growth.first + growth.hashes.index(leaf_hash), growth.tip
    lookup = partial(tiles.subtree_hash, read=read, known=tip.subtrees)
    return _proven(leaf_hash, place, tip.size, tip.root, growth.note, lookup)


def _proven(leaf_hash: bytes, place: int, size: int, root: bytes, note: str, lookup: merkle.Lookup) -> Inclusion:
    try:
        path = merkle.inclusion_proof(place, size, lookup)
    except LookupError as error:
        raise LogDamaged("a tile is not whole") from error
    if not merkle.verify_inclusion(leaf_hash, place, size, path, root):
        raise LogDamaged(f"the tiles are not those of checkpoint {size}")
    return Inclusion(place, size, path, note)


def consistency(connection: Connection, old: int, new: int | None = None) -> dict[str, Any]:
    """That the log of `old` leaves is a prefix of the newest, or of that of `new` leaves.

    Raises `ProofImpossible`, and `LogDamaged` where what is stored proves nothing.
    """
    wanted = select(evidence_checkpoints)
    if new is None:
        wanted = wanted.order_by(evidence_checkpoints.c.size.desc()).limit(1)
    else:
        wanted = wanted.where(evidence_checkpoints.c.size == new)
    signed = connection.execute(wanted).first()
    if signed is None or not 0 < old <= signed.size:
        raise ProofImpossible
    reader = log.TileReader(connection)
    try:
        path = merkle.consistency_proof(old, signed.size, reader.subtree)
        older = merkle.root(old, reader.subtree)
    except LookupError as error:
        raise LogDamaged("a tile is not whole") from error
    if not merkle.verify_consistency(old, signed.size, path, older, signed.root):
        raise LogDamaged(f"the tiles are not those of checkpoint {signed.size}")
    return {"old": old, "new": signed.size, "proof": [node.hex() for node in path], "checkpoint": signed.note}


def _tiles_of_path(index: int, size: int) -> set[log.TileKey]:
    """The tiles that a proof reads, found by making it of nothing."""
    found: set[log.TileKey] = set()

    def note(level: int, at: int) -> bytes:
        tile_level, within = divmod(level, TILE_HEIGHT)
        found.add((tile_level, (at << within) // TILE_WIDTH))
        return bytes(HASH_BYTES)

    merkle.inclusion_proof(index, size, note)
    return found
