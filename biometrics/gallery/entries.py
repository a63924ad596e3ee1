"""What is known of a gallery's entries beside their vectors: their keys, and until when each is to be found."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.gallery.rows import Floats

ALWAYS = np.iinfo(np.int32).max
"""The day until which an entry is valid that ends by removal only."""
_Whole = TypeVar("_Whole", np.int32, np.int64)
_REMOVED = np.iinfo(np.int32).min
_NO_DAY = _REMOVED + 1


class Entries(NamedTuple):
    """Entries to add: `keys` int64 (n,), `vectors` float32 (n, D) and `until` int32 (n,), days since 1970."""

    keys: NDArray[np.int64]
    vectors: Floats
    until: NDArray[np.int32]


class Hits(NamedTuple):
    """What searches found, best first: `keys` int64 (n, k), -1 where there are fewer, `scores` float32 (n, k), -inf
    there, and the `sequence` number of the list that was searched."""

    keys: NDArray[np.int64]
    scores: Floats
    sequence: int


class Register:
    """Keys and validity by position. Keys grow from entry to entry, so that one is found without a table of them."""

    def __init__(self, keys: ArrayLike = (), until: ArrayLike = ()) -> None:
        self._keys = np.array(keys, np.int64)
        self._until = np.array(until, np.int32)
        self._count = len(self._keys)
        self.removed = int(np.count_nonzero(self._until == _REMOVED))

    def __len__(self) -> int:
        return self._count

    @property
    def keys(self) -> NDArray[np.int64]:
        """All keys, also of removed entries, int64 (N,)."""
        return self._keys[: self._count]

    @property
    def until(self) -> NDArray[np.int32]:
        """Days, int32 (N,)."""
        return self._until[: self._count]

    @property
    def nbytes(self) -> int:
        """Memory."""
        return self._keys.nbytes + self._until.nbytes

    def check(self, keys: NDArray[np.int64]) -> None:
        """Raises ValueError where `keys` cannot follow those that are there."""
        last = self._keys[self._count - 1] if self._count else -1
        if len(keys) and (keys[0] <= last or (np.diff(keys) <= 0).any()):
            raise ValueError("the keys of new entries must be greater than those before, and not negative")

    def append(self, keys: NDArray[np.int64], until: NDArray[np.int32]) -> None:
        """Add entries; `check` was asked."""
        total = self._count + len(keys)
        if total > len(self._keys):
            room = max(total, 2 * self._count)
            self._keys, self._until = _longer(self._keys, room), _longer(self._until, room)
        self._keys[self._count : total], self._until[self._count : total] = keys, until
        self._count = total

    def remove(self, keys: NDArray[np.int64]) -> int:
        """Mark entries as removed; returns how many there were. Unknown and removed ones are passed over."""
        places = np.searchsorted(self.keys, keys)
        there = places < self._count
        places = places[there][self.keys[places[there]] == keys[there]]
        places = np.unique(places[self.until[places] != _REMOVED])
        self._until[places] = _REMOVED
        self.removed += len(places)
        return len(places)

    def present(self) -> NDArray[np.int64]:
        """Positions of the entries that are not removed."""
        return np.flatnonzero(self.until != _REMOVED)


def first_day(day: int | None) -> int:
    """The least `Register.until` of an entry that is to be found on `day`, or on any; removed ones have a lesser."""
    return _NO_DAY if day is None else day


def entries_of(dimensions: int, keys: ArrayLike, vectors: ArrayLike | None, until: ArrayLike | None = None) -> Entries:
    """Entries whose shapes fit together. Raises ValueError where they do not, or a number is not finite."""
    numbers = np.asarray(keys, np.int64).reshape(-1)
    rows = np.ascontiguousarray(np.empty((0, dimensions)) if vectors is None else vectors, np.float32)
    days = np.asarray(np.full(len(numbers), ALWAYS) if until is None else until, np.int32)
    if rows.shape != (len(numbers), dimensions) or days.shape != numbers.shape:
        raise ValueError(f"{len(numbers)} keys, vectors {rows.shape}, days {days.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("a vector is not finite")
    return Entries(numbers, rows, days)


def _longer(array: NDArray[_Whole], length: int) -> NDArray[_Whole]:
    longer = np.zeros(length, array.dtype)
    longer[: len(array)] = array
    return longer
