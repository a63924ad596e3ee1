"""What more than one impression of a finger, and more than one finger, add.

Each impression of a finger in turn is the first of an enrolment; the one or two that follow it (the first following the
last) are enrolled with it. The probes are the impressions from the third after it on, so that every row has the same
probes: five a finger and enrolment where there are eight impressions. Non-mated probes are the same impressions of all
other fingers; of sets with more than 20 fingers only the first of them.

* `one`: the first alone. `two/consolidated`, `three/consolidated`: one template of them. `two/best`, `three/best`: each
  compared with the probe, the highest score counts.
* `two_fingers`: pairs of captures of two fingers (each with the next in the set), their log-likelihood ratios by the
  shipped calibration added; `one_finger`: the first of the two alone. Non-mated: with all other couples.
* `consolidate_ms`: CPU time of making one template of three, median. `left_out`: share of the impressions after the
  first that did not match and were left out. `minutiae`: mean number in the enrolled templates.

Rates: `eer`, `fmr1000`. Intervals: 95 %, bootstrap over fingers (over couples for two).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import typer

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json
from benchmarks.common.subjects import finger_of
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import CaptureSet, find_sets
from benchmarks.scores.rates import comparisons_of, mean_results, rate_results
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger
from biometrics.finger.consolidation import Consolidation, consolidate
from biometrics.scoring.calibration import Calibration

RATES = ("eer", "fmr1000")
ENROLLED = {"one": 1, "two": 2, "three": 3}
MANY_FINGERS = 20

Prepared = Mapping[str, PreparedFinger]
Enrolments = Mapping[tuple[str, int], list[str]]


def run(data: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure on all sets in `data`; see the module's text."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    results: list[Result] = []
    for captures in sets:
        own = extract(engine, captures, cache)
        prepared = {name: engine.prepare(template) for name, template in own.items()}
        results += impressions(engine, captures.name, own, prepared) + fingers(engine, captures, prepared)
    for way in dict.fromkeys(row.set.partition("/")[2] for row in results):
        rows = [row for row in results if row.set.partition("/")[2] == way]
        results += mean_results(rows, RATES, name=f"mean/{way}")
    print_table(results)
    if json_path:
        write_json(json_path, "finger-enrolment", results)
    return results


def enrolments(own: Mapping[str, FingerTemplate]) -> Enrolments:
    """(finger, number of the first impression) -> all impressions of the finger from that one on, going round."""
    of_finger: dict[str, list[str]] = {}
    for name in own:
        of_finger.setdefault(finger_of(name), []).append(name)
    return {
        (finger, first): names[first:] + names[:first]
        for finger, names in of_finger.items()
        for first in range(len(names))
        if len(names) > max(ENROLLED.values())
    }


def impressions(engine: FingerEngine, name: str, own: Mapping[str, FingerTemplate], prepared: Prepared) -> list[Result]:
    """The rates with one, two and three impressions enrolled."""
    turns = enrolments(own)
    many = len({finger for finger, _ in turns}) > MANY_FINGERS
    probes: dict[tuple[str, int], list[str]] = {}
    for finger, first in turns:
        for other, start in turns:
            if start == first:
                late = turns[other, start][max(ENROLLED.values()) :]
                probes.setdefault((finger, first), []).extend(late[:1] if many and other != finger else late)
    results = []
    for way, count in ENROLLED.items():
        made = {key: _timed(names[:count], own) for key, names in turns.items()}
        merged, best = [], []
        for key, (made_one, _) in track(made.items(), f"{name}: {way} enrolled"):
            reference = engine.prepare(made_one.template)
            for probe in probes[key]:
                mated = finger_of(probe) == key[0]
                merged.append(ScoreRow(f"{key[0]}_{key[1]}", probe, mated, engine.compare(prepared[probe], reference)))
                highest = max(engine.compare(prepared[probe], prepared[one]) for one in turns[key][:count])
                best.append(ScoreRow(f"{key[0]}_{key[1]}", probe, mated, highest))
        if count == 1:
            results += _rates(f"{name}/{way}", merged)
            continue
        results += _rates(f"{name}/{way}/consolidated", merged) + _costs(f"{name}/{way}/consolidated", count, made)
        results += _rates(f"{name}/{way}/best", best)
    return results


def _timed(names: Sequence[str], own: Mapping[str, FingerTemplate]) -> tuple[Consolidation, float]:
    start = time.thread_time()
    made = consolidate([own[name] for name in names])
    return made, time.thread_time() - start


def _rates(name: str, rows: Sequence[ScoreRow]) -> list[Result]:
    return rate_results(name, comparisons_of(rows, finger_of), metrics=RATES)


def _costs(name: str, count: int, made: Mapping[tuple[str, int], tuple[Consolidation, float]]) -> list[Result]:
    left_out = 1.0 - np.mean([len(one.used) - 1 for one, _ in made.values()]) / (count - 1)
    return [
        Result(name, metric, float(value), None, None, unit, len(made))
        for metric, value, unit in (
            ("consolidate_ms", 1e3 * np.median([seconds for _, seconds in made.values()]), "ms"),
            ("left_out", left_out, FRACTION),
            ("minutiae", np.mean([len(one.template) for one, _ in made.values()]), ""),
        )
    ]


def fingers(engine: FingerEngine, captures: CaptureSet, prepared: Prepared) -> list[Result]:
    """The rates of two fingers together, and of the first of them alone."""
    calibration = Calibration.load(engine.engine)
    of_finger = {
        finger: [name for name in captures.files if finger_of(name) == finger and name in prepared]
        for finger in captures.fingers
    }
    couples = list(zip(captures.fingers[::2], captures.fingers[1::2], strict=False))
    pairs = [(one, one) for one in couples] + list(combinations(couples, 2))
    both, first_alone = [], []
    for one, other in track(pairs, f"{captures.name}: couples of fingers"):
        taken = [list(zip(*(of_finger[finger] for finger in couple), strict=False)) for couple in (one, other)]
        for i, references in enumerate(taken[0]):
            for j, probes in enumerate(taken[1]):
                if one == other and j <= i:
                    continue
                names = zip(references, probes, strict=True)
                scores = np.array([engine.compare(prepared[p], prepared[r]) for r, p in names], np.float32)
                row = (f"{one[0]}_{i}", f"{other[0]}_{j}", one == other)
                both.append(ScoreRow(*row, float(calibration.llr_of(scores).sum())))
                first_alone.append(ScoreRow(*row, float(scores[0])))
    return _rates(f"{captures.name}/one_finger", first_alone) + _rates(f"{captures.name}/two_fingers", both)
