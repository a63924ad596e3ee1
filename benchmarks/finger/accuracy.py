"""Accuracy and speed of the fingerprint engine on sets of captures `<finger>_<impression>.<ext>`.

All pairs of captures are compared, each once, the earlier one being the reference: those of one finger are mated (28
for eight impressions), those of two fingers non-mated. Set `NAME/fvc` is the protocol of the Fingerprint Verification
Competitions: the same mated pairs, and of the non-mated ones only those of the fingers' first impressions (45 for ten
fingers; Maio et al., "FVC2000", PAMI 24, 2002). Set `mean` is the unweighted mean over the sets, `mean/fvc200x` that
over the sets named `fvc...` where there are others beside them.

* `fta`: captures that were refused as no picture of a finger (unreadable, `no_finger`, `wrong_dpi`); `fte`: captures in
  which too little was found for a template. Every comparison with such a capture counts as rejected, with score 0.
* `extract_ms`: from the file's bytes to the template. `compare_ms`: two templates, both prepared within it.
  `compare_prepared_ms`: both prepared before. CPU time of one thread, medians.

Intervals: 95 %, bootstrap over fingers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import typer

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json, write_scores
from benchmarks.common.subjects import finger_of
from benchmarks.finger.sets import CaptureSet, find_sets
from benchmarks.scores.rates import comparisons_of, mean_results, rate_results
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger

RATES = ("eer", "fmr100", "fmr1000", "zerofmr")
MEANS = (*RATES, "fta", "fte", "extract_ms", "compare_ms", "compare_prepared_ms", "template_bytes")
REJECTED = 0.0
TIMED_PAIRS = 300
NOT_ACQUIRED, NOT_ENROLLED = "fta", "fte"


@dataclass
class Gallery:
    """What became of the captures: a template, or the kind of failure; and the CPU time of each extraction in ms."""

    templates: dict[str, FingerTemplate] = field(default_factory=dict)
    prepared: dict[str, PreparedFinger] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    extract_ms: list[float] = field(default_factory=list)


def run(data: Path, scores: Path | None, json_path: Path | None) -> list[Result]:
    """Measure every set in `data`, print a table, write scores and JSON where asked to; see the module's text.

    With several sets the sample names in `scores` begin with the set's name and an underscore.
    """
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    say("Loading and compiling ...")
    engine = FingerEngine.open()
    engine.warm_up()
    results: list[Result] = []
    rows: list[ScoreRow] = []
    for captures in sets:
        gallery = extract(engine, captures)
        compared = compare(engine, captures, gallery)
        results += measure(engine, captures, gallery, compared)
        prefix = f"{captures.name}_" if len(sets) > 1 else ""
        rows += [ScoreRow(prefix + row.reference, prefix + row.probe, row.mated, row.score) for row in compared]
    results += means(results)
    if scores:
        write_scores(scores, rows)
    print_table(results, title=f"{engine.engine}: {len(rows)} pairs")
    if json_path:
        write_json(json_path, "fingerprint", results)
    return results


def extract(engine: FingerEngine, captures: CaptureSet) -> Gallery:
    """Templates of all captures of a set, on one thread."""
    gallery = Gallery()
    for name, path in track(captures.files.items(), f"{captures.name}: captures", total=len(captures.files)):
        data = path.read_bytes()
        start = time.thread_time()
        try:
            template = engine.extract(data)
        except InvalidImage:
            gallery.failures[name] = NOT_ACQUIRED
        except NotAssessable as error:
            gallery.failures[name] = NOT_ENROLLED if error.reason == "low_quality" else NOT_ACQUIRED
        else:
            gallery.extract_ms.append(1e3 * (time.thread_time() - start))
            gallery.templates[name] = template
            gallery.prepared[name] = engine.prepare(template)
    return gallery


def compare(engine: FingerEngine, captures: CaptureSet, gallery: Gallery) -> list[ScoreRow]:
    """The scores of all pairs, the mated ones first."""
    pairs = [(pair, True) for pair in captures.mated()] + [(pair, False) for pair in captures.non_mated()]
    rows = []
    for (reference, probe), mated in track(pairs, f"{captures.name}: pairs"):
        failed = reference in gallery.failures or probe in gallery.failures
        score = REJECTED if failed else engine.compare(gallery.prepared[probe], gallery.prepared[reference])
        rows.append(ScoreRow(reference, probe, mated, score))
    return rows


def measure(engine: FingerEngine, captures: CaptureSet, gallery: Gallery, rows: Sequence[ScoreRow]) -> list[Result]:
    """All figures of one set, in the order of the project's JSON form."""
    say(f"{captures.name}: drawing fingers for the intervals ...")
    rejecting = [
        ScoreRow(row.reference, row.probe, row.mated, -np.inf)
        if row.reference in gallery.failures or row.probe in gallery.failures
        else row
        for row in rows
    ]
    results = rate_results(captures.name, comparisons_of(rejecting, finger_of), metrics=RATES)
    for metric in (NOT_ACQUIRED, NOT_ENROLLED):
        failed = sum(kind == metric for kind in gallery.failures.values())
        count = len(captures.files)
        results.append(Result(captures.name, metric, failed / count, None, None, FRACTION, count))
    results += costs(engine, captures, gallery)
    first = set(captures.first_impressions())
    fvc = [row for row in rejecting if row.mated or (row.reference in first and row.probe in first)]
    return results + rate_results(f"{captures.name}/fvc", comparisons_of(fvc, finger_of), metrics=RATES)


def costs(engine: FingerEngine, captures: CaptureSet, gallery: Gallery) -> list[Result]:
    """Median CPU times on one thread, and the mean size of a stored template."""
    if not gallery.templates:
        return []
    whole = [pair for pair in captures.mated() + captures.non_mated() if gallery.failures.keys().isdisjoint(pair)]
    sample = whole[:: max(1, len(whole) // TIMED_PAIRS)]
    templates, prepared = gallery.templates, gallery.prepared
    fresh = _median_ms(lambda pair: engine.compare(templates[pair[1]], templates[pair[0]]), sample)
    ready = _median_ms(lambda pair: engine.compare(prepared[pair[1]], prepared[pair[0]]), sample)
    size = float(np.mean([len(template.to_bytes()) for template in templates.values()]))
    return [
        Result(captures.name, metric, value, None, None, unit, n)
        for metric, value, unit, n in (
            ("extract_ms", float(np.median(gallery.extract_ms)), "ms", len(gallery.extract_ms)),
            ("compare_ms", fresh, "ms", len(sample)),
            ("compare_prepared_ms", ready, "ms", len(sample)),
            ("template_bytes", size, "bytes", len(templates)),
        )
        if n
    ]


def _median_ms(work: Callable[[tuple[str, str]], float], pairs: Sequence[tuple[str, str]]) -> float:
    times = []
    for pair in pairs:
        start = time.thread_time()
        work(pair)
        times.append(1e3 * (time.thread_time() - start))
    return float(np.median(times)) if times else 0.0


def means(results: Sequence[Result]) -> list[Result]:
    """The means over all sets, and over those of the competitions where there are others; none for a single set."""
    whole = [row for row in results if "/" not in row.set]
    names = list(dict.fromkeys(row.set for row in whole))
    competition = [row for row in whole if row.set.startswith("fvc")]
    found = mean_results(whole, MEANS) if len(names) > 1 else []
    if len({row.set for row in competition}) not in {0, 1, len(names)}:
        found += mean_results(competition, MEANS, name="mean/fvc200x")
    return found
