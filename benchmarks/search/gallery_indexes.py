"""Which first stage for a search among many faces? FAISS's indexes and this project's codes, side by side.

The entries and probes of `gallery`. Each index hands so many entries on as its name says, which are compared exactly in
half precision, so that what is lost is lost by the index. Of each, searches one at a time, on one thread:

* `recall_mated`, `recall_cosine 0.40`: share that end with the entry that a comparison with every entry ends with.
* `cpu_p50_ms`, `cpu_p99_ms`: processor time of a search, the exact comparison included, of both kinds together.
* `build_s`: processor time from vectors to the index. `bytes_per_entry`: of the codes and what leads to them, without
  the vectors of the exact comparison.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.search.gallery import Probes, World, kinds_of
from benchmarks.search.gallery_vectors import Floats, Scatter
from biometrics.gallery.codes import Codes
from biometrics.gallery.rows import Precision, Rows
from biometrics.scoring.support import share_interval

Search = Callable[[Floats], NDArray[np.int64]]
TRAINING = 65_536
LISTS, LOOKED_IN = 1_024, 256
LINKS, CONSTRUCTION, WIDTH = 16, 40, 256
IP = faiss.METRIC_INNER_PRODUCT


def run(size: int, dim: int, probes: int, seed: int, json_path: Path | None) -> list[Result]:
    """Measure each index with `size` entries; see the module's text."""
    faiss.omp_set_num_threads(1)
    world, draw = World(Scatter.load(), size, dim, seed), np.random.default_rng([seed, 2**32])
    chosen = np.zeros(size, np.bool_)
    chosen[draw.choice(size, probes, replace=False)] = True
    rows, vectors = Rows(dim, Precision.HALF), np.empty((size, dim), np.float32)
    for first, block in world.blocks("Entries"):
        vectors[first : first + len(block)] = block
        rows.append(block)
    kinds = kinds_of(world, draw, vectors[chosen] @ world.turn.T, chosen, chosen)[:2]
    for first in track(range(0, size, 100_000), "Exact comparison"):
        for kind in kinds:
            kind.compare(first, vectors[first : first + 100_000])
    results: list[Result] = []
    for name, made in candidates(dim).items():
        results += measured(name, made, vectors, rows, kinds)
    print_table(results, title=f"indexes of {size:,} faces")
    if json_path:
        write_json(json_path, "gallery-indexes", results)
    return results


def candidates(dim: int) -> dict[str, Callable[[Floats], tuple[Search, int]]]:
    """What builds each index, from all vectors to a search and its bytes."""
    eighth = faiss.ScalarQuantizer.QT_8bit

    def lists() -> faiss.Index:
        index = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, LISTS, dim // 2, 4, IP)
        index.nprobe = LOOKED_IN
        return index

    def graph() -> faiss.Index:
        index = faiss.IndexHNSWSQ(dim, eighth, LINKS, IP)
        index.hnsw.efConstruction, index.hnsw.efSearch = CONSTRUCTION, WIDTH
        return index

    def bits() -> faiss.Index:
        index = faiss.IndexRaBitQ(dim, IP)
        index.qb = 4
        return index

    return {
        "exact, 32 bits": _of(lambda: faiss.IndexFlatIP(dim), 10),
        "8 bits, 100": _of(lambda: faiss.IndexScalarQuantizer(dim, eighth, IP), 100),
        f"PQ {dim // 2} x 4 fast scan, 1,000": _of(lambda: faiss.IndexPQFastScan(dim, dim // 2, 4, IP), 1_000),
        f"PQ {dim // 4} x 4 fast scan, 20,000": _of(lambda: faiss.IndexPQFastScan(dim, dim // 4, 4, IP), 20_000),
        "RaBitQ, 20,000": _of(bits, 20_000),
        "RaBitQ fast scan, 20,000": _of(lambda: faiss.IndexRaBitQFastScan(dim, IP), 20_000),
        f"IVF {LISTS:,}, {LOOKED_IN} looked in, PQ {dim // 2} x 4, 1,000": _of(lists, 1_000),
        f"HNSW {LINKS}, width {WIDTH}, 8 bits, 100": _of(graph, 100),
        "this gallery's codes": _codes,
    }


def measured(
    name: str, made: Callable[[Floats], tuple[Search, int]], vectors: Floats, rows: Rows, kinds: list[Probes]
) -> list[Result]:
    """Build, search, count."""
    start = time.process_time()
    search, size = made(vectors)
    took = time.process_time() - start
    times, results = [], []
    for kind in kinds:
        found = []
        for query in kind.vectors:
            spent = time.thread_time()
            positions = np.sort(search(query))
            found.append(positions[rows.scores(query, positions).argmax()])
            times.append(time.thread_time() - spent)
        right = np.array(found) == kind.best
        low, high = share_interval(int(right.sum()), len(right))
        results.append(Result(name, f"recall_{kind.name}", float(right.mean()), low, high, FRACTION, len(right)))
    count = len(times)
    for metric, share in (("cpu_p50_ms", 0.5), ("cpu_p99_ms", 0.99)):
        results.append(Result(name, metric, 1e3 * float(np.quantile(times, share)), None, None, "ms", count))
    results.append(Result(name, "build_s", took, None, None, "s", len(vectors)))
    return [*results, Result(name, "bytes_per_entry", size / len(vectors), None, None, "bytes", len(vectors))]


def _of(empty: Callable[[], faiss.Index], shortlist: int) -> Callable[[Floats], tuple[Search, int]]:
    def made(vectors: Floats) -> tuple[Search, int]:
        index = empty()
        if not index.is_trained:
            draw = np.random.default_rng(1)
            index.train(vectors[draw.choice(len(vectors), min(TRAINING, len(vectors)), replace=False)])
        for first in range(0, len(vectors), 100_000):
            index.add(vectors[first : first + 100_000])
        count = min(shortlist, len(vectors))

        def search(query: Floats) -> NDArray[np.int64]:
            positions = index.search(query[None], count)[1][0]
            return np.asarray(positions[positions >= 0], np.int64)

        return search, len(faiss.serialize_index(index))

    return made


def _codes(vectors: Floats) -> tuple[Search, int]:
    codes, until = Codes(vectors.shape[1]), np.zeros(len(vectors), np.int32)
    codes.reserve(len(vectors))
    for first in range(0, len(vectors), 100_000):
        codes.append(vectors[first : first + 100_000])
    return lambda query: codes.search(query, 10, until, 0), codes.nbytes
