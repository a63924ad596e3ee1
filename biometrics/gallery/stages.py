"""The first stage of a search: FAISS, exact for few entries, compressed for many; entries by position 0, 1, 2, ...

Compressed: product quantisation to 4 bits with the tables of a query held in registers (André, Kermarrec, Le
Scouarnec, "Quicker ADC", TPAMI 2021; `IndexPQFastScan`). All entries are looked at, so that no true mate is lost to a
wrong turn in a graph or a list; what it hands on is compared exactly. Others that were measured: RESULTS.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from biometrics.gallery.parameters import COARSE, COARSE_FROM, FINE, NEWEST, SEED, SHORTLISTS, TRAINING
from biometrics.gallery.rows import Floats, Rows

_BITS = 4
_BLOCK = 65_536


@dataclass
class Stage:
    """`index` of FAISS; `trained_on` entries (0: exact); `misfit`: mean squared distance of them from their codes."""

    index: faiss.IndexScalarQuantizer | faiss.IndexPQFastScan
    trained_on: int = 0
    misfit: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Whether its scores need no second look to be in the right order."""
        return self.trained_on == 0

    @property
    def shortlist(self) -> int:
        """Entries that have to be compared exactly, so that hardly ever a better one is not among them."""
        return 0 if self.is_exact else SHORTLISTS[int(self.index.pq.dsub)]

    @property
    def nbytes(self) -> int:
        """Memory of its codes."""
        return int(self.index.ntotal) * int(self.index.sa_code_size())

    def add(self, vectors: Floats) -> None:
        """Add entries, float32 (n, D), behind those that are there."""
        _one_thread()
        self.index.add(np.ascontiguousarray(vectors))

    def search(self, queries: Floats, count: int) -> NDArray[np.int64]:
        """Positions (n, count) of those that look most like `queries` (n, D), best first; -1 where there are fewer."""
        _one_thread()
        _, positions = self.index.search(np.ascontiguousarray(queries), count)
        return np.asarray(positions, np.int64)

    def drift(self, rows: Rows) -> float:
        """How much worse the codes fit the newest entries than those of the training: 1 as well, 2 twice as badly."""
        if not isinstance(self.index, faiss.IndexPQFastScan) or self.misfit == 0.0:
            return 1.0
        return _misfit(self.index, rows.block(max(0, len(rows) - NEWEST), len(rows))) / self.misfit


def exact(dimensions: int) -> Stage:
    """A stage that compares everything in half precision, which is the precision of templates."""
    return Stage(faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT))


def compressed(rows: Rows) -> Stage:
    """A stage of codes trained on a sample of `rows` and filled with all of them."""
    _one_thread()
    dimensions = rows.dimensions
    described = COARSE if len(rows) >= COARSE_FROM else FINE
    index = faiss.IndexPQFastScan(dimensions, dimensions // described, _BITS, faiss.METRIC_INNER_PRODUCT)
    draw = np.random.default_rng(SEED)
    sample = rows.take(np.sort(draw.choice(len(rows), min(TRAINING, len(rows)), replace=False)))
    index.train(sample)
    for first in range(0, len(rows), _BLOCK):
        index.add(rows.block(first, first + _BLOCK))
    return Stage(index, len(rows), _misfit(index, sample[:NEWEST]))


def _misfit(index: faiss.IndexPQFastScan, vectors: Floats) -> float:
    codes = index.pq.compute_codes(np.ascontiguousarray(vectors))
    back = np.asarray(index.pq.decode(codes), np.float32)
    return float(np.square(back - vectors).sum(axis=1).mean())


def _one_thread() -> None:
    # A setting of the calling thread: with two on busy cores a search was measured 260 times slower.
    faiss.omp_set_num_threads(1)
