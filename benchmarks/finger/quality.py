"""Whether the quality of a capture predicts error, and what asking for the best finger first brings.

The threshold of each set is that of FMR 0.1 % among all its captures, and stays. The captures of lowest quality are
discarded, a growing share of each set, and the FNMR of the mated pairs that are left is taken ("error versus discard
characteristic", P. Grother and E. Tabassi, "Performance of biometric quality measures", PAMI 29, 2007). Of captures of
one quality those that come first by name go first. Nothing is fitted.

* `fnmr_discard_0` .. `fnmr_discard_30`: FNMR with that many per cent of the captures discarded. `cut_10`: by how much
  discarding 10 % lowers the FNMR, of the mean over the sets.
* `rank_correlation`: Spearman's, between the scores of mated pairs and the lower of their two qualities.
* `score_best_finger`, `score_any_finger`, `score_worst_finger`: mean score of mated pairs whose reference is the first
  impression of the finger that `best_finger_first` puts first, of any, and of the one it puts last; people with several
  fingers only.

Intervals: 95 %, bootstrap over fingers. `--picture` draws the curves at every per cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import typer
from numpy.typing import ArrayLike, NDArray

from api.evaluation.style import COLOURS, LINES, drawing, finished
from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.common.resampling import share_interval
from benchmarks.common.subjects import finger_of, person_of
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import CaptureSet, find_sets
from benchmarks.scores.rates import mean_results
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.quality import best_finger_first
from biometrics.scoring.rates import Curve

DISCARDED = (0, 1, 2, 5, 10, 15, 20, 30)
DRAWN = tuple(range(31))
FMR = 1e-3

Scores = Mapping[tuple[str, str], float]


def run(data: Path, cache: Path | None, json_path: Path | None, picture: Path | None = None) -> list[Result]:
    """Measure on all sets in `data`; see the module's text."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    results = []
    drawn: dict[str, list[float]] = {}
    for captures in sets:
        own = extract(engine, captures, cache)
        mated, threshold = compare(engine, captures, own)
        results += curve(captures.name, own, mated, threshold)
        results += best_finger(captures.name, own, mated)
        drawn[captures.name] = [fnmr(own, mated, threshold, percent)[0] for percent in DRAWN]
    results += means(results)
    print_table(results)
    if json_path:
        write_json(json_path, "finger-quality", results)
    if picture:
        picture.write_bytes(draw(drawn))
    return results


def compare(engine: FingerEngine, captures: CaptureSet, own: Mapping[str, FingerTemplate]) -> tuple[Scores, float]:
    """The scores of the mated pairs, (reference, probe) -> score, and the threshold at FMR 0.1 %."""
    prepared = {name: engine.prepare(template) for name, template in own.items()}
    both = [
        {
            pair: engine.compare(prepared[pair[1]], prepared[pair[0]])
            for pair in track(pairs, f"{captures.name}: pairs")
            if pair[0] in prepared and pair[1] in prepared
        }
        for pairs in (captures.mated(), captures.non_mated())
    ]
    return both[0], Curve.of(list(both[0].values()), list(both[1].values())).threshold_at_fmr(FMR)


def discarded(own: Mapping[str, FingerTemplate], percent: float) -> set[str]:
    """The captures of lowest quality, that share of all (rounded down)."""
    worst_first = sorted(own, key=lambda name: (own[name].quality, name))
    return set(worst_first[: int(len(worst_first) * percent / 100)])


def curve(name: str, own: Mapping[str, FingerTemplate], mated: Scores, threshold: float) -> list[Result]:
    """FNMR against the share that was discarded, and the rank correlation."""
    results = []
    for percent in DISCARDED:
        rate, rejected, fingers = fnmr(own, mated, threshold, percent)
        low, high = share_interval(rejected, fingers) or (None, None)
        results.append(Result(name, f"fnmr_discard_{percent}", rate, low, high, FRACTION, len(fingers)))
    lower = [min(own[first].quality, own[second].quality) for first, second in mated]
    found = float(np.corrcoef(ranks(lower), ranks(list(mated.values())))[0, 1])
    results.append(Result(name, "rank_correlation", found, None, None, "", len(mated)))
    return results


def fnmr(
    own: Mapping[str, FingerTemplate], mated: Scores, threshold: float, percent: float
) -> tuple[float, NDArray[np.bool_], list[str]]:
    """The FNMR of the pairs left when so many per cent are discarded; which of them are rejected; their fingers."""
    gone = discarded(own, percent)
    left = [pair for pair in mated if gone.isdisjoint(pair)]
    rejected = np.array([mated[pair] < threshold for pair in left], np.bool_)
    return (float(rejected.mean()) if left else 0.0), rejected, [finger_of(pair[0]) for pair in left]


def draw(curves: Mapping[str, Sequence[float]]) -> bytes:
    """A PNG of the sets' FNMR at the shares DRAWN, and of their mean."""
    made, axes = drawing()
    for number, (name, rates) in enumerate(curves.items()):
        colour, line = COLOURS[number % (len(COLOURS) - 1)], LINES[1 + number % (len(LINES) - 1)]
        axes.plot(DRAWN, 100 * np.asarray(rates), color=colour, linestyle=line, linewidth=1.2, label=name)
    if len(curves) > 1:
        mean = 100 * np.mean(list(curves.values()), axis=0)
        axes.plot(DRAWN, mean, color=COLOURS[-1], linewidth=2.2, label=f"mean of the {len(curves)} sets")
        axes.plot(
            DRAWN, np.full(len(DRAWN), 0.75 * mean[0]), ":", color="#555555", label="a quarter less than the mean"
        )
    axes.set(
        xlabel="captures of lowest quality discarded, %", ylabel="FNMR of the rest at the threshold\nof FMR 0.1 %, %"
    )
    axes.set(ylim=(0, None), xlim=(0, DRAWN[-1]))
    return finished(made, "finger_discard", "").png


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """The ranks of values (n,), from 0; equal ones share the mean of theirs."""
    _, number, count = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[number], np.float64)


def best_finger(name: str, own: Mapping[str, FingerTemplate], mated: Scores) -> list[Result]:
    """Mean scores with each person's best, any and worst enrolled finger; none where people have one finger each."""
    people: dict[str, dict[str, list[FingerTemplate]]] = {}
    enrolled: dict[str, str] = {}
    for capture in own:
        if finger_of(capture) not in enrolled:
            enrolled[finger_of(capture)] = capture
            people.setdefault(person_of(capture), {})[finger_of(capture)] = [own[capture]]
    orders = [best_finger_first(fingers) for fingers in people.values() if len(fingers) > 1]
    if not orders:
        return []
    chosen = {
        "score_best_finger": {order[0] for order in orders},
        "score_any_finger": {finger for order in orders for finger in order},
        "score_worst_finger": {order[-1] for order in orders},
    }
    return [_mean_score(name, metric, mated, {enrolled[one] for one in fingers}) for metric, fingers in chosen.items()]


def _mean_score(name: str, metric: str, mated: Scores, references: set[str]) -> Result:
    pairs = [pair for pair in mated if pair[0] in references]
    scores = np.array([mated[pair] for pair in pairs])
    low, high = share_interval(scores, [finger_of(pair[0]) for pair in pairs]) or (None, None)
    return Result(name, metric, float(scores.mean()), low, high, "", len(pairs))


def means(results: Sequence[Result]) -> list[Result]:
    """The means over the sets, and by how much the mean falls when a tenth is discarded."""
    found = mean_results(results, [f"fnmr_discard_{percent}" for percent in DISCARDED])
    whole, after = (next(one for one in found if one.metric == f"fnmr_discard_{share}") for share in (0, 10))
    if whole.value > 0:
        found.append(Result("mean", "cut_10", 1.0 - after.value / whole.value, None, None, FRACTION, after.n))
    return found
