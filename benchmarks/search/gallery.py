"""Search of a face among many (1:N): how fast, how much memory, and whether the best entry is lost on the way.

Entries and probes are drawn as real templates scatter (`gallery_vectors`). Of each set, named by what the probes are:

* `recall_at_1`: share of searches that end with the entry that a comparison with every entry ends with. `mated`: probes
  at the distances of real pairs of one person; `cosine 0.40`: mates so unlike that a stranger often is the best entry,
  which has to be found all the same; `strangers`: probes of nobody. `valid tenth`: as mated, where nine tenths of the
  entries, but no mate, are no longer valid, and are not to be found.
* `score_lost`: by how much the score of the entry that was found was below the best one's, at most.
* `latency_p50_ms`, `latency_p99_ms`: one search at a time, by the clock; `cpu_p50_ms`, `cpu_p99_ms`: processor time of
  the same. `cpu_batch_ms`: of one search of 16 made at once.
* `memory_bytes`: vectors, keys, codes. `resident_bytes`: of the whole process, the interpreter and the benchmark's own
  arrays included. `build_s`: processor time from vectors to the gallery. `adds_per_s`, `removes_per_s`: changes of one
  entry each, by processor time; `bulk_adds_per_s`: 16,384 in one change. `removal_ms`: the slowest removal by the
  clock, after which no search finds the entry. `save_s`, `load_s`: a snapshot, by the clock, the file in the cache of
  the machine.
* `worn`: the same gallery after every fifth entry was removed and as many others, of another camera (all vectors
  moved the same way), were added; then `rebuilt`; `loaded`: as rebuilt, from a mapped snapshot.

All on one thread. Intervals: 95 %, Wilson; of no loss by the rule of 3. Vectors are turned at random, as a replica does
(`biometrics/face/transform.py`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.search.gallery_vectors import Floats, Scatter
from biometrics.gallery import ALWAYS, Entries, Gallery, entries_of, load, save
from biometrics.scoring.support import share_interval

ENGINE = "drawn-1"
BLOCK = 100_000
LOW = 0.40
BATCH = 16
BATCHES = 10
CHANGES = 2_000
BULK = 16_384
TODAY = 20_000
_PAST = TODAY - 1
_MOVED = 0.3


@dataclass(frozen=True)
class World:
    """Who is in the gallery: `size` persons, drawn block by block, the same every time."""

    scatter: Scatter
    size: int
    dimensions: int
    seed: int

    @cached_property
    def turn(self) -> Floats:
        """A rotation (D, D)."""
        drawn = np.random.default_rng([self.seed, 2**35]).standard_normal((self.dimensions, self.dimensions))
        return np.asarray(np.linalg.qr(drawn)[0], np.float32)

    def blocks(self, what: str) -> Iterator[tuple[int, Floats]]:
        """Number of the first person and vectors, as a gallery keeps them, of each block; the progress under `what`."""
        for first in track(range(0, self.size, BLOCK), what):
            draw = np.random.default_rng([self.seed, first, 2])
            yield first, self.kept(self.scatter.persons_of(draw, min(BLOCK, self.size - first), self.dimensions))

    def kept(self, vectors: Floats) -> Floats:
        """Vectors as templates hold them, turned."""
        return np.asarray(vectors @ self.turn, np.float16).astype(np.float32)


@dataclass
class Probes:
    """Searches of one kind, and with whom a comparison with everybody ends: `best` (n,), with `score` (n,).

    `among`: who may be found, everybody if None; `day`: on which.
    """

    name: str
    vectors: Floats
    among: NDArray[np.bool_] | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        self.score = np.full(len(self.vectors), -np.inf, np.float32)
        self.best = np.zeros(len(self.vectors), np.int64)

    def compare(self, first: int, vectors: Floats) -> None:
        """With the entries `first`, `first` + 1, ..."""
        if not len(vectors):
            return
        scores = self.vectors @ vectors.T
        if self.among is not None and first < len(self.among):
            scores[:, ~self.among[first : first + len(vectors)]] = -np.inf
        here = scores.argmax(axis=1)
        value = scores[np.arange(len(scores)), here]
        better = value > self.score
        self.score[better], self.best[better] = value[better], first + here[better]


def run(size: int, dim: int, probes: int, seed: int, json_path: Path | None) -> list[Result]:
    """Measure a gallery of `size` entries of `dim` dimensions; see the module's text."""
    world, draw = World(Scatter.load(), size, dim, seed), np.random.default_rng([seed, 2**32])
    chosen = np.zeros(size, np.bool_)
    chosen[draw.choice(size, min(probes, size), replace=False)] = True
    valid, stay = (draw.random(size) < 0.1) | chosen, (draw.random(size) >= 0.2) | chosen
    gallery, persons, results = build(world, valid, chosen)
    kinds = kinds_of(world, draw, persons, valid, stay)
    for first, vectors in world.blocks("Exact comparison"):
        for kind in kinds:
            kind.compare(first, vectors)
    results.append(_one("gallery", "memory_bytes", gallery.memory_bytes, "bytes", size))
    results.append(_one("gallery", "resident_bytes", psutil.Process().memory_info().rss, "bytes", 1))
    for kind in kinds[:-1]:
        results += searched(gallery, kind.name, kind)
    results += changes(gallery, world) + wear(gallery, world, stay, kinds[-1])
    results += searched(gallery, "worn", kinds[-1])
    gallery = gallery.rebuilt()
    results += searched(gallery, "rebuilt", kinds[-1])
    results += snapshot(gallery, kinds[-1])
    print_table(results, title=f"search among {size:,} faces")
    if json_path:
        write_json(json_path, "gallery", results)
    return results


def kinds_of(
    world: World, draw: np.random.Generator, persons: Floats, valid: NDArray[np.bool_], stay: NDArray[np.bool_]
) -> list[Probes]:
    """The searches of `persons` (n, D), which are not turned; the last are those of the worn gallery."""
    scatter, count = world.scatter, len(persons)

    def mates(cosines: NDArray[np.float64]) -> Floats:
        return np.asarray(scatter.mates_of(draw, persons, cosines) @ world.turn, np.float32)

    alike = mates(scatter.cosines(draw, count))
    nobody = np.asarray(scatter.persons_of(draw, count, world.dimensions) @ world.turn, np.float32)
    return [
        Probes("mated", alike),
        Probes(f"cosine {LOW:.2f}", mates(np.full(count, LOW))),
        Probes("strangers", nobody),
        Probes("valid tenth", alike, valid, TODAY),
        Probes("worn", mates(scatter.cosines(draw, count)), stay),
    ]


def build(world: World, valid: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> tuple[Gallery, Floats, list[Result]]:
    """The gallery, and the `chosen` persons, not turned; the time that drawing the vectors takes is not counted."""
    drawing, persons = 0.0, []

    def entries() -> Iterator[Entries]:
        nonlocal drawing
        before = time.process_time()
        for first, vectors in world.blocks("Gallery"):
            here = slice(first, first + len(vectors))
            persons.append(vectors[chosen[here]] @ world.turn.T)
            until = np.where(valid[here], ALWAYS, _PAST)
            made = entries_of(world.dimensions, first + np.arange(len(vectors)), vectors, until)
            drawing += time.process_time() - before
            yield made
            before = time.process_time()

    start = time.process_time()
    gallery = Gallery.build(ENGINE, entries(), world.size, dimensions=world.dimensions)
    took = time.process_time() - start - drawing
    return gallery, np.concatenate(persons), [_one("gallery", "build_s", took, "s", world.size)]


def searched(gallery: Gallery, name: str, kind: Probes) -> list[Result]:
    """Searches one by one, and 16 at once, against the entry that an exact comparison ends with."""
    probes, count = kind.vectors, len(kind.vectors)
    gallery.search(probes[:2], 1, day=kind.day)
    found, score = np.empty(count, np.int64), np.empty(count, np.float32)
    clock, cpu = np.empty(count), np.empty(count)
    for number in range(count):
        begun, spent = time.perf_counter(), time.thread_time()
        hits = gallery.search(probes[number : number + 1], 10, day=kind.day)
        clock[number], cpu[number] = time.perf_counter() - begun, time.thread_time() - spent
        found[number], score[number] = hits.keys[0, 0], hits.scores[0, 0]
    spent = time.thread_time()
    together = min(count, BATCHES * BATCH)
    for first in range(0, together, BATCH):
        gallery.search(probes[first : min(first + BATCH, together)], 10, day=kind.day)
    timed = {
        "latency_p50_ms": np.quantile(clock, 0.5),
        "latency_p99_ms": np.quantile(clock, 0.99),
        "cpu_p50_ms": np.quantile(cpu, 0.5),
        "cpu_p99_ms": np.quantile(cpu, 0.99),
        "cpu_batch_ms": (time.thread_time() - spent) / together,
    }
    times = [_one(name, metric, 1e3 * float(value), "ms", count) for metric, value in timed.items()]
    right = found == kind.best
    lost = float(np.max(kind.score - score, where=~right, initial=0))
    return [_recall(name, right), _one(name, "score_lost", lost, "score", count), *times]


def snapshot(gallery: Gallery, kind: Probes) -> list[Result]:
    """Saved and loaded, by the clock, and searched as it was loaded."""
    with tempfile.TemporaryDirectory() as folder:
        times = [time.perf_counter()]
        save(gallery, Path(folder))
        times.append(time.perf_counter())
        loaded = load(Path(folder), ENGINE)
        times.append(time.perf_counter())
        found = searched(loaded, "loaded", kind)
    took = np.diff(times).tolist()
    said = [_one("gallery", name, seconds, "s", 1) for name, seconds in zip(("save_s", "load_s"), took, strict=True)]
    return said + found


def changes(gallery: Gallery, world: World) -> list[Result]:
    """Entries added one by one, removed again one by one, and added all in one change."""
    keys = world.size + np.arange(CHANGES + BULK)
    drawn = world.scatter.persons_of(np.random.default_rng([world.seed, 2**34]), len(keys), world.dimensions)
    vectors, slowest = world.kept(drawn), 0.0
    times = [time.process_time()]
    for number, key in enumerate(keys[:CHANGES].tolist()):
        gallery.change(number, keys=[key], vectors=vectors[number : number + 1])
    times.append(time.process_time())
    for number, key in enumerate(keys[:CHANGES].tolist()):
        begun = time.perf_counter()
        gallery.change(CHANGES + number, removed=[key])
        slowest = max(slowest, time.perf_counter() - begun)
    times.append(time.process_time())
    gallery.change(2 * CHANGES, keys=keys[CHANGES:], vectors=vectors[CHANGES:])
    times.append(time.process_time())
    gallery.change(2 * CHANGES + 1, removed=keys[CHANGES:])
    counts = {"adds_per_s": CHANGES, "removes_per_s": CHANGES, "bulk_adds_per_s": BULK}
    rates = zip(counts.items(), np.diff(times).tolist(), strict=True)
    results = [_one("gallery", name, count / took, "/s", count) for (name, count), took in rates]
    return [*results, _one("gallery", "removal_ms", 1e3 * slowest, "ms", CHANGES)]


def wear(gallery: Gallery, world: World, stay: NDArray[np.bool_], kind: Probes) -> list[Result]:
    """The entries that do not `stay` are removed and as many others of another camera added; `kind` learns of these."""
    aside = world.scatter.persons_of(np.random.default_rng([world.seed, 2**36]), 1, world.dimensions)[0]
    key, removed = world.size + CHANGES + BULK, 0
    for first in track(range(0, world.size, BLOCK), "Wear"):
        mine = np.flatnonzero(~stay[first : first + BLOCK])
        fresh = world.scatter.persons_of(np.random.default_rng([world.seed, first, 1]), len(mine), world.dimensions)
        moved = fresh + np.float32(_MOVED) * aside
        added = world.kept(moved / np.linalg.norm(moved, axis=1, keepdims=True))
        kind.compare(key, added)
        gallery.change(0, keys=key + np.arange(len(mine)), vectors=added, removed=first + mine)
        key, removed = key + len(mine), removed + len(mine)
    return [_one("worn", "exchanged", removed, "entries", world.size)]


def _recall(name: str, right: NDArray[np.bool_]) -> Result:
    low, high = share_interval(int(right.sum()), len(right))
    return Result(name, "recall_at_1", float(right.mean()), low, high, FRACTION, len(right))


def _one(name: str, metric: str, value: float, unit: str, count: int) -> Result:
    return Result(name, metric, float(value), None, None, unit, count)
