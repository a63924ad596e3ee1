"""Accuracy of identification as FRTE states it: FNIR at a fixed FPIR, in galleries of several sizes.

The file that `vectors` wrote: people of two halves, each with statistics fitted on the other half. In each half, who
has two pictures is enrolled with the first and searched for with the second; the gallery is filled up with drawn faces
that have the mean and covariance of the half's templates. Everybody is also searched for where they are not enrolled:
people of one picture, and the others' second pictures with their own entry left out.

* `fnir_at_fpir_F`: share of mated searches in which the mate's score is below the threshold that a share F of the
  non-mated searches reaches with any entry. `rank_1_miss`: share in which another entry is above or beside the mate.
* `fpir_at_target_F`: share of non-mated searches that reach the threshold which a calibration gives for that FPIR and
  size (`hit_threshold`), and `fnir_at_target_F`: of mated searches that do not. The calibration is fitted as the
  shipped one is, but on the people of the other half: nobody is searched for whom it has seen.
* `threshold_F`: the mean of the two halves' thresholds; beside it that of the shipped calibration (`shipped_F`).

Intervals: 95 %, bootstrap over people; for none or all the rule of 3. A rate of 0.001 rests on three of three thousand
non-mated searches: its threshold is hardly more than the highest score that was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.scores.score_sets import cross_scores
from biometrics.gallery.threshold import hit_threshold
from biometrics.scoring import Calibration
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.support import with_rule_of_3

Floats = NDArray[np.float32]
Rate = NDArray[np.bool_]
BLOCK = 50_000
TARGETS = (0.01, 0.001)
RESAMPLES = 400
LABEL_NOISE = 1e-5
"""As the shipped calibration was fitted: of LFW's pairs of two names so many show one person."""
SEED = 1


@dataclass(frozen=True)
class Searches:
    """Of one half and size: a mated search a person with two pictures, and a non-mated search of everybody.

    `mate` (m,): the mate's score; `rival` (m,): the best score of any other entry; `stranger` (n,): the best score of
    a search of somebody who is not enrolled. A person of `rival` is the person of the same place in `stranger`.
    """

    mate: Floats
    rival: Floats
    stranger: Floats


def run(vectors: Path, sizes: Sequence[int], json_path: Path | None) -> list[Result]:
    """Measure at each size; see the module's text."""
    with np.load(vectors, allow_pickle=False) as file:
        rows, half, engine = file["vectors"].astype(np.float32), file["half"], str(file["engine"])
        people = np.array([str(name).rsplit("/", 1)[0] for name in file["names"]])
    shipped, parts = Calibration.load(engine), [half == one for one in np.unique(half)]
    if len(parts) != 2:
        raise typer.BadParameter(f"{len(parts)} halves of people instead of two")
    fitted = [fitted_on(rows[part], people[part], engine) for part in reversed(parts)]
    halves = [search_half(rows[part], people[part], sorted(sizes), place) for place, part in enumerate(parts)]
    results = []
    for place, size in enumerate(sorted(sizes)):
        results += figures(size, [searches[place] for searches in halves], fitted, shipped)
    print_table(results, title=f"identification, {engine}")
    if json_path:
        write_json(json_path, "identification", results)
    return results


def fitted_on(rows: Floats, people: NDArray[np.str_], engine: str) -> Calibration:
    """A calibration on one half: two pictures of each person who has them, and all pairs of different people."""
    persons, numbers = np.unique(people, return_inverse=True)
    subject: NDArray[np.int32] = numbers.astype(np.int32)
    order = np.argsort(subject, kind="stable")
    # A person's first picture and the one after it.
    again = np.flatnonzero(np.diff(subject[order]) == 0)
    first = again[np.unique(subject[order][again], return_index=True)[1]]
    one, other = order[first], order[first + 1]
    mated = np.einsum("nd,nd->n", rows[one], rows[other]).astype(np.float32)
    non_mated, pairs = cross_scores(rows, subject)
    comparisons = Comparisons(mated, non_mated, subject[one], pairs)
    return fit(engine, [ScoreSet("half", comparisons, float(len(persons)))], label_noise=LABEL_NOISE)


def search_half(rows: Floats, people: NDArray[np.str_], sizes: Sequence[int], seed: int) -> list[Searches]:
    """The searches of one half at every size, smallest first.

    Raises typer.BadParameter for people too few for a covariance, or more than the smallest gallery.
    """
    places: dict[str, list[int]] = {}
    for place, person in enumerate(people.tolist()):
        places.setdefault(person, []).append(place)
    pairs = np.array([of[:2] for of in places.values() if len(of) > 1]).reshape(-1, 2)
    alone = [of[0] for of in places.values() if len(of) == 1]
    if len(pairs) > sizes[0] or len(places) < 2 * rows.shape[1]:
        raise typer.BadParameter(f"{len(places)} people, {len(pairs)} enrolled, do not fit a gallery of {sizes[0]}")
    probes = np.concatenate([rows[pairs[:, 1]], rows[alone]])
    among = probes @ rows[pairs[:, 0]].T
    own = np.arange(len(pairs))
    mate = among[own, own].copy()
    among[own, own] = -np.inf
    best = among.max(axis=1)
    drawn = _drawn_like(rows[[of[0] for of in places.values()]], np.random.default_rng([SEED, seed, 1]))
    found, count = [], len(pairs)
    for size in sizes:
        for first in track(range(count, size, BLOCK), f"Gallery of {size:,}"):
            best = np.maximum(best, (probes @ drawn(min(BLOCK, size - first)).T).max(axis=1))
        count = size
        found.append(Searches(mate, best[: len(mate)].copy(), best.copy()))
    return found


def _drawn_like(persons: Floats, draw: np.random.Generator) -> Callable[[int], Floats]:
    """Draws so many faces that scatter as `persons` (n, D) do."""
    mean = persons.mean(axis=0)
    root = np.linalg.cholesky(np.cov(persons.T)).astype(np.float32).T

    def drawn(count: int) -> Floats:
        raw = draw.standard_normal((count, len(mean)), np.float32) @ root + mean
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)

    return drawn


def figures(size: int, halves: Sequence[Searches], fitted: Sequence[Calibration], shipped: Calibration) -> list[Result]:
    """The rates of both halves together; thresholds are each half's own, since their statistics differ.

    `fitted`: for each half a calibration that has seen none of its people.
    """
    name, results = f"{size:,}", [_figure(f"{size:,}", "rank_1_miss", [_rank_1] * len(halves), halves, mated=True)]
    for target in TARGETS:
        at = [hit_threshold(one, target, size).score for one in fitted]
        seen = [partial(_missed_at_fpir, target)] * len(halves)
        false, missed = ([partial(rate, one) for one in at] for rate in (_false_from, _missed_below))
        ours = hit_threshold(shipped, target, size).score
        results += [
            _figure(name, f"fnir_at_fpir_{target:g}", seen, halves, mated=True),
            _figure(name, f"fpir_at_target_{target:g}", false, halves, mated=False),
            _figure(name, f"fnir_at_target_{target:g}", missed, halves, mated=True),
            Result(name, f"threshold_{target:g}", float(np.mean(at)), min(at), max(at), "cosine", len(at)),
            Result(name, f"shipped_{target:g}", ours, None, None, "cosine", size),
        ]
    return results


def _rank_1(one: Searches) -> Rate:
    return np.asarray(one.rival >= one.mate)


def _missed_below(score: float, one: Searches) -> Rate:
    return np.asarray(one.mate < score)


def _false_from(score: float, one: Searches) -> Rate:
    return np.asarray(one.stranger >= score)


def _missed_at_fpir(fpir: float, one: Searches) -> Rate:
    """At the lowest threshold that a share `fpir` of the non-mated searches at most reaches."""
    ordered = np.sort(one.stranger)[::-1]
    return _missed_below(float(np.nextafter(ordered[int(fpir * len(ordered))], np.float32(np.inf))), one)


def _figure(
    name: str,
    metric: str,
    rates: Sequence[Callable[[Searches], Rate]],
    halves: Sequence[Searches],
    *,
    mated: bool,
) -> Result:
    """Of both halves together; `rates` are each half's."""
    both = list(zip(rates, halves, strict=True))
    value = float(np.concatenate([rate(one) for rate, one in both]).mean())
    draw = np.random.default_rng(SEED)
    again = [np.concatenate([rate(_resampled(one, draw)) for rate, one in both]).mean() for _ in range(RESAMPLES)]
    trials = sum(len(one.mate if mated else one.stranger) for one in halves)
    low, high = np.quantile(again, [0.025, 0.975]).tolist()
    bounds = with_rule_of_3(value, (low, high), trials) or (low, high)
    return Result(name, metric, value, bounds[0], bounds[1], FRACTION, trials)


def _resampled(one: Searches, draw: np.random.Generator) -> Searches:
    """The people drawn with replacement, those with a mate among themselves."""
    twice = draw.integers(0, len(one.mate), len(one.mate))
    alone = draw.integers(len(one.mate), len(one.stranger), len(one.stranger) - len(one.mate))
    return Searches(one.mate[twice], one.rival[twice], one.stranger[np.concatenate([twice, alone])])
