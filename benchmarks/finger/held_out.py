"""The accurate comparison with weights that have not seen the sensor, or not the fingers, that they are judged on.

* `SET/other_sensors`: the weights are fitted anew on the sets of all other sensors (`fvc2004_db2_b` and `neuro_uareu`
  are of one sensor), then all pairs of the set are compared, as `fingerprint` does.
* `SET/other_fingers`, of the set that the shipped weights were fitted on: five folds of its fingers, each judged by a
  fit on the other four; pairs within a fold, all folds together.
* `SET/shipped`: all pairs with the shipped weights; `SET/no_likeness`: with those of version 1, which did not know the
  surroundings of minutiae.

The fits see fewer non-mated pairs than that of the shipped weights (5,000 and 20,000 instead of 20,000 and 60,000 of a
kind). Tolerances and priors are not fitted and were set with all sets in sight. Rates: `eer`, `fmr1000`. Intervals:
95 %, bootstrap over fingers.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from benchmarks.common.progress import say, track
from benchmarks.common.report import Result, ScoreRow, print_table, write_json
from benchmarks.common.subjects import finger_of
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import find_sets
from benchmarks.finger.weights import FOLDS, LIKENESS, Fingers, Floats, cut, fit
from benchmarks.scores.rates import comparisons_of, mean_results, rate_results
from biometrics.finger import FingerEngine, PreparedFinger, matcher
from biometrics.finger.score import CHANCE_TERMS, EVIDENCE, WEIGHTS

SENSORS = {"fvc2004_db2_b": "uareu", "neuro_uareu": "uareu"}
FITTED_ON = "neuro_uareu"
FEWER = {"non_mated": 5_000, "non_mated_for_chance": 20_000}
RATES = ("eer", "fmr1000")
VERSION_1_CHANCE = (2.2116, 2.2969, -0.22494, 1.3302, -0.11977, 0.010046)
"""Its CHANCE_LEVEL and CHANCE_DECADE; its weights of the pairing's evidence were those of today."""


def run(data: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure on all sets in `data`; see the module's text."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    whole = {
        captures.name: {
            f"{captures.name}-{name}": PreparedFinger.of(template)
            for name, template in extract(engine, captures, cache).items()
        }
        for captures in sets
    }
    version_1 = WEIGHTS.copy()
    version_1[LIKENESS] = 0.0
    version_1[len(EVIDENCE) : len(EVIDENCE) + 2 * CHANCE_TERMS] = VERSION_1_CHANCE
    results = []
    for name, fingers in whole.items():
        results += _rates(f"{name}/shipped", compare(fingers, WEIGHTS, f"{name}: shipped"))
        results += _rates(f"{name}/no_likeness", compare(fingers, version_1, f"{name}: without likeness"))
    for sensor in dict.fromkeys(SENSORS.get(name, name) for name in whole):
        others = {key: one for name in whole if SENSORS.get(name, name) != sensor for key, one in whole[name].items()}
        say(f"A fit on all sensors but {sensor} ...")
        weights = fit(others, cut(others), _fingers(others), **FEWER)
        for name, fingers in whole.items():
            if SENSORS.get(name, name) == sensor:
                results += _rates(f"{name}/other_sensors", compare(fingers, weights, name))
    if FITTED_ON in whole:
        results += _rates(f"{FITTED_ON}/other_fingers", by_fingers(whole[FITTED_ON]))
    for way in ("shipped", "no_likeness", "other_sensors"):
        rows = [row for row in results if row.set.startswith("fvc") and row.set.endswith(f"/{way}")]
        results += mean_results(rows, RATES, name=f"mean/fvc200x/{way}") if rows else []
    print_table(results)
    if json_path:
        write_json(json_path, "finger-held-out", results)
    return results


def by_fingers(whole: Fingers) -> list[ScoreRow]:
    """The scores of pairs within each fold of fingers, by weights fitted on the other folds."""
    names, scraps = _fingers(whole), cut(whole)
    rows: list[ScoreRow] = []
    for fold in range(FOLDS):
        say(f"Fold {fold + 1} of {FOLDS} ...")
        weights = fit(whole, scraps, [name for i, name in enumerate(names) if i % FOLDS != fold], **FEWER)
        unseen = {name for i, name in enumerate(names) if i % FOLDS == fold}
        rows += compare({key: one for key, one in whole.items() if finger_of(key) in unseen}, weights, "unseen")
    return rows


def compare(fingers: Fingers, weights: Floats, what: str) -> list[ScoreRow]:
    """All pairs of captures, each once, the earlier one being the reference."""
    names = list(fingers)
    rows = []
    for place, reference in enumerate(track(names, what)):
        for probe in names[place + 1 :]:
            score = matcher.compare(fingers[probe], fingers[reference], weights).score
            rows.append(ScoreRow(reference, probe, finger_of(reference) == finger_of(probe), score))
    return rows


def _fingers(captures: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(finger_of(name) for name in captures))


def _rates(name: str, rows: list[ScoreRow]) -> list[Result]:
    return rate_results(name, comparisons_of(rows, finger_of), metrics=RATES)
