"""`python -m benchmarks.finger.weights SET --out FILE`: fit the weights of the fingerprint matcher's evidence.

Writes what `biometrics/finger/weights.json` holds, and prints how well the fit does on fingers that it did not see. The
set that the weights were fitted on is `neuro_uareu`; accuracy is to be judged on others.

The weights are those of a logistic regression with a quadratic penalty, mated and non-mated pairs weighing the same.
They decide which pairing of two fingers is the best too, and so which evidence is seen; the fit is repeated until both
agree. Whole captures are compared with each other, with scraps of captures (squares of 4 to 9 mm), and scraps with
scraps, so that small sensors and badly placed fingers are known to the fit. Then the weight of the likeness is fitted
beside the sum of all else, the sums that chance reaches are measured in bins of the captures' size, and polynomials
laid through them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.subjects import finger_of
from benchmarks.finger.sets import CaptureSet, find_sets
from biometrics.errors import NotAssessable
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger, matcher
from biometrics.finger.parameters import ENGINE, MIN_MINUTIAE
from biometrics.finger.score import CHANCE_TERMS, EVIDENCE, SIZE
from biometrics.scoring.rates import Curve

ROUNDS = 3
PENALTY = 1e-2
NON_MATED = 20_000
NON_MATED_FOR_CHANCE = 60_000
BINS = 10
FOLDS = 5
STEPS = 50
SCRAP_SIDES = (80.0, 180.0)
SCRAP_OFFSET = 60.0
LIKENESS = EVIDENCE.index("likeness")
START = np.array([float(name == "edges") for name in EVIDENCE] + [0.0] * CHANCE_TERMS + [1.0, 0.0, 0.0])

Floats = NDArray[np.float64]
Fingers = Mapping[str, PreparedFinger]


@dataclass(frozen=True)
class Sample:
    """Evidence (p, 14) and scores (p,) of p pairs, and which of them are mated (p,)."""

    evidence: Floats
    score: Floats
    mated: NDArray[np.bool_]


def main(
    data: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The set to fit on.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="Where the weights are written.")],
) -> None:
    """Fit on all fingers, write the weights, then cross-validate over fingers."""
    (captures,) = find_sets(data)
    whole = extract(captures)
    scraps = cut(whole)
    out.write_text(as_json(captures.name, fit(whole, scraps, captures.fingers)), encoding="utf-8")
    _cross_validate(whole, scraps, captures.fingers)


def extract(captures: CaptureSet) -> dict[str, PreparedFinger]:
    """All captures of a set; those without a template are named and left out."""
    engine = FingerEngine.open()
    found = {}
    for name, path in track(captures.files.items(), "extract", total=len(captures.files)):
        try:
            found[name] = engine.prepare(engine.extract(path.read_bytes()))
        except NotAssessable as error:
            say(f"{name}: {error.reason}")
    return found


def cut(whole: Fingers) -> dict[str, PreparedFinger]:
    """A scrap of each capture: the minutiae in a square somewhere near its middle, where they are enough."""
    rng = np.random.default_rng(1)
    scraps = {}
    for name, finger in whole.items():
        template, half = finger.template, rng.uniform(*SCRAP_SIDES) / 2
        x, y = (np.median(axis) + rng.uniform(-SCRAP_OFFSET, SCRAP_OFFSET) for axis in (template.x, template.y))
        kept = (np.abs(template.x - x) < half) & (np.abs(template.y - y) < half)
        if np.count_nonzero(kept) >= MIN_MINUTIAE:
            scraps[name] = PreparedFinger.of(_part(template, kept))
    return scraps


def _part(template: FingerTemplate, kept: NDArray[np.bool_]) -> FingerTemplate:
    fields = ("x", "y", "direction", "kind", "minutia_quality")
    return FingerTemplate.of(
        template.engine,
        template.width,
        template.height,
        quality=template.quality,
        **{name: getattr(template, name)[kept] for name in fields},
    )


def fit(
    whole: Fingers,
    scraps: Fingers,
    names: list[str],
    *,
    non_mated: int = NON_MATED,
    non_mated_for_chance: int = NON_MATED_FOR_CHANCE,
) -> Floats:
    """Weights, as `biometrics.finger.score.WEIGHTS`, from the captures of the fingers `names`."""
    weights = START
    for step in range(ROUNDS):
        samples = compare_all(whole, scraps, names, weights, non_mated)
        evidence = np.concatenate([sample.evidence for sample in samples])
        mated = np.concatenate([sample.mated for sample in samples])
        weights = np.append(logistic(evidence, mated, PENALTY)[:-1], START[len(EVIDENCE) :])
        weights[SIZE] = 0.0  # it was there so that the others need not stand for it; chance_of takes its place
        weights[LIKENESS] = 0.0  # which leaves the choice of the best pairing as it is
        say(f"round {step + 1}: {_rates(samples[0])} before the fit")
    samples = compare_all(whole, scraps, names, weights, non_mated_for_chance)
    weights[LIKENESS] = second_opinion(samples, weights)
    by_chance = np.concatenate([sample.evidence[~sample.mated] for sample in samples])
    weights[len(EVIDENCE) :] = chance_of(by_chance[:, SIZE], by_chance @ weights[: len(EVIDENCE)])
    return weights


def second_opinion(samples: Sequence[Sample], weights: Floats) -> float:
    """What the likeness weighs beside the sum of all else.

    Fitted apart from the others' weights: they share out what the pairing knows, and under one penalty for all of them
    the only figure that comes from elsewhere would count for a quarter of what it tells.
    """
    evidence = np.concatenate([sample.evidence for sample in samples])
    mated = np.concatenate([sample.mated for sample in samples])
    both = np.column_stack([evidence @ weights[: len(EVIDENCE)], evidence[:, LIKENESS]])
    fitted = logistic(both, mated, PENALTY)
    return float(fitted[1] / fitted[0])


def compare_all(
    whole: Fingers, scraps: Fingers, names: list[str], weights: Floats, non_mated: int
) -> tuple[Sample, Sample, Sample]:
    """Whole captures with whole ones, with scraps, and scraps with scraps; at most `non_mated` such pairs of each."""
    return (
        _compare(whole, whole, names, weights, non_mated),
        _compare(whole, scraps, names, weights, non_mated),
        _compare(scraps, scraps, names, weights, non_mated),
    )


def _compare(references: Fingers, probes: Fingers, names: list[str], weights: Floats, non_mated: int) -> Sample:
    among = set(names)
    captures = [name for name in references if finger_of(name) in among]
    pairs = [(a, b) for i, a in enumerate(captures) for b in captures[i + 1 :] if b in probes]
    mated = np.array([finger_of(a) == finger_of(b) for a, b in pairs])
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(~mated))[:non_mated]
    chosen = np.concatenate([np.flatnonzero(mated), np.sort(drawn)])
    evidence, score = np.empty((len(chosen), len(EVIDENCE))), np.empty(len(chosen))
    for row, index in enumerate(track(chosen.tolist(), "compare")):
        a, b = pairs[index]
        compared = matcher.compare(probes[b], references[a], weights)
        evidence[row], score[row] = list(compared.evidence.values()), compared.score
    found = evidence[:, 0] > 0  # where no edge agrees there is no evidence to learn from
    return Sample(evidence[found], score[found], mated[chosen][found])


def logistic(evidence: Floats, mated: NDArray[np.bool_], penalty: float) -> Floats:
    """Weights (f + 1,), the last the intercept, of a ridge-penalised logistic regression, by Newton's method.

    The penalty acts on the weights of evidence with unit variance; both classes weigh one half.
    """
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    design = np.column_stack([(evidence - mean) / deviation, np.ones(len(evidence))])
    share = np.where(mated, 0.5 / mated.sum(), 0.5 / (~mated).sum())
    ridge = np.full(design.shape[1], penalty)
    ridge[-1] = 1e-12
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        likely = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -40.0, 40.0)))
        slope = design.T @ (share * (likely - mated)) + ridge * beta
        bend = (design * (share * likely * (1.0 - likely))[:, None]).T @ design + np.diag(ridge)
        change = np.linalg.solve(bend, slope)
        beta -= change
        if np.abs(change).max() < 1e-9:
            break
    weights = beta[:-1] / deviation
    return np.append(weights, beta[-1] - weights @ mean)


def chance_of(size: Floats, total: Floats) -> Floats:
    """Two quadratics in `size`: the total that a hundredth of non-mated pairs reach, and a decade's width (6,).

    Each quantile is taken in ten bins of size with equally many pairs; the width is half the way from a tenth to a
    thousandth, which more pairs stand for than the way from a hundredth to a thousandth.
    """
    edges = np.quantile(size, np.linspace(0.0, 1.0, BINS + 1))
    bins = [(size >= low) & (size <= high) for low, high in pairwise(edges)]
    centres = np.array([size[inside].mean() for inside in bins])
    reached = np.array([np.quantile(total[inside], (0.9, 0.99, 0.999)) for inside in bins])
    level = np.polynomial.Polynomial.fit(centres, reached[:, 1], CHANCE_TERMS - 1).convert()
    decade = np.polynomial.Polynomial.fit(centres, (reached[:, 2] - reached[:, 0]) / 2, CHANCE_TERMS - 1).convert()
    return np.concatenate([level.coef, decade.coef])


def _cross_validate(whole: Fingers, scraps: Fingers, names: list[str]) -> None:
    """Print the rates on fingers that the weights were not fitted on, all folds' scores pooled."""
    folds = []
    for fold in range(FOLDS):
        weights = fit(whole, scraps, [name for i, name in enumerate(names) if i % FOLDS != fold])
        unseen = [name for i, name in enumerate(names) if i % FOLDS == fold]
        folds.append(compare_all(whole, scraps, unseen, weights, NON_MATED))
    for kind, samples in zip(
        ("whole with whole", "whole with scrap", "scrap with scrap"), zip(*folds, strict=True), strict=True
    ):
        pooled = Sample(
            np.concatenate([sample.evidence for sample in samples]),
            np.concatenate([sample.score for sample in samples]),
            np.concatenate([sample.mated for sample in samples]),
        )
        typer.echo(f"unseen fingers, {kind}: {_rates(pooled)}")


def _rates(sample: Sample) -> str:
    curve = Curve.of(sample.score[sample.mated], sample.score[~sample.mated])
    fmr = " ".join(f"{float(curve.fmr(threshold)):.2e}" for threshold in (20, 30, 40))
    return (
        f"EER {curve.eer():.3%}, FMR100 {curve.fnmr_at_fmr(1e-2):.3%}, FMR1000 {curve.fnmr_at_fmr(1e-3):.3%}, "
        f"FMR at 20, 30, 40: {fmr} ({len(curve.mated)} mated, {len(curve.non_mated)} non-mated)"
    )


def as_json(name: str, weights: Floats) -> str:
    """Weights, as `biometrics.finger.score.WEIGHTS`, fitted on the set `name`, in the form of the shipped file."""

    def rounded(numbers: Floats, digits: int) -> list[float]:
        return [float(f"{number:.{digits}g}") for number in numbers]

    evidence = zip(EVIDENCE, rounded(weights[: len(EVIDENCE)], 4), strict=True)
    fitted = {
        "engine": ENGINE,
        "fitted_on": name,
        "made_by": "python -m benchmarks.finger.weights",
        "evidence": {figure: weight for figure, weight in evidence if weight},
        "chance_level": rounded(weights[-2 * CHANCE_TERMS : -CHANCE_TERMS], 5),
        "chance_decade": rounded(weights[-CHANCE_TERMS:], 5),
    }
    return json.dumps(fitted, indent=1) + "\n"


if __name__ == "__main__":
    typer.run(main)
