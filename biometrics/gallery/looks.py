"""The look at codes (see `codes.py`) as compiled code.

A score is the sum of the query's whole numbers over the dimensions whose second bit is set, and twice that over those
whose sign is; it orders entries as the inner product with the numbers -3, -1, 1 and 3 does, which is twice it less a
constant.

Signs are read one after the other; second bits here and there, of the few whose signs are good enough. Such a place is
brought near while the signs of the next block are counted, so that nobody waits for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery.parameters import BLOCK
from biometrics.gallery.reached import LANES, reached
from biometrics.kernels.ahead import bring
from biometrics.kernels.bits import one_bits
from biometrics.kernels.compiled import kernel

Words = NDArray[np.uint64]
Counts = NDArray[np.int32]
_ONE, _TWO = np.uint64(1), np.uint64(2)
_WORD_BYTES = 8
_NEVER = -(2**15)
_ANY_DAY = -(2**31)


def lowest(planes: Words) -> int:
    """No score is below minus this; no sum over signs below a third of it."""
    return 3 * 8 * 64 * len(planes)


def spread(planes: Words) -> int:
    """How many scores there may be."""
    return 3 * 15 * 64 * len(planes) + 1


@kernel
def of_bits(words: Words, planes: Words, sums: NDArray[np.int16]) -> None:
    """`sums` (n,) of a query's whole numbers over the set bits of the first n of `words` (W, N).

    `planes` (W, 4), one row of zeros more where W is odd. Two words of all entries after the other: so the compiler
    makes it eight entries at a time.
    """
    last = words.shape[0] - 1
    for word in range(0, planes.shape[0], 2):
        left, right, here, there = words[word], words[min(word + 1, last)], planes[word], planes[word + 1]
        first, second, third, fourth = here[0], here[1], here[2], here[3]
        fifth, sixth, seventh, eighth = there[0], there[1], there[2], there[3]
        for one in range(sums.shape[0]):
            this, that = left[one], right[one]
            ones = one_bits(this & first) + one_bits(that & fifth)
            twos = one_bits(this & second) + one_bits(that & sixth)
            fours = one_bits(this & third) + one_bits(that & seventh)
            eights = one_bits(this & fourth) + one_bits(that & eighth)
            total = np.int16(((fours - eights - eights) << _TWO) + (twos << _ONE) + ones)
            sums[one] = sums[one] + total if word else total


@kernel
def _of_seconds(
    block: Words, places: NDArray[np.int32], planes: Words, gathered: Words, sums: NDArray[np.int16]
) -> None:
    """As `of_bits`, of the second bits of the entries at `places` (n,) of a block; `gathered` (W, n) is to be used."""
    words = block.shape[0] // 2
    seconds = block[words:].reshape(-1)
    for word in range(0, words, 2):
        # Two at a time, as 128 dimensions have: a loop around one takes twice as long.
        left, right, more = gathered[word], gathered[min(word + 1, words - 1)], min(1, words - 1 - word)
        for one in range(places.shape[0]):
            start = np.int64(places[one]) * words + word
            left[one], right[one] = seconds[start], seconds[start + more]
    of_bits(gathered, planes, sums[: places.shape[0]])


@kernel
def at_some(
    blocks: Words,
    planes: Words,
    until: NDArray[np.int32],
    earliest: int,
    step: int,
    some: int,
    by_signs: Counts,
    by_score: Counts,
) -> int:
    """Count the first `some` entries of each `step`-th block, those that may be found, by the sum over their signs and
    by score, each above the lowest; returns how many there are with the others."""
    words = blocks.shape[1] // 2
    signs, seconds = np.empty(some, np.int16), np.empty(some, np.int16)
    places, gathered = np.arange(some).astype(np.int32), np.empty((words, some), np.uint64)
    offset, looked = 8 * 64 * planes.shape[0], 0
    for number in range(0, blocks.shape[0], step):
        _bring_some(blocks, number + step, some)
        of_bits(blocks[number, :words], planes, signs)
        _of_seconds(blocks[number], places, planes, gathered, seconds)
        first = number * BLOCK
        for one in range(min(some, until.shape[0] - first)):
            looked += 1
            if until[first + one] >= earliest:
                by_signs[signs[one] + offset] += 1
                by_score[2 * np.int64(signs[one]) + seconds[one] + 3 * offset] += 1
    return looked


@kernel
def _bring_some(blocks: Words, number: int, some: int) -> None:
    if number < blocks.shape[0]:
        words = blocks.shape[1] // 2
        for offset in range(0, some * _WORD_BYTES, 64):
            for word in range(words):
                bring(blocks[number], word, offset)
        for offset in range(0, some * _WORD_BYTES * words, 64):
            bring(blocks[number], words, offset)


@kernel
def bar_of(counts: Counts, wanted: float) -> int:
    """The highest number that so many reach as are wanted, of `counts` (n,) by number; 0 where they are fewer."""
    reaching = 0
    for number in range(counts.shape[0] - 1, 0, -1):
        reaching += counts[number]
        if reaching >= wanted:
            return number
    return 0


@kernel
def passing(
    blocks: Words,
    planes: Words,
    bars: tuple[int, int],
    until: NDArray[np.int32],
    earliest: int,
    early: bool,
    positions: NDArray[np.int64],
    scores: NDArray[np.int16],
) -> int:
    """Look at all entries of `blocks`: of those whose sum over signs reaches the first of `bars`, whose score reaches
    the second, and which may be found, the place and the score. Returns how many there are; where that is more than
    there is room for, what was written means nothing.

    `early`: whether to ask for the days of all entries, which is worth it where most are not to be found; else it is
    asked for those of the last.
    """
    words = blocks.shape[1] // 2
    places, signs = np.empty((2, BLOCK), np.int32), np.empty((2, BLOCK), np.int16)
    sums, gathered = np.empty(BLOCK, np.int16), np.empty((words, BLOCK), np.uint64)
    count, before = 0, 0
    for number in range(blocks.shape[0] + 1):
        chosen = 0
        if number < blocks.shape[0]:
            of_bits(blocks[number, :words], planes, sums)
            days = until[number * BLOCK : (number + 1) * BLOCK]
            least = earliest if early else _ANY_DAY
            chosen = _chosen(blocks[number], sums, bars[0], days, least, places[number & 1], signs[number & 1])
        if before:
            last = (number - 1) & 1
            _of_seconds(blocks[number - 1], places[last, :before], planes, gathered, sums)
            for one in range(before):
                sums[one] += np.int16(2) * signs[last, one]
            sums[before : -(-before // LANES) * LANES] = _NEVER
            for start in range(0, before, LANES):
                high = reached(sums, start, bars[1])
                while high:
                    nth = start + np.int64(one_bits((high & (~high + _ONE)) - _ONE))
                    high &= high - _ONE
                    if count < positions.shape[0]:
                        positions[count], scores[count] = (number - 1) * BLOCK + places[last, nth], sums[nth]
                    count += 1
        before = chosen
    return count if early or count > positions.shape[0] else _found(until, earliest, positions[:count], scores)


@kernel
def _found(until: NDArray[np.int32], earliest: int, positions: NDArray[np.int64], scores: NDArray[np.int16]) -> int:
    """Move those that may be found to the front; returns how many there are. Without branches: a wrong guess waits for
    memory."""
    count = 0
    for one in range(positions.shape[0]):
        place = positions[one]
        positions[count], scores[count] = place, scores[one]
        count += until[place] >= earliest
    return count


@kernel
def _chosen(
    block: Words,
    sums: NDArray[np.int16],
    bar: int,
    days: NDArray[np.int32],
    earliest: int,
    places: NDArray[np.int32],
    signs: NDArray[np.int16],
) -> int:
    """Of a block's entries with such `sums` over signs those that reach the `bar` and may be found, with their sums;
    their second bits are on the way. Returns how many there are."""
    words = block.shape[0] // 2
    count = 0
    for start in range(0, days.shape[0], LANES):
        high = reached(sums, start, bar)
        left = days.shape[0] - start
        if left < LANES:
            high &= (_ONE << np.uint64(left)) - _ONE
            for one in range(left):
                high &= ~(np.uint64(days[start + one] < earliest) << np.uint64(one))
        elif earliest != _ANY_DAY:
            high &= reached(days, start, earliest)
        while high:
            place = start + np.int64(one_bits((high & (~high + _ONE)) - _ONE))
            high &= high - _ONE
            bring(block, words, place * words * _WORD_BYTES)
            places[count], signs[count] = place, sums[place]
            count += 1
    return count


@kernel
def highest(scores: NDArray[np.int16], wanted: int, counts: Counts, places: NDArray[np.int64]) -> None:
    """`places` (wanted,), rising, of the highest of `scores` (n,); of those that share the lowest of these, the first.

    `counts`: zeros, as many as there may be scores, the lowest of which is the least of `scores`.
    """
    lowest_one = scores.min()
    for score in scores:
        counts[score - lowest_one] += 1
    least = bar_of(counts, wanted) + lowest_one
    equals, count = wanted, 0
    for score in scores:
        equals -= score > least
    for place in range(scores.shape[0]):
        if scores[place] > least or (scores[place] == least and equals > 0):
            equals -= scores[place] == least
            places[count] = place
            count += 1
