"""From keys to a filter: its shape by the number of keys, tries under new seeds, and a check of every key."""

import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from api.feed.snapshots import fuse
from api.feed.snapshots.fuse import Words
from api.feed.snapshots.parameters import ARITY, MOST_TRIES
from api.terminal.filter import LONGEST_SEGMENT, SHORTEST_SEGMENT, Filter, Shape

_ROOM = 2
"""Bytes behind the last cell, which is read as three."""


class FilterNotBuilt(Exception):
    """No seed led to a filter, or the filter misses a key: nothing may be published."""


@dataclass(frozen=True)
class Built:
    """A filter, its bytes, and how many different keys it holds."""

    shape: Shape
    body: bytes
    count: int

    def filter(self) -> Filter:
        """The filter, to ask."""
        return Filter(self.shape, self.body)


def build(keys: Words, *, arity: int = ARITY, seeds: Iterable[int] | None = None) -> Built:
    """The filter of `keys`, uint64 (n): the first eight bytes of each tag. `seeds` are for reproducing one.

    Memory: about 19 bytes a key beside the keys. Raises `FilterNotBuilt`.
    """
    tried = iter(seeds) if seeds is not None else iter(lambda: secrets.randbits(64), None)
    hashes = np.empty_like(keys)
    for _, seed in zip(range(MOST_TRIES), tried, strict=False):
        shape = replace(shape_for(len(keys), arity), seed=seed)
        body_and_count = _attempt(keys, shape, hashes)
        if body_and_count is None:
            continue
        body, count = body_and_count
        _check_all(keys, shape, hashes, body)
        return Built(shape, body[: shape.body_bytes].tobytes(), count)
    raise FilterNotBuilt("no seed led to a filter")


def shape_for(keys: int, arity: int) -> Shape:
    """Segments and cells for so many keys, by the paper's fitted formulas; the seed is left at 0."""
    counted = max(keys, 2)
    if arity == 3:
        length = 1 << max(2, math.floor(math.log(counted) / math.log(3.33) + 2.25))
        factor = max(1.125, 0.875 + 0.25 * math.log(1_000_000) / math.log(counted))
    else:
        length = 1 << max(2, math.floor(math.log(counted) / math.log(2.91) - 0.5))
        factor = max(1.075, 0.77 + 0.305 * math.log(600_000) / math.log(counted))
    length = min(max(length, SHORTEST_SEGMENT), LONGEST_SEGMENT)
    segments = max(1, math.ceil(round(counted * factor) / length) - (arity - 1))
    return Shape(arity, length, segments, 0)


def _attempt(keys: Words, shape: Shape, hashes: Words) -> tuple[NDArray[np.uint8], int] | None:
    """One seed; None where its keys hold each other. `hashes` is scratch."""
    form = (shape.arity, shape.segment_length, shape.segments)
    fuse.hash_keys(keys, np.uint64(shape.seed), hashes)
    hashes.sort()
    sums, degrees = np.zeros(shape.cells, np.uint64), np.zeros(shape.cells, np.uint8)
    different = fuse.gather(hashes, *form, sums, degrees)
    if different < 0:
        return None
    # The sorted hashes were read to their end: their room takes the order of peeling.
    chosen = np.empty(different, np.uint8)
    taken = fuse.peel(*form, sums, degrees, np.empty(shape.cells, np.uint32), hashes, chosen)
    if taken != different:
        return None
    del sums, degrees
    cells = np.zeros(shape.cells, np.uint16)
    fuse.place(hashes[:taken], chosen, *form, cells)
    body = np.zeros(shape.body_bytes + _ROOM, np.uint8)
    fuse.pack(cells, body)
    return body, different


def _check_all(keys: Words, shape: Shape, hashes: Words, body: NDArray[np.uint8]) -> None:
    """Look every key up: a filter that misses one would let a lost card through, whatever the reason."""
    fuse.hash_keys(keys, np.uint64(shape.seed), hashes)
    held = fuse.count_held(hashes, shape.arity, shape.segment_length, shape.segments, body)
    if held != len(keys):
        raise FilterNotBuilt(f"{len(keys) - held} of {len(keys)} keys are missing in the filter")
