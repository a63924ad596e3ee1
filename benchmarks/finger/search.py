"""Search among many fingers (1:N): what the first stage finds, what the whole search finds, speed and memory.

Every capture of every set is searched for among the captures of all *other* fingers of all sets, synthetic fill, and
one other capture of its own finger, its mate: once for each of the mates.

* `recall_1`, `recall_10`, `recall_20`: share of these searches in which fewer than 1, 10, 20 others are ranked above
  or beside the mate by the first stage. `found_first`: share in which the whole search, the accurate comparison of the
  first stage's best 20, ends with the mate above all others.
* `eer`, `fmr100`, `fmr1000` of `SET/first_stage`: its likeness taken as a score, pairs as in `fingerprint`.
* `comparisons_per_s`: the first stage's, by the CPU time of one thread. `speed_up_2`: how many times faster two threads
  are than one by the clock, the fastest of several turns of each. `prepare_ms`: for one reference of the gallery.
  `search_ms`: a whole search, CPU time of one thread, median; the probe's preparation is in it. `reference_bytes`:
  memory that the first stage takes for a reference, its template apart.
* `fresh_process/...`: in a new process with kept machine code: `import_ms` of the engine, `warm_up_ms` of its
  `warm_up`, then the first and the next extraction, and the first and the next search among a hundred references; CPU
  time. `memory_warm`, `memory_used`: the most memory that the process held, before and after these.

Intervals: 95 %, bootstrap over fingers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json
from benchmarks.common.resampling import share_interval
from benchmarks.common.subjects import finger_of
from benchmarks.finger.fill import fill
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import CaptureSet, find_sets
from benchmarks.scores.rates import comparisons_of, rate_results
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger
from biometrics.finger.parameters import SHORTLIST
from biometrics.finger.search import Gallery

RANKS = (1, 10, 20)
RATES = ("eer", "fmr100", "fmr1000")
TIMED = 20
TURNS = 60

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """One search: the probe's finger, how many others are at or above the mate, and whether the search ends with it."""

    finger: str
    above: int
    first: bool


def run(data: Path, references: int, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure on all sets in `data`, the gallery filled up to `references`; see the module's text."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    own = {captures.name: extract(engine, captures, cache) for captures in sets}
    named = {(one.name, capture): own[one.name][capture] for one in sets for capture in own[one.name]}
    filling = fill(engine, max(0, references - len(named)), cache)
    gallery = Gallery.of([*named.values(), *filling])
    fingers = np.array([f"{name}/{finger_of(capture)}" for name, capture in named] + [""] * len(filling))
    results = []
    for captures in sets:
        results += measure(engine, captures, own[captures.name], gallery, fingers, list(named))
    probes = list(named.values())[:: max(1, len(named) // TIMED)]
    results += speed(engine, probes, gallery) + fresh_process()
    print_table(results, title=f"search among {len(gallery):,}")
    if json_path:
        write_json(json_path, "finger-search", results)
    return results


def measure(
    engine: FingerEngine,
    captures: CaptureSet,
    own: Mapping[str, FingerTemplate],
    gallery: Gallery,
    fingers: NDArray[np.str_],
    names: Sequence[tuple[str, str]],
) -> list[Result]:
    """The figures of one set's probes; `names` are those of the gallery's first references."""
    place = {capture: index for index, (name, capture) in enumerate(names) if name == captures.name}
    searches: list[Found] = []
    likeness: dict[str, Floats] = {}
    for capture, template in track(own.items(), f"{captures.name}: searches"):
        probe = engine.prepare(template)
        likeness[capture] = gallery.likenesses(probe)
        searches += search_all(engine, probe, place[capture], likeness[capture], fingers, gallery)
    names_of = [one.finger for one in searches]
    above = np.array([one.above for one in searches])
    results = [_share(captures.name, f"recall_{rank}", above < rank, names_of) for rank in RANKS]
    results.append(_share(captures.name, "found_first", np.array([one.first for one in searches]), names_of))
    rows = [
        ScoreRow(reference, probe, mated, float(likeness[probe][place[reference]]))
        for mated, pairs in ((True, captures.mated()), (False, captures.non_mated()))
        for reference, probe in pairs
        if probe in likeness and reference in place
    ]
    return results + rate_results(f"{captures.name}/first_stage", comparisons_of(rows, finger_of), metrics=RATES)


def search_all(
    engine: FingerEngine, probe: PreparedFinger, at: int, likeness: Floats, fingers: NDArray[np.str_], gallery: Gallery
) -> list[Found]:
    """The searches for the probe, the gallery's capture number `at`, with each of its mates."""
    mates = np.flatnonzero(fingers == fingers[at])
    others = np.flatnonzero(fingers != fingers[at])
    best = others[np.argsort(-likeness[others], kind="stable")[:SHORTLIST]]
    highest = [engine.compare(probe, gallery.templates[index]) for index in best]
    found = []
    for mate in mates[mates != at].tolist():
        above = int(np.count_nonzero(likeness[others] >= likeness[mate]))
        score = engine.compare(probe, gallery.templates[mate])
        first = above < SHORTLIST and score > max(highest[: SHORTLIST - 1], default=-1.0)
        found.append(Found(str(fingers[at]), above, first))
    return found


def _share(name: str, metric: str, good: NDArray[np.bool_], fingers: Sequence[str]) -> Result:
    low, high = share_interval(good, fingers) or (None, None)
    return Result(name, metric, float(good.mean()), low, high, FRACTION, len(good))


def speed(engine: FingerEngine, probes: Sequence[FingerTemplate], gallery: Gallery) -> list[Result]:
    """How long things take with this gallery, and how much memory."""
    prepared = [engine.prepare(one) for one in probes]
    one_thread = _cpu_s(gallery.likenesses, prepared)
    turns = [[_clock_s(prepared[0], gallery, threads) for threads in (1, 2)] for _ in range(TURNS)]
    alone, together = np.min(turns, axis=0)
    some = gallery.templates[:200]
    start = time.thread_time()
    Gallery.of(some)
    preparing = (time.thread_time() - start) / len(some)
    whole = _cpu_s(lambda probe: gallery.search(engine.prepare(probe)), probes)
    rows = (
        ("references", len(gallery), "", 1),
        ("comparisons_per_s", len(gallery) / one_thread, "1/s", len(prepared)),
        ("speed_up_2", alone / together, "times", TURNS),
        ("prepare_ms", 1e3 * preparing, "ms", len(some)),
        ("search_ms", 1e3 * whole, "ms", len(probes)),
        ("reference_bytes", gallery.bytes_per_reference, "bytes", len(gallery)),
    )
    return [Result("gallery", metric, float(value), None, None, unit, n) for metric, value, unit, n in rows]


def _cpu_s(work: Callable[[Any], object], probes: Sequence[Any]) -> float:
    times = []
    for probe in probes:
        start = time.thread_time()
        work(probe)
        times.append(time.thread_time() - start)
    return float(np.median(times))


def _clock_s(probe: PreparedFinger, gallery: Gallery, threads: int) -> float:
    start = time.perf_counter()
    gallery.likenesses(probe, threads=threads)
    return time.perf_counter() - start


FRESH = """
import json, resource, time
start = time.process_time()
from biometrics.finger import FingerEngine
from biometrics.finger.search import Gallery
from biometrics.finger.synthesis import generate
imported = time.process_time()
engine = FingerEngine.open()
engine.warm_up()
warm = time.process_time()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = {"import_ms": imported - start, "warm_up_ms": warm - imported}
picture = generate(1)
for name in ("first_extract_ms", "next_extract_ms"):
    before = time.process_time()
    template = engine.extract_pixels(picture)
    found[name] = time.process_time() - before
for name in ("first_search_ms", "next_search_ms"):
    before = time.process_time()
    Gallery.of([template] * 100).search(engine.prepare(template))
    found[name] = time.process_time() - before
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"ms": {name: 1e3 * value for name, value in found.items()},
                  "MiB": {"memory_warm": memory / 1024, "memory_used": after / 1024}}))
"""


def fresh_process() -> list[Result]:
    """What a new process waits for, the machine code being kept from this one."""
    say("A fresh process ...")
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)  # noqa: S603
    found = json.loads(done.stdout)
    return [
        Result("fresh_process", metric, value, None, None, unit, 1)
        for unit, values in found.items()
        for metric, value in values.items()
    ]
