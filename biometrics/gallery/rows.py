"""The vectors of a gallery by position, compact, from which the exact comparison is made.

In half precision they are the templates' own vectors (see `face/template.py`), bit for bit, so that a score is the one
that the comparison of two templates gives. In twelve bits, a row is whole numbers -2047..2047 times the row's own
scale: its score is off by 0.00004 (one standard deviation, between unrelated faces), and the row takes three quarters
of the memory. Eight bits were used before: off by 0.0006, which can be more than lies between the best and the second
best stranger of ten million.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery import exact
from biometrics.gallery.table import Table

Floats = NDArray[np.float32]
_STEPS = 2047


class Precision(StrEnum):
    """How a number of a vector is kept."""

    HALF = "half"
    TWELVE = "twelve"


class Rows:
    """Vectors of `dimensions` numbers, an even number of them.

    `numbers` (N, D) float16 or uint8 (N, 3 D / 2): the upper eight bits of each, then the lower four of two in a byte,
    those of the first half of the dimensions below those of the second. `scales` (N,) float32, 1 in half precision.
    """

    def __init__(self, dimensions: int, precision: Precision, base: tuple[NDArray[Any], Floats] | None = None) -> None:
        self.precision = precision
        self.dimensions = dimensions
        numbers, scales = base or (None, None)
        self._numbers = Table(width_of(dimensions, precision), kind_of(precision), numbers)
        self._scales = Table(1, np.float32, None if scales is None else scales.reshape(-1, 1))

    def __len__(self) -> int:
        return len(self._scales)

    @property
    def nbytes(self) -> int:
        """Memory; of a mapped file as if it were all read."""
        return self._numbers.nbytes + self._scales.nbytes

    def reserve(self, more: int) -> None:
        """Make room for so many more rows."""
        self._numbers.reserve(more)
        self._scales.reserve(more)

    def append(self, vectors: Floats) -> None:
        """Add vectors, float32 (n, D)."""
        numbers, scales = self._rounded(vectors)
        self._numbers.append(numbers)
        self._scales.append(scales[:, None])

    def take(self, positions: NDArray[np.int64]) -> Floats:
        """The vectors at `positions` (m,), which must not fall; float32 (m, D)."""
        return _opened(*self.packed(positions))

    def block(self, first: int, last: int) -> Floats:
        """The vectors first..last - 1, float32."""
        return self.take(np.arange(first, min(last, len(self)), dtype=np.int64))

    def packed(self, positions: NDArray[np.int64]) -> tuple[NDArray[Any], Floats]:
        """The rows at `positions` (m,), which must not fall, as they are kept: numbers and scales (m,)."""
        return self._numbers.take(positions), self._scales.take(positions)[:, 0]

    def scores(self, query: Floats, positions: NDArray[np.int64]) -> Floats:
        """Inner products of `query` (D,) with the vectors at `positions` (m,), which must not fall; float32 (m,)."""
        found = np.empty(len(positions), np.float32)
        for which, numbers, places in self._numbers.parts(positions):
            if self.precision is Precision.HALF:
                exact.of_halves(query, numbers.view(np.uint16), places, found[which])
            else:
                exact.of_twelves(query, numbers, places, found[which])
        return found if self.precision is Precision.HALF else found * self._scales.take(positions)[:, 0]

    def _rounded(self, vectors: Floats) -> tuple[NDArray[Any], Floats]:
        if self.precision is Precision.HALF:
            return vectors.astype(np.float16), np.ones(len(vectors), np.float32)
        scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.finfo(np.float32).tiny) / np.float32(_STEPS)
        whole = np.rint(vectors / scales[:, None]).astype(np.int16)
        upper, lower = (whole >> 4).astype(np.uint8), (whole & 15).astype(np.uint8)
        half = self.dimensions // 2
        return np.concatenate([upper, lower[:, :half] | lower[:, half:] << 4], axis=1), scales


def width_of(dimensions: int, precision: Precision) -> int:
    """Numbers of `kind_of` that a row has. Raises ValueError where the dimensions are odd."""
    if dimensions % 2:
        raise ValueError(f"{dimensions} dimensions; rows are kept two numbers at a time")
    return dimensions if precision is Precision.HALF else 3 * dimensions // 2


def kind_of(precision: Precision) -> type[Any]:
    """The type of a row's numbers."""
    return np.float16 if precision is Precision.HALF else np.uint8


def _opened(numbers: NDArray[Any], scales: Floats) -> Floats:
    if numbers.dtype == np.float16:
        return numbers.astype(np.float32)
    size = 2 * numbers.shape[1] // 3
    upper, pairs = numbers[:, :size].view(np.int8).astype(np.int16), numbers[:, size:]
    whole = upper << 4 | np.concatenate([pairs & 15, pairs >> 4], axis=1)
    return np.asarray(whole.astype(np.float32) * scales[:, None], np.float32)
