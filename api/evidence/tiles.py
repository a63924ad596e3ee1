"""The tree's hashes as tiles: what is stored, how leaves are added, how a subtree's hash is looked up.

Tile (level, index) holds the hashes of up to 256 complete subtrees of 2^(8 * level) leaves each. A full tile never
changes; the last tile of a level grows. 10 million leaves make some 39,000 tiles, 320 MB, and a proof reads a few.
"""

from collections.abc import Callable, Sequence

from api.evidence.merkle import node_hash
from api.evidence.parameters import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH

TileReader = Callable[[int, int], bytes]
"""Gives the hashes of tile (level, index), joined; empty when there is none."""


def append(size: int, hashes: Sequence[bytes], read: TileReader) -> dict[tuple[int, int], bytes]:
    """Add leaf hashes to a tree of `size` leaves; gives the tiles that changed, whole."""
    changed: dict[tuple[int, int], bytearray] = {}
    level, start, added = 0, size, list(hashes)
    while added:
        for offset, digest in enumerate(added):
            key = (level, (start + offset) // TILE_WIDTH)
            if key not in changed:
                changed[key] = bytearray(read(*key))
            changed[key] += digest
        first, last = start // TILE_WIDTH, (start + len(added)) // TILE_WIDTH
        added = [fold(changed[level, index]) for index in range(first, last)]
        start, level = first, level + 1
    return {key: bytes(content) for key, content in changed.items()}


def subtree_hash(level: int, index: int, read: TileReader, known: dict[tuple[int, int], bytes] | None = None) -> bytes:
    """The hash of the complete subtree (level, index). Raises LookupError when a tile lacks it.

    `known` keeps what was computed: a complete subtree never changes, and proofs of neighbours share most of theirs.
    """
    tile_level, within = divmod(level, TILE_HEIGHT)
    if known is not None and within:
        if (level, index) not in known:
            left = subtree_hash(level - 1, 2 * index, read, known)
            known[level, index] = node_hash(left, subtree_hash(level - 1, 2 * index + 1, read, known))
        return known[level, index]
    first = index << within
    tile, offset = divmod(first, TILE_WIDTH)
    content = read(tile_level, tile)[offset * HASH_BYTES : (offset + (1 << within)) * HASH_BYTES]
    if len(content) != HASH_BYTES << within:
        raise LookupError(f"tile {tile_level}/{tile} does not hold the subtree")
    return fold(content)


def fold(hashes: bytes | bytearray) -> bytes:
    """The root over a power of two of joined hashes."""
    layer = [bytes(hashes[at : at + HASH_BYTES]) for at in range(0, len(hashes), HASH_BYTES)]
    while len(layer) > 1:
        layer = [node_hash(left, right) for left, right in zip(layer[::2], layer[1::2], strict=True)]
    return layer[0]
