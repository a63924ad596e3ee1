"""Sketches of fingers (`biometrics.finger.sketch`): how well they tell strangers apart, and what they cost.

All mated pairs of a set and all pairs of different fingers, as in `fingerprint`. `fnmr_at_fmr_F`: share of mated pairs
below the likeness that a share F of the others reaches, the first for which there are 30 such pairs or more.
`sketch_ms`, `compare_us`: CPU time of one thread. `--scores DIR` writes `scores_SET.csv`, of which `calibrate` makes
`biometrics/duplicates/sketch.json`.
"""

from __future__ import annotations

import time
from itertools import combinations
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json, write_scores
from benchmarks.common.resampling import share_interval
from benchmarks.common.subjects import finger_of
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import find_sets
from biometrics.finger import FingerEngine
from biometrics.finger.sketch import Sketches, alike, sketch

RATES = (0.01, 0.001)


def run(data: Path, cache: Path | None, scores: Path | None, json_path: Path | None) -> list[Result]:
    """Measure each set in `data`; see the module's text."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    results = []
    for captures in sets:
        templates = extract(engine, captures, cache)
        names = list(templates)
        sketch(templates[names[0]])
        start = time.thread_time()
        rows = [sketch(templates[name]) for name in names]
        sketch_s = (time.thread_time() - start) / len(names)
        sketches = Sketches(np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]))
        places = np.array(list(combinations(range(len(names)), 2)), np.int64)
        fingers = np.array([finger_of(name) for name in names])
        mated = fingers[places[:, 0]] == fingers[places[:, 1]]
        found = np.empty(len(places), np.float32)
        alike(sketches, sketches, places[:1], found)
        start = time.thread_time()
        alike(sketches, sketches, places, found)
        compare_s = (time.thread_time() - start) / len(places)
        results += _rates(captures.name, fingers[places[mated, 0]], found[mated], found[~mated])
        results.append(Result(captures.name, "sketch_ms", 1e3 * sketch_s, None, None, "ms", len(names)))
        results.append(Result(captures.name, "compare_us", 1e6 * compare_s, None, None, "us", len(places)))
        if scores is not None:
            pairs = zip(places.tolist(), mated.tolist(), found.tolist(), strict=True)
            lines = (ScoreRow(names[a], names[b], same, score) for (a, b), same, score in pairs)
            write_scores(scores / f"scores_{captures.name}.csv", lines)
    print_table(results, title="sketches of fingers")
    if json_path:
        write_json(json_path, "finger-sketch", results)
    return results


def _rates(
    name: str, fingers: NDArray[np.str_], mated: NDArray[np.float32], others: NDArray[np.float32]
) -> list[Result]:
    results = []
    for rate in RATES:
        if rate * len(others) < 30:
            continue
        missed = mated < np.quantile(others, 1 - rate)
        low, high = share_interval(missed, fingers.tolist()) or (None, None)
        results.append(Result(name, f"fnmr_at_fmr_{rate:g}", float(missed.mean()), low, high, FRACTION, len(missed)))
    return results
