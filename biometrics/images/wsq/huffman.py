"""Entropy decoding: bits to quantised wavelet coefficients.

Every index is checked, for the bytes come from outside and compiled loops do not check by themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

_LONGEST_CODE = 16
_LAST_ZERO_RUN = 100  # symbols 1..100: that many zeros
_POSITIVE_8, _NEGATIVE_8, _POSITIVE_16, _NEGATIVE_16, _ZEROS_8, _ZEROS_16 = 101, 102, 103, 104, 105, 106
_LAST_VALUE, _VALUE_OFFSET = 254, 180  # symbols 107..254: the value symbol - 180
_NO_SYMBOL = -1

DAMAGED = -1


@kernel
def decode_block(
    data: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    symbols: NDArray[np.uint8],
    coefficients: NDArray[np.int32],
    filled: int,
) -> int:
    """Decodes a block into `coefficients` from index `filled` on; gives the new fill, or DAMAGED.

    `data` (n,) are the block's bytes without stuffing; `lengths` (16,) and `symbols` its code. The last byte is padded
    with ones, which begin no code. Runs of zeros are skipped: `coefficients` has to hold zeros.
    """
    at = 0
    while filled < coefficients.size:
        start = at
        symbol, at = _next_symbol(data, at, lengths, symbols)
        if symbol == _NO_SYMBOL:
            return filled if data.size * 8 - start < 8 else DAMAGED
        value = symbol - _VALUE_OFFSET
        if _POSITIVE_8 <= symbol <= _ZEROS_16:
            value, at = _number(data, at, 16 if symbol in (_POSITIVE_16, _NEGATIVE_16, _ZEROS_16) else 8)
            if at > data.size * 8:
                return DAMAGED
        if symbol == 0 or symbol > _LAST_VALUE:
            return DAMAGED
        if symbol <= _LAST_ZERO_RUN:
            filled += symbol
        elif symbol in (_ZEROS_8, _ZEROS_16):
            filled += value
        else:
            coefficients[filled] = -value if symbol in (_NEGATIVE_8, _NEGATIVE_16) else value
            filled += 1
    return filled if filled == coefficients.size else DAMAGED


@kernel
def _next_symbol(
    data: NDArray[np.uint8], at: int, lengths: NDArray[np.int32], symbols: NDArray[np.uint8]
) -> tuple[int, int]:
    """The symbol whose canonical code begins at bit `at`, and the bit behind it; _NO_SYMBOL if none does."""
    code, first, offset = 0, 0, 0
    for length in range(_LONGEST_CODE):
        if at >= data.size * 8:
            break
        code = 2 * code + ((data[at >> 3] >> (7 - (at & 7))) & 1)
        first *= 2
        at += 1
        if code - first < lengths[length]:
            return int(symbols[offset + code - first]), at
        offset += lengths[length]
        first += lengths[length]
    return _NO_SYMBOL, at


@kernel
def _number(data: NDArray[np.uint8], at: int, count: int) -> tuple[int, int]:
    """The next `count` bits as a number, and the bit behind them, which lies beyond the end if there are too few."""
    value = 0
    for bit in range(at, min(at + count, data.size * 8)):
        value = 2 * value + ((data[bit >> 3] >> (7 - (bit & 7))) & 1)
    return value, at + count
