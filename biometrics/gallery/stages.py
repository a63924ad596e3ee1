"""The first stage of a search: FAISS, which compares everything exactly, for few entries; codes for many (`codes.py`).

Which codes, and what else was measured: benchmarks/RESULTS.md, "Search among faces".
"""

from __future__ import annotations

from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from biometrics.gallery.codes import Codes
from biometrics.gallery.parameters import EXACT_UP_TO, SCAN_BLOCK
from biometrics.gallery.rows import Floats, Rows


class Stage(Protocol):
    """Knows all entries by position 0, 1, 2, ..., in the order in which they were appended."""

    def __len__(self) -> int: ...

    @property
    def nbytes(self) -> int:
        """Memory."""

    def append(self, vectors: Floats) -> None:
        """Add vectors, float32 (n, D)."""

    def search(self, query: Floats, top: int, until: NDArray[np.int32], earliest: int) -> NDArray[np.int64]:
        """Positions, rising, of the entries that may be among the `top` that look most like `query` (D,), of those
        whose day in `until` (N,) is `earliest` or later."""


class Exact:
    """Compares everything in half precision, which is the precision of templates."""

    def __init__(self, dimensions: int) -> None:
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexScalarQuantizer(dimensions, kind, faiss.METRIC_INNER_PRODUCT)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """Memory of its own copy of the vectors."""
        return len(self) * int(self._index.sa_code_size())

    def append(self, vectors: Floats) -> None:
        """As `Stage` says."""
        _one_thread()
        self._index.add(np.ascontiguousarray(vectors))

    def search(self, query: Floats, top: int, until: NDArray[np.int32], earliest: int) -> NDArray[np.int64]:
        """As `Stage` says."""
        _one_thread()
        findable = until >= earliest
        only = None
        if not findable.all():
            bits = np.packbits(findable, bitorder="little")
            only = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        _, positions = self._index.search(query[None], min(top, len(self)), params=only)
        return np.sort(np.asarray(positions[0][positions[0] >= 0], np.int64))


def stage_of(rows: Rows) -> Stage:
    """The stage for so many `rows`, filled with them."""
    if len(rows) <= EXACT_UP_TO:
        return _filled(Exact(rows.dimensions), rows)
    codes = Codes(rows.dimensions)
    codes.reserve(len(rows))
    return _filled(codes, rows)


def _filled(stage: Stage, rows: Rows) -> Stage:
    for first in range(0, len(rows), SCAN_BLOCK):
        stage.append(rows.block(first, first + SCAN_BLOCK))
    return stage


def _one_thread() -> None:
    # A setting of the calling thread: with two on busy cores a search was measured 260 times slower.
    faiss.omp_set_num_threads(1)
