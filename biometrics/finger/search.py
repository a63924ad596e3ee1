"""Search: whose finger among many is this? (1:N)

A first stage compares the probe with every reference by the surroundings of their minutiae alone (`relaxation`), about
ten microseconds each; the accurate comparison then looks at the few that it ranked highest. Both run without the
interpreter's lock; the first stage can be shared among threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger import matcher
from biometrics.finger.cylinders import Cylinders, cylinders_of
from biometrics.finger.matcher import PreparedFinger
from biometrics.finger.outline import outline
from biometrics.finger.parameters import SEARCH_PAIRS, SHORTLIST
from biometrics.finger.relaxation import likeness
from biometrics.finger.template import FingerTemplate
from biometrics.kernels.compiled import kernel


class Ranking(NamedTuple):
    """The references that look most like a probe, best first: `indices` int64 (k,), `likeness` float32 (k,) 0..1."""

    indices: NDArray[np.int64]
    likeness: NDArray[np.float32]


class Candidate(NamedTuple):
    """A `reference` by its index, its comparison `score` with the probe, and the first stage's `likeness`."""

    reference: int
    score: float
    likeness: float


@dataclass(frozen=True, eq=False)
class Gallery:
    """References prepared for searches, in the order they were given. Immutable, shared among threads.

    `starts` int64 (N + 1,): reference i has the minutiae starts[i]..starts[i + 1] - 1 of `cylinders`.
    """

    templates: tuple[FingerTemplate, ...] = field(repr=False)
    cylinders: Cylinders = field(repr=False)
    starts: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, templates: Iterable[FingerTemplate]) -> Gallery:
        """A gallery of templates, any number; about 0.4 ms each."""
        kept = tuple(templates)
        parts = [cylinders_of(one.x, one.y, one.direction, outline(one.x, one.y)) for one in kept]
        starts = np.cumsum([0, *(len(one) for one in kept)], dtype=np.int64)
        return cls(kept, _joined(parts), starts)

    def extended(self, templates: Iterable[FingerTemplate]) -> Gallery:
        """This gallery with more references behind its own."""
        more = Gallery.of(templates)
        starts = np.concatenate([self.starts, self.starts[-1] + more.starts[1:]])
        return Gallery(self.templates + more.templates, _joined([self.cylinders, more.cylinders]), starts)

    def __len__(self) -> int:
        """The number of references."""
        return len(self.templates)

    @property
    def bytes_per_reference(self) -> float:
        """Memory of the first stage for one reference, templates apart; 0 where there is none."""
        used = sum(array.nbytes for array in self.cylinders) + self.starts.nbytes
        return used / len(self) if len(self) else 0.0

    def likenesses(self, probe: PreparedFinger, *, threads: int = 1) -> NDArray[np.float32]:
        """The first stage's figure for every reference, float32 (N,), 0..1. ValueError for less than one thread."""
        if threads < 1:
            raise ValueError(f"{threads} threads")
        found = np.empty(len(self), np.float32)
        bounds = np.linspace(0, len(self), threads + 1).astype(np.int64)
        room = len(probe.template) * int(np.diff(self.starts).max(initial=0))

        def compare(part: int) -> None:
            first, last = bounds[part], bounds[part + 1]
            _compare_span(probe.finger.cylinders, self.cylinders, self.starts, first, last, room, found)

        if threads == 1:
            compare(0)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(compare, range(threads)))
        return found

    def rank(self, probe: PreparedFinger, top: int = SHORTLIST, *, threads: int = 1) -> Ranking:
        """The `top` references (or as many as there are) by the first stage. ValueError for less than one."""
        if top < 1:
            raise ValueError(f"the top {top}")
        found = self.likenesses(probe, threads=threads)
        best = np.argpartition(-found, top - 1)[:top] if top < len(found) else np.arange(len(found))
        best = best[np.lexsort((best, -found[best]))]
        return Ranking(best, found[best])

    def search(self, probe: PreparedFinger, shortlist: int = SHORTLIST, *, threads: int = 1) -> list[Candidate]:
        """The `shortlist` that the first stage found, by the score of the accurate comparison, best first."""
        ranked = self.rank(probe, shortlist, threads=threads)
        candidates = [
            Candidate(index, matcher.score(probe, PreparedFinger.of(self.templates[index])), alike)
            for index, alike in zip(ranked.indices.tolist(), ranked.likeness.tolist(), strict=True)
        ]
        return sorted(candidates, key=lambda one: (-one.score, -one.likeness, one.reference))


def _joined(parts: Sequence[Cylinders]) -> Cylinders:
    """The cylinders of several fingers in one row; of none, an empty one."""
    nothing = np.empty(0, np.float32)
    empty = cylinders_of(nothing, nothing, nothing, np.empty((0, 2), np.float32))
    columns = zip(empty, *parts, strict=True)
    return Cylinders(*(np.ascontiguousarray(np.concatenate(column, axis=-1)) for column in columns))


@kernel
def _compare_span(
    probe: Cylinders,
    references: Cylinders,
    starts: NDArray[np.int64],
    first: int,
    last: int,
    room: int,
    found: NDArray[np.float32],
) -> None:
    """Write the likeness of the references first..last - 1 to `found`; `room` numbers suffice for any of them."""
    scratch = np.empty(room, np.int32)
    for index in range(first, last):
        found[index] = likeness(probe, references, starts[index], starts[index + 1], SEARCH_PAIRS, scratch)
