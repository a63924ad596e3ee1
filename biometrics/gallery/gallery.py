"""A gallery of faces: who among many looks like this one? (1:N)

Few entries are all compared exactly. Of many, a first stage that looks at short codes of all chooses some thousands,
which are compared exactly. Entries that were removed or are no longer valid are passed over in the first stage, so that
no filter costs recall. Scores are inner products of templates' vectors, those that a comparison gives.

Vectors are to be turned by some random rotation: it makes the codes fit, and a snapshot mean nothing elsewhere.

Changes are seen by every search that begins after them. Searches run side by side, also without the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.gallery.entries import Entries, Hits, Register, entries_of, first_day
from biometrics.gallery.lock import SharedLock
from biometrics.gallery.parameters import DEAD_SHARE, EXACT_UP_TO, SCAN_BLOCK, TWELVE_FROM
from biometrics.gallery.rows import Floats, Precision, Rows
from biometrics.gallery.stages import Exact, Stage, stage_of

Progress = Callable[[int], None]
"""Told of so many entries more."""


@dataclass(frozen=True)
class Condition:
    """How a gallery is: `entries` that can be found, `removed` ones that still cost time and memory, and whether it is
    time for `Gallery.rebuilt`."""

    entries: int
    removed: int
    wants_rebuilding: bool


class Gallery:
    """Vectors of one engine's face templates, each under a key. Shared among threads; changes are atomic."""

    def __init__(
        self,
        engine: str,
        rows: Rows,
        register: Register,
        *,
        sequence: int = 0,
        mark: str = "",
        stage: Stage | None = None,
    ) -> None:
        self.engine = engine
        self.sequence = sequence
        self.mark = mark
        self._rows = rows
        self._register = register
        self._lock = SharedLock()
        self._stage = stage_of(rows) if stage is None else stage

    @classmethod
    def of(
        cls,
        engine: str,
        keys: ArrayLike = (),
        vectors: ArrayLike | None = None,
        *,
        until: ArrayLike | None = None,
        sequence: int = 0,
        dimensions: int = 128,
        precision: Precision | None = None,
    ) -> Gallery:
        """A gallery of `vectors` (N, dimensions) of length 1 under `keys` (N,), which must grow from 0 on.

        `until` (N,) are the last days of validity, in days since 1970; without it entries are valid for ever. Unless
        `precision` says otherwise, many are kept in twelve bits a number. Raises ValueError for shapes, for keys, and
        for an odd number of dimensions.
        """
        given = entries_of(dimensions, keys, vectors, until)
        count = len(given.keys)
        return cls.build(engine, [given], count, sequence=sequence, dimensions=dimensions, precision=precision)

    @classmethod
    def build(
        cls,
        engine: str,
        blocks: Iterable[Entries],
        expected: int,
        *,
        sequence: int = 0,
        dimensions: int = 128,
        precision: Precision | None = None,
        progress: Progress | None = None,
    ) -> Gallery:
        """A gallery of `blocks` of entries, about `expected` in all, which never lie in memory together. As `of`."""
        rows = Rows(dimensions, precision or (Precision.TWELVE if expected >= TWELVE_FROM else Precision.HALF))
        rows.reserve(expected)
        register = Register()
        for block in blocks:
            register.check(block.keys)
            register.append(block.keys, block.until)
            for first in range(0, len(block.keys), SCAN_BLOCK):
                rows.append(block.vectors[first : first + SCAN_BLOCK])
            if progress is not None:
                progress(len(block.keys))
        return cls(engine, rows, register, sequence=sequence)

    def __len__(self) -> int:
        """The entries that are not removed."""
        return len(self._register) - self._register.removed

    @property
    def memory_bytes(self) -> int:
        """Of vectors, codes and what is known of entries."""
        return self._rows.nbytes + self._register.nbytes + self._stage.nbytes

    def change(
        self,
        sequence: int,
        *,
        keys: ArrayLike = (),
        vectors: ArrayLike | None = None,
        until: ArrayLike | None = None,
        removed: ArrayLike = (),
        mark: str = "",
    ) -> None:
        """Remove entries and add entries, as one step, after which the list has the number `sequence`.

        `mark`, which snapshots keep too, is the caller's word for the list that has this number, among all that may.
        Removed keys that are not there are passed over, so that a change can be told twice. Raises ValueError for
        shapes, and for keys that do not follow those that are there; then nothing was changed.
        """
        given = entries_of(self._rows.dimensions, keys, vectors, until)
        with self._lock.alone():
            self._register.check(given.keys)
            if len(given.keys):
                # What the stage and the rows hold beyond the register is never found: the register comes last.
                self._rows.append(given.vectors)
                self._stage.append(given.vectors)
                self._register.append(given.keys, given.until)
            self._register.remove(np.asarray(removed, np.int64).reshape(-1))
            self.sequence, self.mark = sequence, mark

    def search(self, queries: ArrayLike, top: int = 10, *, day: int | None = None) -> Hits:
        """The `top` entries that look most like each of `queries` (n, D), float, of length 1.

        With `day` (days since 1970), of those that are valid on it. ValueError for other shapes or no `top`.
        """
        wanted = np.ascontiguousarray(queries, np.float32)
        if wanted.ndim != 2 or wanted.shape[1] != self._rows.dimensions or top < 1:
            raise ValueError(f"queries {wanted.shape}, the top {top}")
        hits = Hits(np.full((len(wanted), top), -1), np.full((len(wanted), top), -np.inf, np.float32), self.sequence)
        with self._lock.shared():
            hits = hits._replace(sequence=self.sequence)
            self._search(wanted, hits, day)
        return hits

    def condition(self) -> Condition:
        """How the gallery is."""
        with self._lock.shared():
            removed, total = self._register.removed, len(self._register)
            outgrown = isinstance(self._stage, Exact) and total > EXACT_UP_TO
        return Condition(total - removed, removed, outgrown or (total > 0 and removed > DEAD_SHARE * total))

    def rebuilt(self, progress: Progress | None = None) -> Gallery:
        """A new gallery of the entries that are not removed. This one goes on meanwhile."""
        with self._lock.shared():
            sequence, mark, positions = self.sequence, self.mark, self._register.present()
            keys, until = self._register.keys[positions].copy(), self._register.until[positions].copy()
        many = len(positions) >= TWELVE_FROM
        rows = Rows(self._rows.dimensions, Precision.TWELVE if many else self._rows.precision)
        rows.reserve(len(positions))
        for first in range(0, len(positions), SCAN_BLOCK):
            with self._lock.shared():
                rows.append(self._rows.take(positions[first : first + SCAN_BLOCK]))
            if progress is not None:
                progress(len(rows) - first)
        return Gallery(self.engine, rows, Register(keys, until), sequence=sequence, mark=mark)

    @contextmanager
    def held(self) -> Iterator[tuple[Rows, Register, Stage]]:
        """Its parts, which nobody changes meanwhile; the rows may be more than the register says. For snapshots."""
        with self._lock.shared():
            yield self._rows, self._register, self._stage

    def _search(self, queries: Floats, hits: Hits, day: int | None) -> None:
        if not len(self._register):
            return
        for number, query in enumerate(queries):
            positions = self._stage.search(query, hits.keys.shape[1], self._register.until, first_day(day))
            self._settle(query, positions, hits, number)

    def _settle(self, query: Floats, positions: NDArray[np.int64], hits: Hits, number: int) -> None:
        scores = self._rows.scores(query, positions)
        top = min(hits.keys.shape[1], len(scores))
        if top < len(scores):
            # Sorting all of them takes longer than comparing them.
            good = scores >= np.partition(scores, -top)[-top]
            positions, scores = positions[good], scores[good]
        keys = self._register.keys[positions]
        order = np.lexsort((keys, -scores))[:top]
        hits.keys[number, : len(order)] = keys[order]
        hits.scores[number, : len(order)] = scores[order]
