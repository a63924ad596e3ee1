"""The first stage of a search among many: every entry is looked at through a code of one bit, then of two bits a
dimension, and the few that may be the best are handed to the exact comparison.

The first bit of a dimension is the sign of the vector's number there (Gao and Long, "RaBitQ: Quantizing
High-Dimensional Vectors with a Theoretical Error Bound for Approximate Nearest Neighbor Search", SIGMOD 2024, without
their factor for each entry, which gained nothing among vectors of length 1). The second tells large from small, so that
both together are the numbers -3, -1, 1 and 3. Scores of codes are inner products with the query in four bits, counted
by the processor's bit count.

There is no codebook: nothing is trained, and nothing grows stale when newcomers differ. But a code only fits vectors
that point everywhere alike, as they do after a random rotation; the caller's are turned (`api/screening/transform.py`).

Every entry is looked at, so that no true mate is lost to a wrong turn in a graph or a list. Removed entries, and those
that are not valid on the day, are passed over on the way, so that they never push out another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery import looks
from biometrics.gallery.parameters import (
    BLOCK,
    FEWEST_PASSED,
    FIRST_PART,
    LARGE,
    PASSED,
    QUERY_BITS,
    SAMPLED,
    SHORTLIST,
    SHORTLIST_PER_HIT,
)
from biometrics.gallery.rows import Floats
from biometrics.gallery.table import Table

Words = NDArray[np.uint64]
_WORD = 64
_TINY = float(np.finfo(np.float32).tiny)


class Codes:
    """Codes of vectors of `dimensions` numbers, by position. `base`: blocks of signs as `blocks` gives them, second
    bits as `seconds`, of as many entries as these are.

    A block (W, `BLOCK`) holds one word after the other of all its entries, which is how the first look reads them;
    `seconds` (N, W) one entry after the other, since the second look picks some. Parts of either never move.
    """

    def __init__(self, dimensions: int, base: tuple[Words, Words] | None = None) -> None:
        self._dimensions = dimensions
        self._words = -(-dimensions // _WORD)
        blocks, seconds = base or (np.empty((0, self._words, BLOCK), np.uint64), None)
        self._parts = [blocks] if len(blocks) else []
        self._seconds = Table(self._words, np.uint64, seconds)

    def __len__(self) -> int:
        return len(self._seconds)

    @property
    def nbytes(self) -> int:
        """Memory of the entries that are there."""
        return 2 * self._seconds.nbytes

    def reserve(self, more: int) -> None:
        """Make room for so many more entries in one part."""
        room = sum(map(len, self._parts)) * BLOCK - len(self)
        if more > room:
            self._parts.append(np.zeros((-(-(more - room) // BLOCK), self._words, BLOCK), np.uint64))
        self._seconds.reserve(more)

    def append(self, vectors: Floats) -> None:
        """Add vectors, float32 (n, D)."""
        positive = vectors > 0
        large = np.abs(vectors) > LARGE / np.sqrt(self._dimensions)
        signs, done = self._packed(positive), 0
        while done < len(vectors):
            block, place = self._block_of(len(self) + done)
            here = min(BLOCK - place, len(vectors) - done)
            block[:, place : place + here] = signs[done : done + here].T
            done += here
        self._seconds.append(self._packed(large == positive))

    def blocks(self) -> list[Words]:
        """The blocks of signs that are in use, in their order, as arrays (n, W, `BLOCK`)."""
        found, left = [], -(-len(self) // BLOCK)
        for part in self._parts:
            found.append(part[:left])
            left -= len(found[-1])
        return found

    def seconds(self, first: int, last: int) -> Words:
        """Second bits of the entries first..last - 1, (n, W)."""
        return self._seconds.take(np.arange(first, last, dtype=np.int64))

    def search(self, query: Floats, top: int, until: NDArray[np.int32], earliest: int) -> NDArray[np.int64]:
        """Positions, rising, of the entries that may be among the `top` that look most like `query` (D,), of those
        whose day in `until` (N,) is `earliest` or later."""
        planes = self._planes(query)
        positions, scores = self._passing(planes, until, earliest)
        wanted = max(SHORTLIST, SHORTLIST_PER_HIT * top)
        if len(positions) <= wanted:
            return positions
        scores *= 2
        for which, words, places in self._seconds.parts(positions):
            looks.of_second_bits(words, planes, places, scores[which])
        return positions[_highest(scores, wanted)]

    def _passing(
        self, planes: Words, until: NDArray[np.int32], earliest: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Whom the first look lets through: positions, rising, and scores of signs."""
        parts = self.blocks()
        bar, expected = self._bar(parts, planes, until, earliest)
        positions, scores = [], []
        first = 0
        for part in parts:
            room = expected
            while True:
                places, signs = np.empty(room, np.int64), np.empty(room, np.int32)
                count = looks.passing(part, planes, bar, until[first:], earliest, places, signs)
                if count <= room:
                    break
                room = count
            positions.append(places[:count] + first)
            scores.append(signs[:count])
            first += len(part) * BLOCK
        return np.concatenate(positions), np.concatenate(scores)

    def _bar(self, parts: list[Words], planes: Words, until: NDArray[np.int32], earliest: int) -> tuple[int, int]:
        """The score of signs from which on about as many pass the first look as should, judged by a sample, and room
        for somewhat more than these."""
        counts = np.zeros(looks.spread(planes), np.int64)
        looked, first = 0, 0
        for part in parts:
            looked += looks.at_some(part, planes, until[first:], earliest, SAMPLED, counts)
            first += len(part) * BLOCK
        above = counts[::-1].cumsum()[::-1]
        share = looked / max(len(self), 1)
        passing = max(PASSED * above[0], FEWEST_PASSED * share)
        # The highest score that enough reach; the lowest, where so many are not to be found.
        highest = int(np.flatnonzero(above >= passing).max(initial=0))
        return highest - looks.lowest(planes), BLOCK + int(1.5 * above[highest] / share)

    def _block_of(self, position: int) -> tuple[Words, int]:
        number, place = divmod(position, BLOCK)
        if number == sum(map(len, self._parts)):
            blocks = max(FIRST_PART, position // 4) // BLOCK
            self._parts.append(np.zeros((blocks, self._words, BLOCK), np.uint64))
        for part in self._parts:
            if number < len(part):
                return part[number], place
            number -= len(part)
        raise AssertionError("room was made")

    def _packed(self, bits: NDArray[np.bool_]) -> Words:
        wide = np.zeros((len(bits), self._words * _WORD), np.bool_)
        wide[:, : self._dimensions] = bits
        return np.packbits(wide, axis=1, bitorder="little").view(np.uint64)

    def _planes(self, query: Floats) -> Words:
        """The query in whole numbers -8..7, each of their bits on its own, uint64 (W, `QUERY_BITS`)."""
        high = 1 << (QUERY_BITS - 1)
        step = max(float(np.abs(query).max()), _TINY) / (high - 0.5)
        whole = np.clip(np.rint(query / step), -high, high - 1).astype(np.int64)
        bits = (whole >> np.arange(QUERY_BITS)[:, None] & 1).astype(np.bool_)
        return np.ascontiguousarray(self._packed(bits).T)


def _highest(scores: NDArray[np.int32], wanted: int) -> NDArray[np.int64]:
    """Places, rising, of the `wanted` highest; of those that share the lowest of these, the first."""
    least = np.partition(scores, -wanted)[-wanted]
    chosen = scores > least
    chosen[np.flatnonzero(scores == least)[: wanted - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)
