"""Local similarity: which minutiae of two fingers have surroundings that look alike.

The similarity of two cylinders is 1 - |a - b| / (|a| + |b|), the norms being roots of counted bits, over the cells that
are valid in both. It is kept as a whole number with the reference's minutia in its low bits, so that the most similar
one is found by taking maxima, eight or sixteen at once where the processor can.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.cylinders import Cylinders
from biometrics.finger.parameters import CYLINDER_SECTIONS
from biometrics.kernels.bits import one_bits
from biometrics.kernels.compiled import kernel

COLUMN_BITS = 8
FULL = 65535.0
"""A similarity of 1 in a key, above COLUMN_BITS bits of column."""
_COLUMNS = 1 << COLUMN_BITS
_NO_BIT = np.float32(1e-6)
"""Keeps two cylinders without a bit from a division by 0: they are unlike."""


@kernel
def compare_cylinders(probe: Cylinders, reference: Cylinders, first: int, keys: NDArray[np.int32]) -> None:
    """Write the keys of all similarities, of the probe's n minutiae to the reference's from `first`, to `keys` (n, m).

    m may be at most 256. A key's similarity is `key >> COLUMN_BITS`, 0..FULL; the column is in its low bits.
    """
    n, m = keys.shape
    for i in range(n):
        valid = probe.valid[i]
        for j in range(m):
            other_valid = reference.valid[first + j]
            own, far, both = 0, 0, 0
            for section in range(CYLINDER_SECTIONS):
                code = probe.codes[section, i]
                other = reference.codes[section, first + j] & valid
                own += one_bits(code & other_valid)
                far += one_bits(other)
                both += one_bits(code & other)
            norms = np.sqrt(np.float32(own)) + np.sqrt(np.float32(far)) + _NO_BIT
            distance = np.sqrt(np.float32(own + far - 2 * both)) if own + far > 0 else norms
            keys[i, j] = np.int32((np.float32(1.0) - distance / norms) * np.float32(FULL)) * _COLUMNS + j


@kernel
def choose_pairs(keys: NDArray[np.int32], pairs: NDArray[np.int32]) -> int:
    """Fill `pairs` int32 (p, 2) with rows and columns: the most similar, then the most similar of those still free.

    Returns how many there are; fewer than p where nothing similar is left.
    """
    n, m = keys.shape
    free = np.full(m, -1, np.int32)
    best = np.empty(n, np.int32)
    for i in range(n):
        best[i] = _highest(keys[i], free)
    count = 0
    while count < len(pairs):
        i = int(np.argmax(best))
        if best[i] < _COLUMNS:
            break
        j = best[i] & (_COLUMNS - 1)
        if not free[j]:
            best[i] = _highest(keys[i], free)
            continue
        pairs[count, 0], pairs[count, 1] = i, j
        best[i], free[j] = 0, 0
        count += 1
    return count


@kernel
def _highest(row: NDArray[np.int32], free: NDArray[np.int32]) -> int:
    """The highest key of a row in the columns that are free (all bits set); 0 where none is."""
    highest = np.int32(0)
    for j in range(len(row)):
        highest = max(highest, row[j] & free[j])
    return int(highest)
