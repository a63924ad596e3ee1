"""The vectors of a gallery by position, compact, from which the exact comparison is made.

In half precision they are the templates' own vectors (see `face/template.py`), bit for bit, so that a score is the one
that the comparison of two templates gives. In bytes, a row is 128 whole numbers -127..127 times the row's own scale:
its score is off by 0.0006 (one standard deviation, between unrelated faces), and the row takes half of the memory.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery import exact

Floats = NDArray[np.float32]
_STEPS = 127.0


class Precision(StrEnum):
    """How a number of a vector is kept."""

    HALF = "half"
    BYTE = "byte"


class Rows:
    """A growing table: a part that never changes, which may be a mapped file, and a tail in memory.

    `numbers` (N, D) float16 or int8, `scales` (N,) float32, which are 1 in half precision.
    """

    def __init__(self, dimensions: int, precision: Precision, base: tuple[NDArray[Any], Floats] | None = None) -> None:
        self.precision = precision
        self.dimensions = dimensions
        kind = np.float16 if precision is Precision.HALF else np.int8
        empty: tuple[NDArray[Any], Floats] = (np.empty((0, dimensions), kind), np.empty(0, np.float32))
        self._base, self._base_scales = base or empty
        # Compiled code takes plain arrays; this is one, of the same mapped file.
        self._base = np.asarray(self._base)
        self._tail, self._tail_scales = empty
        self._in_tail = 0

    def __len__(self) -> int:
        return len(self._base) + self._in_tail

    @property
    def nbytes(self) -> int:
        """Memory, room for more included; of a mapped file as if it were all read."""
        return sum(array.nbytes for array in (self._base, self._base_scales, self._tail, self._tail_scales))

    def reserve(self, more: int) -> None:
        """Make room for so many more rows."""
        wanted = self._in_tail + more
        if wanted > len(self._tail):
            self._tail = _longer(self._tail, wanted, self._in_tail)
            self._tail_scales = _longer(self._tail_scales, wanted, self._in_tail)

    def append(self, vectors: Floats) -> None:
        """Add vectors, float32 (n, D)."""
        if self._in_tail + len(vectors) > len(self._tail):
            self.reserve(max(len(vectors), len(self._tail)))
        here = slice(self._in_tail, self._in_tail + len(vectors))
        self._tail[here], self._tail_scales[here] = self._rounded(vectors)
        self._in_tail = here.stop

    def take(self, positions: NDArray[np.int64]) -> Floats:
        """The vectors at `positions` (m,), float32 (m, D)."""
        numbers, scales = self._at(positions)
        return numbers.astype(np.float32) * scales[:, None]

    def scores(self, query: Floats, positions: NDArray[np.int64]) -> Floats:
        """Inner products of `query` (D,) with the vectors at `positions` (m,), float32 (m,)."""
        split = len(self._base)
        if split == 0:
            return _scores(query, self._tail, self._tail_scales, positions)
        found = np.empty(len(positions), np.float32)
        late = positions >= split
        found[~late] = _scores(query, self._base, self._base_scales, positions[~late])
        found[late] = _scores(query, self._tail, self._tail_scales, positions[late] - split)
        return found

    def block(self, first: int, last: int) -> Floats:
        """The vectors first..last - 1, float32."""
        return self.take(np.arange(first, min(last, len(self)), dtype=np.int64))

    def packed(self, first: int, last: int) -> tuple[NDArray[Any], Floats]:
        """The rows first..last - 1 as they are kept: numbers (n, D) and scales (n,)."""
        return self._at(np.arange(first, last, dtype=np.int64))

    def _rounded(self, vectors: Floats) -> tuple[NDArray[Any], Floats]:
        if self.precision is Precision.HALF:
            return vectors.astype(np.float16), np.ones(len(vectors), np.float32)
        scales = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / np.float32(_STEPS)
        return np.rint(vectors / scales[:, None]).astype(np.int8), scales

    def _at(self, positions: NDArray[np.int64]) -> tuple[NDArray[Any], Floats]:
        split = len(self._base)
        if split == 0:
            return self._tail[positions], self._tail_scales[positions]
        late = positions >= split
        if not late.any():
            return self._base[positions], self._base_scales[positions]
        numbers = np.empty((len(positions), self.dimensions), self._base.dtype)
        scales = np.empty(len(positions), np.float32)
        numbers[~late], scales[~late] = self._base[positions[~late]], self._base_scales[positions[~late]]
        tail = positions[late] - split
        numbers[late], scales[late] = self._tail[tail], self._tail_scales[tail]
        return numbers, scales


def _scores(query: Floats, numbers: NDArray[Any], scales: Floats, places: NDArray[np.int64]) -> Floats:
    found = np.empty(len(places), np.float32)
    if numbers.dtype == np.float16:
        exact.of_halves(query, numbers.view(np.uint16), places, found)
        return found
    exact.of_bytes(query, numbers, places, found)
    return found * scales[places]


def _longer(array: NDArray[Any], length: int, used: int) -> NDArray[Any]:
    longer = np.empty((length, *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer
