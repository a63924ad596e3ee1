"""The look at codes (see `codes.py`) as compiled code.

A score is the sum of the query's whole numbers over the dimensions whose second bit is set, and twice that over those
whose sign is; it orders entries as the inner product with the numbers -3, -1, 1 and 3 does, which is twice it less a
constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery.parameters import BLOCK
from biometrics.gallery.reached import LANES, reached
from biometrics.kernels.bits import one_bits
from biometrics.kernels.compiled import kernel

Words = NDArray[np.uint64]
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def lowest(planes: Words) -> int:
    """No score is below minus this."""
    return 3 * 8 * 64 * len(planes)


def spread(planes: Words) -> int:
    """How many scores there may be."""
    return 3 * 15 * 64 * len(planes) + 1


@kernel
def of_codes(words: Words, planes: Words, scores: NDArray[np.int16]) -> None:
    """`scores` (n,) of the first n of `words` (2 W, N) with a query's `planes` (W, 4).

    One word of all entries after the other: so the compiler makes it eight at a time.
    """
    scores[:] = 0
    for word in range(planes.shape[0]):
        signs, seconds = words[word], words[planes.shape[0] + word]
        first, second, third, fourth = planes[word, 0], planes[word, 1], planes[word, 2], planes[word, 3]
        for one in range(scores.shape[0]):
            sign, more = signs[one], seconds[one]
            ones = (one_bits(sign & first) << _ONE) + one_bits(more & first)
            twos = (one_bits(sign & second) << _ONE) + one_bits(more & second)
            fours = (one_bits(sign & third) << _ONE) + one_bits(more & third)
            eights = (one_bits(sign & fourth) << _ONE) + one_bits(more & fourth)
            scores[one] += np.int16(ones + (twos << _ONE) + (fours << _TWO) - (eights << _THREE))


@kernel
def at_some(
    blocks: Words, planes: Words, until: NDArray[np.int32], earliest: int, some: int, counts: NDArray[np.int64]
) -> int:
    """Count in `counts`, by score above the lowest, the first `some` entries of each block, those that may be found;
    returns how many there are with the others."""
    scores = np.empty(some, np.int16)
    offset, looked = 3 * 8 * 64 * planes.shape[0], 0
    for number in range(blocks.shape[0]):
        of_codes(blocks[number], planes, scores)
        first = number * BLOCK
        for one in range(min(some, until.shape[0] - first)):
            looked += 1
            if until[first + one] >= earliest:
                counts[scores[one] + offset] += 1
    return looked


@kernel
def passing(
    blocks: Words,
    planes: Words,
    bar: int,
    until: NDArray[np.int32],
    earliest: int,
    positions: NDArray[np.int64],
    scores: NDArray[np.int16],
) -> int:
    """Look at all entries of `blocks`: of those whose score reaches the `bar` and which may be found, the place and the
    score. Returns how many there are; those for whom there is no room are only counted."""
    found, count = np.empty(BLOCK, np.int16), 0
    for number in range(blocks.shape[0]):
        of_codes(blocks[number], planes, found)
        first = number * BLOCK
        for start in range(0, min(BLOCK, until.shape[0] - first), LANES):
            high = reached(found, start, bar)
            while high:
                place = first + start + np.int64(one_bits((high & (~high + _ONE)) - _ONE))
                high &= high - _ONE
                if place < until.shape[0] and until[place] >= earliest:
                    if count < positions.shape[0]:
                        positions[count], scores[count] = place, found[place - first]
                    count += 1
    return count
