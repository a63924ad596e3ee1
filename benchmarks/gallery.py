"""Search of a face among many (1:N): how fast, how much memory, and whether the best entry is lost on the way.

Entries and probes are drawn as real templates scatter (`gallery_vectors`). Of each set, named by what the probes are:

* `recall_at_1`: share of searches that end with the entry that a comparison with every entry ends with. `mated`: probes
  at the distances of real pairs of one person; `cosine 0.40`: mates so unlike that a stranger often is the best entry,
  which has to be found all the same; `strangers`: probes of nobody. `valid tenth`: as mated, where nine tenths of the
  entries, but no mate, are no longer valid, and are not to be found.
* `latency_p50_ms`, `latency_p99_ms`: one search at a time, by the clock; `cpu_p50_ms`, `cpu_p99_ms`: processor time of
  the same. `cpu_batch_ms`: of one search of 16 made at once.
* `memory_bytes`: vectors, keys, codes. `build_s`: processor time from vectors to the gallery. `adds_per_s`,
  `removes_per_s`: changes of one entry each, by processor time. `save_s`, `load_s`: a snapshot, by the clock, the file
  in the cache of the machine.
* `worn`: the same gallery after every fifth entry was removed and as many others, of another camera (all vectors
  moved the same way), were added, without a new codebook; `drift` as `Gallery.condition` tells; then `rebuilt`.

All on one thread. Intervals: 95 %, Wilson; of no loss by the rule of 3.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.gallery_vectors import Floats, Scatter
from benchmarks.progress import track
from benchmarks.report import FRACTION, Result, print_table, write_json
from biometrics.gallery import ALWAYS, Entries, Gallery, entries_of, load, save
from biometrics.scoring.support import share_interval

ENGINE = "drawn-1"
BLOCK = 100_000
LOW = 0.40
BATCH = 16
CHANGES = 2_000
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

    def blocks(self, what: str | None = None) -> Iterator[tuple[int, Floats]]:
        """Number of the first person and vectors of each block, of which the progress is shown under `what`."""
        starts = range(0, self.size, BLOCK)
        for first in starts if what is None else track(starts, what):
            draw = np.random.default_rng([self.seed, first, 2])
            yield first, self.scatter.persons_of(draw, min(BLOCK, self.size - first), self.dimensions)

    def persons(self, numbers: NDArray[np.int64]) -> Floats:
        """The vectors of some persons."""
        found = np.empty((len(numbers), self.dimensions), np.float32)
        for first, vectors in self.blocks():
            mine = (numbers >= first) & (numbers < first + len(vectors))
            found[mine] = vectors[numbers[mine] - first]
        return found

    def best(self, probes: Floats, among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The person most like each of `probes`, compared with everybody; `among` leaves only some."""
        best, number = np.full(len(probes), -np.inf, np.float32), np.zeros(len(probes), np.int64)
        for first, vectors in self.blocks("Exact comparison"):
            scores = probes @ _kept(vectors).T
            if among is not None:
                scores[:, ~among[first : first + len(vectors)]] = -np.inf
            here = scores.argmax(axis=1)
            value = scores[np.arange(len(probes)), here]
            better = value > best
            best[better], number[better] = value[better], first + here[better]
        return number


def run(size: int, dim: int, probes: int, seed: int, json_path: Path | None) -> list[Result]:
    """Measure a gallery of `size` entries of `dim` dimensions; see the module's text."""
    world = World(Scatter.load(), size, dim, seed)
    draw = np.random.default_rng([seed, 2**32])
    numbers = draw.choice(size, min(probes, size), replace=False).astype(np.int64)
    persons = world.persons(numbers)
    sets = {
        "mated": world.scatter.mates_of(draw, persons, world.scatter.cosines(draw, len(persons))),
        f"cosine {LOW:.2f}": world.scatter.mates_of(draw, persons, np.full(len(persons), LOW)),
        "strangers": world.scatter.persons_of(draw, len(persons), dim),
    }
    valid = np.random.default_rng([seed, 2**33]).random(size) < 0.1
    valid[numbers] = True
    gallery, results = build(world, valid)
    results.append(_one("gallery", "memory_bytes", gallery.memory_bytes, "bytes", size))
    for name, of in sets.items():
        results += searched(gallery, name, of, world.best(of))
    results += searched(gallery, "valid tenth", sets["mated"], world.best(sets["mated"], valid), day=TODAY)
    results += snapshot(gallery) + changes(gallery, world) + wear(gallery, world, persons, numbers, draw)
    print_table(results, title=f"search among {size:,} faces")
    if json_path:
        write_json(json_path, "gallery", results)
    return results


def build(world: World, valid: NDArray[np.bool_]) -> tuple[Gallery, list[Result]]:
    """The gallery; the time that drawing the vectors takes is no part of it."""
    drawing = 0.0

    def entries() -> Iterator[Entries]:
        nonlocal drawing
        before = time.process_time()
        for first, vectors in world.blocks("Gallery"):
            until = np.where(valid[first : first + len(vectors)], ALWAYS, _PAST)
            made = entries_of(world.dimensions, first + np.arange(len(vectors)), _kept(vectors), until)
            drawing += time.process_time() - before
            yield made
            before = time.process_time()

    start = time.process_time()
    gallery = Gallery.build(ENGINE, entries(), world.size, dimensions=world.dimensions)
    return gallery, [_one("gallery", "build_s", time.process_time() - start - drawing, "s", world.size)]


def searched(
    gallery: Gallery, name: str, probes: Floats, best: NDArray[np.int64], day: int | None = None
) -> list[Result]:
    """Searches one by one, and 16 at once, against the entry that an exact comparison ends with."""
    gallery.search(probes[:2], 1, day=day)
    found = np.empty(len(probes), np.int64)
    clock, cpu = np.empty(len(probes)), np.empty(len(probes))
    for number in range(len(probes)):
        begun, spent = time.perf_counter(), time.thread_time()
        hits = gallery.search(probes[number : number + 1], 10, day=day)
        clock[number], cpu[number] = time.perf_counter() - begun, time.thread_time() - spent
        found[number] = hits.keys[0, 0]
    spent = time.thread_time()
    for first in range(0, len(probes), BATCH):
        gallery.search(probes[first : first + BATCH], 10, day=day)
    batch = (time.thread_time() - spent) / len(probes)
    timed = {
        "latency_p50_ms": np.quantile(clock, 0.5),
        "latency_p99_ms": np.quantile(clock, 0.99),
        "cpu_p50_ms": np.quantile(cpu, 0.5),
        "cpu_p99_ms": np.quantile(cpu, 0.99),
        "cpu_batch_ms": batch,
    }
    times = [_one(name, metric, 1e3 * float(value), "ms", len(probes)) for metric, value in timed.items()]
    return [_recall(name, found == best), *times]


def snapshot(gallery: Gallery) -> list[Result]:
    """Saved and loaded, by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        times = [time.perf_counter()]
        save(gallery, Path(folder))
        times.append(time.perf_counter())
        load(Path(folder), ENGINE)
        times.append(time.perf_counter())
    took = np.diff(times).tolist()
    return [_one("gallery", name, seconds, "s", 1) for name, seconds in zip(("save_s", "load_s"), took, strict=True)]


def changes(gallery: Gallery, world: World) -> list[Result]:
    """Entries added one by one, and removed again one by one."""
    keys = world.size + np.arange(CHANGES)
    vectors = world.scatter.persons_of(np.random.default_rng([world.seed, 2**34]), CHANGES, world.dimensions)
    start = time.process_time()
    for number, key in enumerate(keys.tolist()):
        gallery.change(number, keys=[key], vectors=vectors[number : number + 1])
    between = time.process_time()
    for number, key in enumerate(keys.tolist()):
        gallery.change(CHANGES + number, removed=[key])
    rates = {"adds_per_s": between - start, "removes_per_s": time.process_time() - between}
    return [_one("gallery", name, CHANGES / took, "/s", CHANGES) for name, took in rates.items()]


def wear(
    gallery: Gallery, world: World, persons: Floats, numbers: NDArray[np.int64], draw: np.random.Generator
) -> list[Result]:
    """A fifth of the entries, but none of `persons`, removed, and as many others of another camera added."""
    gone = draw.random(world.size) < 0.2
    gone[numbers] = False
    aside = world.scatter.persons_of(draw, 1, world.dimensions)[0]
    added: list[Floats] = []
    for first, vectors in world.blocks("Wear"):
        mine = np.flatnonzero(gone[first : first + len(vectors)])
        fresh = world.scatter.persons_of(np.random.default_rng([world.seed, first, 1]), len(mine), world.dimensions)
        moved = fresh + np.float32(_MOVED) * aside
        added.append(_kept(moved / np.linalg.norm(moved, axis=1, keepdims=True)))
        keys = world.size + CHANGES + sum(map(len, added[:-1])) + np.arange(len(mine))
        gallery.change(0, keys=keys, vectors=added[-1], removed=first + mine)
    newcomers = np.concatenate(added)
    probes = world.scatter.mates_of(draw, persons, world.scatter.cosines(draw, len(persons)))
    truth = np.where(gone, -1, np.arange(world.size))
    best = world.best(probes, truth >= 0)
    mine = (probes * _kept(world.persons(best))).sum(axis=1)
    theirs, which = _best_of(probes, newcomers)
    best = np.where(theirs > mine, world.size + CHANGES + which, best)
    results = [_one("worn", "drift", gallery.condition().drift, "times", world.size)]
    results += searched(gallery, "worn", probes, best)
    return results + searched(gallery.rebuilt(), "rebuilt", probes, best)


def _best_of(probes: Floats, vectors: Floats) -> tuple[Floats, NDArray[np.int64]]:
    best, number = np.full(len(probes), -np.inf, np.float32), np.zeros(len(probes), np.int64)
    for first in range(0, len(vectors), BLOCK):
        scores = probes @ vectors[first : first + BLOCK].T
        here = scores.argmax(axis=1)
        value = scores[np.arange(len(probes)), here]
        better = value > best
        best[better], number[better] = value[better], first + here[better]
    return best, number


def _kept(vectors: Floats) -> Floats:
    """As a template holds them."""
    return vectors.astype(np.float16).astype(np.float32)


def _recall(name: str, right: NDArray[np.bool_]) -> Result:
    low, high = share_interval(int(right.sum()), len(right))
    return Result(name, "recall_at_1", float(right.mean()), low, high, FRACTION, len(right))


def _one(name: str, metric: str, value: float, unit: str, count: int) -> Result:
    return Result(name, metric, float(value), None, None, unit, count)
