"""Inner products of one vector with some rows of a table, as compiled code that reads each number once.

numpy would first copy the rows, then make float32 of them, then multiply: four times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.ahead import LINE, bring
from biometrics.kernels.compiled import loose_kernel

_HALF_SCALE = np.float32(2.0**112)
_AHEAD = 12


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
    for index in range(min(_AHEAD, places.shape[0])):
        _bring_row(rows, places[index], 2 * size)
    for index in range(places.shape[0]):
        if index + _AHEAD < places.shape[0]:
            _bring_row(rows, places[index + _AHEAD], 2 * size)
        row = rows[places[index]]
        for one in range(size):
            half = np.uint32(row[one])
            bits[one] = ((half & np.uint32(0x8000)) << np.uint32(16)) | ((half & np.uint32(0x7FFF)) << np.uint32(13))
        total = np.float32(0)
        for one in range(size):
            total += query[one] * numbers[one]
        found[index] = total * _HALF_SCALE


@loose_kernel
def of_twelves(
    query: NDArray[np.float32], rows: NDArray[np.uint8], places: NDArray[np.int64], found: NDArray[np.float32]
) -> None:
    """Inner products of `query` (D,) with `rows` (N, 3 D / 2) of whole numbers of twelve bits at `places` (m,), packed
    as `Rows` says."""
    size = query.shape[0]
    half = size // 2
    for index in range(min(_AHEAD, places.shape[0])):
        _bring_row(rows, places[index], rows.shape[1])
    for index in range(places.shape[0]):
        if index + _AHEAD < places.shape[0]:
            _bring_row(rows, places[index + _AHEAD], rows.shape[1])
        row = rows[places[index]]
        left, right, pairs = row[:half], row[half:size], row[size:]
        total = np.float32(0)
        for one in range(half):
            pair = pairs[one]
            first = np.int32(np.int8(left[one])) * np.int32(16) + np.int32(pair & np.uint8(15))
            second = np.int32(np.int8(right[one])) * np.int32(16) + np.int32(pair >> np.uint8(4))
            total += query[one] * np.float32(first) + query[half + one] * np.float32(second)
        found[index] = total


@loose_kernel
def _bring_row(rows: NDArray[np.generic], place: int, size: int) -> None:
    """Begin to bring a row of so many bytes near: rows lie here and there, and each would be waited for."""
    for offset in range(0, size, LINE):
        bring(rows, place, offset)
    bring(rows, place, size - 1)
