"""The first stage of a search among many: of every entry the signs are looked at, of the one in thirty or so that they
speak for a second bit a dimension, and the few that may be the best are handed to the exact comparison.

A number of a vector is coded by its sign and by whether it is large: both bits together are the numbers -3, -1, 1 and 3
(Gao and others, "Practical and Asymptotically Optimal Quantization of High-Dimensional Vectors in Euclidean Space for
Approximate Nearest Neighbor Search", SIGMOD 2025, which is RaBitQ of several bits; without their factor for each entry,
which gained nothing among vectors of length 1). Scores of codes are inner products with the query in four bits, counted
by the processor's bit count.

There is no codebook: nothing is trained, and nothing grows stale when newcomers differ. But a code only fits vectors
that point everywhere alike, as they do after a random rotation; the caller's are turned (`face/transform.py`).

Every entry is looked at, so that no true mate is lost to a wrong turn in a graph or a list; how many signs let pass
keeps the loss by them where the best entry is as unlike as a stranger (`parameters.SIGNS_PASS`). Removed entries, and
those that are not valid on the day, are passed over on the way, so that they never push out another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery import looks
from biometrics.gallery.parameters import (
    BLOCK,
    FIRST_PART,
    GENEROUS,
    LARGE,
    QUERY_BITS,
    SAMPLED,
    SAMPLED_BLOCKS,
    SAMPLED_OF,
    SHORTLIST,
    SHORTLIST_OF,
    SHORTLIST_PER_HIT,
    SIGNS_PASS,
)
from biometrics.gallery.rows import Floats

Words = NDArray[np.uint64]
_WORD = 64
_TINY = float(np.finfo(np.float32).tiny)
_MOST = 1_280
_FLOOD = 4


class Codes:
    """Codes of vectors of `dimensions` numbers, by position. `base`: blocks as `blocks` gives them, and how many
    entries they hold. Raises ValueError for more than 1,280 dimensions, whose scores would not fit.

    A block (2 W, `BLOCK`) holds the signs of all its entries, one of their W words after the other, and then their
    second bits, all W words of one entry after those of the other. Parts of blocks never move, so that adding to a
    large gallery copies nothing.
    """

    def __init__(self, dimensions: int, base: tuple[Words, int] | None = None) -> None:
        if dimensions > _MOST:
            raise ValueError(f"{dimensions} dimensions")
        self._dimensions = dimensions
        self._words = -(-dimensions // _WORD)
        blocks, self._count = base or (np.empty((0, *self.shape), np.uint64), 0)
        self._parts = [blocks] if len(blocks) else []

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, int]:
        """Of a block."""
        return 2 * self._words, BLOCK

    @property
    def nbytes(self) -> int:
        """Memory of the entries that are there."""
        return self._count * 2 * self._words * 8

    def reserve(self, more: int) -> None:
        """Make room for so many more entries in one part."""
        room = sum(map(len, self._parts)) * BLOCK - self._count
        if more > room:
            self._parts.append(np.zeros((-(-(more - room) // BLOCK), *self.shape), np.uint64))

    def append(self, vectors: Floats) -> None:
        """Add vectors, float32 (n, D)."""
        positive = vectors > 0
        large = np.abs(vectors) > LARGE / np.sqrt(self._dimensions)
        signs, seconds, done = self._packed(positive), self._packed(large == positive), 0
        while done < len(vectors):
            block, place = self._next_block()
            here = min(BLOCK - place, len(vectors) - done)
            block[: self._words, place : place + here] = signs[done : done + here].T
            block[self._words :].reshape(BLOCK, -1)[place : place + here] = seconds[done : done + here]
            done += here
            self._count += here

    def blocks(self) -> list[Words]:
        """The blocks that are in use, in their order, as arrays (n, 2 W, `BLOCK`)."""
        found, left = [], -(-self._count // BLOCK)
        for part in self._parts:
            found.append(part[:left])
            left -= len(found[-1])
        return found

    def search(self, query: Floats, top: int, until: NDArray[np.int32], earliest: int) -> NDArray[np.int64]:
        """Positions, rising, of the entries that may be among the `top` that look most like `query` (D,), of those
        whose day in `until` (N,) is `earliest` or later."""
        planes, parts = self._planes(query), self.blocks()
        wanted = max(SHORTLIST, self._count // SHORTLIST_OF, SHORTLIST_PER_HIT * top)
        bars, early = self._bars(parts, planes, until, earliest, wanted)
        low = -looks.lowest(planes)
        found, scores = self._passing(parts, planes, bars, until, earliest, early, wanted)
        if len(found) < top and bars != (low // 3, low):
            # Of many that are the same one kind may reach the one bar and another the other, and none both.
            found, scores = self._passing(parts, planes, (low // 3, low), until, earliest, early, wanted)
        return found if len(found) <= wanted else found[_highest(scores, wanted, planes)]

    def _passing(
        self,
        parts: list[Words],
        planes: Words,
        bars: tuple[int, int],
        until: NDArray[np.int32],
        earliest: int,
        early: bool,
        wanted: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Positions, rising, and scores of those who reach both bars and may be found: about `wanted`, or more."""
        positions, scores = [], []
        first, room = 0, _FLOOD * wanted
        for part in parts:
            while True:
                places, reached = np.empty(room, np.int64), np.empty(room, np.int16)
                count = looks.passing(part, planes, bars, until[first:], earliest, early, places, reached)
                if count <= room:
                    break
                room = count
            positions.append(places[:count] + first)
            scores.append(reached[:count])
            first += len(part) * BLOCK
        return np.concatenate(positions), np.concatenate(scores)

    def _bars(
        self, parts: list[Words], planes: Words, until: NDArray[np.int32], earliest: int, wanted: int
    ) -> tuple[tuple[int, int], bool]:
        """The sum over signs and the score that about so many reach as should pass, judged by a sample; the lowest
        where so many are not to be found. And whether most are not."""
        by_signs, by_score = np.zeros((2, looks.spread(planes)), np.int32)
        blocks = sum(map(len, parts))
        step = max(min(blocks // SAMPLED_BLOCKS, SAMPLED_OF), 1)
        looked, first = 0, 0
        for part in parts:
            looked += looks.at_some(part, planes, until[first:], earliest, step, SAMPLED, by_signs, by_score)
            first += len(part) * BLOCK
        share = looked / max(self._count, 1)
        sampled = int(by_signs.sum())
        findable, low = sampled / max(share, _TINY), looks.lowest(planes)
        generous = GENEROUS * wanted
        signs = looks.bar_of(by_signs, max(SIGNS_PASS * findable ** (2 / 3), generous) * share)
        score = looks.bar_of(by_score, generous * share)
        return (signs - low // 3, score - low), 2 * sampled < looked

    def _next_block(self) -> tuple[Words, int]:
        number, place = divmod(self._count, BLOCK)
        if number == sum(map(len, self._parts)):
            blocks = max(FIRST_PART, self._count // 4) // BLOCK
            self._parts.append(np.zeros((blocks, *self.shape), np.uint64))
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
        """The query in whole numbers -8..7, each of their bits on its own, uint64 (W, `QUERY_BITS`), W made even."""
        high = 1 << (QUERY_BITS - 1)
        step = max(float(np.abs(query).max()), _TINY) / (high - 0.5)
        whole = np.clip(np.rint(query / step), -high, high - 1).astype(np.int64)
        bits = (whole >> np.arange(QUERY_BITS)[:, None] & 1).astype(np.bool_)
        planes = np.zeros((self._words + self._words % 2, QUERY_BITS), np.uint64)
        planes[: self._words] = self._packed(bits).T
        return planes


def _highest(scores: NDArray[np.int16], wanted: int, planes: Words) -> NDArray[np.int64]:
    """Places, rising, of the `wanted` highest; of those that share the lowest of these, the first."""
    places = np.empty(wanted, np.int64)
    looks.highest(scores, wanted, np.zeros(looks.spread(planes), np.int32), places)
    return places
