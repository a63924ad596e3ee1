"""Inner products of one vector with some rows of a table, as compiled code that reads each number once.

numpy would first copy the rows, then make float32 of them, then multiply: four times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import loose_kernel

_HALF_SCALE = np.float32(2.0**112)


@loose_kernel
def of_halves(
    query: NDArray[np.float32], rows: NDArray[np.uint16], places: NDArray[np.int64], found: NDArray[np.float32]
) -> None:
    """Inner products of `query` (D,) with the half-precision `rows` (N, D), seen as bits, at `places` (m,).

    The bits of a half, moved to where a single has its own, are the number divided by 2^112, zero and the smallest
    numbers included; not-a-number and infinity are in no template.
    """
    size = query.shape[0]
    bits = np.empty(size, np.uint32)
    numbers = bits.view(np.float32)
    for index in range(places.shape[0]):
        row = rows[places[index]]
        for one in range(size):
            half = np.uint32(row[one])
            bits[one] = ((half & np.uint32(0x8000)) << np.uint32(16)) | ((half & np.uint32(0x7FFF)) << np.uint32(13))
        total = np.float32(0)
        for one in range(size):
            total += query[one] * numbers[one]
        found[index] = total * _HALF_SCALE


@loose_kernel
def of_bytes(
    query: NDArray[np.float32], rows: NDArray[np.int8], places: NDArray[np.int64], found: NDArray[np.float32]
) -> None:
    """Inner products of `query` (D,) with `rows` (N, D) of whole numbers at `places` (m,)."""
    for index in range(places.shape[0]):
        row = rows[places[index]]
        total = np.float32(0)
        for one in range(query.shape[0]):
            total += query[one] * np.float32(row[one])
        found[index] = total
