"""A table that grows by parts: what is in it never moves, so that adding to ten million takes as long as to ten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.gallery.parameters import FIRST_PART


class Table:
    """Rows of one shape and type. The first part may be a mapped file that nobody writes to."""

    def __init__(self, width: int, kind: type[Any], base: NDArray[Any] | None = None) -> None:
        self._width = width
        self._kind = kind
        # Compiled code takes plain arrays; this is one, of the same mapped file.
        self._parts = [] if base is None or not len(base) else [np.asarray(base)]
        self._starts = [0] * len(self._parts)
        self._count = 0 if base is None else len(base)

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Memory of the rows that are there: room that was never written to is none."""
        return self._count * self._width * np.dtype(self._kind).itemsize

    def reserve(self, more: int) -> None:
        """Make room for so many more rows in one part."""
        if more > self._room():
            self._parts.append(np.empty((more, self._width), self._kind))
            self._starts.append(self._count)

    def append(self, rows: NDArray[Any]) -> None:
        """Add `rows` (n, width)."""
        while len(rows):
            if not self._room():
                self.reserve(max(FIRST_PART, self._count // 4))
            here = min(len(rows), self._room())
            first = self._count - self._starts[-1]
            self._parts[-1][first : first + here] = rows[:here]
            self._count += here
            rows = rows[here:]

    def parts(self, positions: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[Any], NDArray[np.int64]]]:
        """For `positions` (m,), which must not fall: which of them lie in a part, the part, and where in it."""
        if not len(positions):
            return
        splits = [*np.searchsorted(positions, self._starts[1:]).tolist(), len(positions)]
        first = 0
        for part, start, last in zip(self._parts, self._starts, splits, strict=True):
            if last > first:
                yield slice(first, last), part, positions[first:last] - start
            first = last

    def take(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """The rows at `positions` (m,), which must not fall; (m, width)."""
        found = np.empty((len(positions), self._width), self._kind)
        for which, part, places in self.parts(positions):
            found[which] = part[places]
        return found

    def _room(self) -> int:
        return self._starts[-1] + len(self._parts[-1]) - self._count if self._parts else 0
