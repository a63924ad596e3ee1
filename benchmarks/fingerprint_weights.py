"""`python -m benchmarks.fingerprint_weights SET`: fit the weights of the fingerprint matcher's evidence on one set.

Prints what goes into `biometrics/finger/parameters.py`, and how well the fit does on fingers that it did not see. The
set that the weights were fitted on is `neuro_uareu`; accuracy is to be judged on others.

The weights are those of a logistic regression with a quadratic penalty, mated and non-mated pairs weighing the same.
They decide which pairing of two fingers is the best too, and so which evidence is seen; the fit is repeated until both
agree. The sum is scaled so that 10 points are a decade of the false match rate on the set's non-mated pairs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.fingerprint_set import CaptureSet, find_sets
from benchmarks.progress import say, track
from benchmarks.subjects import finger_of
from biometrics.errors import NotAssessable
from biometrics.finger import FingerEngine, PreparedFinger, matcher
from biometrics.finger.score import EVIDENCE
from biometrics.scoring.rates import Curve

ROUNDS = 4
PENALTY = 1e-2
NON_MATED = 40_000
FOLDS = 5
STEPS = 50
DECADES = (1e-2, 1e-3, 1e-4)
START = np.array([*(float(name == "edges") for name in EVIDENCE), 0.0])

Floats = NDArray[np.float64]


def main(data: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Fit on all fingers, print the weights, then cross-validate over fingers."""
    (captures,) = find_sets(data)
    fingers = _extract(captures)
    weights = _scaled(_fit(fingers, captures.fingers), fingers, captures.fingers)
    for name, weight in zip((*EVIDENCE, "SCORE_OFFSET"), weights, strict=True):
        typer.echo(f'    "{name}": {weight:.4g},')
    _cross_validate(fingers, captures.fingers)


def _extract(captures: CaptureSet) -> dict[str, PreparedFinger]:
    engine = FingerEngine.open()
    found = {}
    for name, path in track(captures.files.items(), "extract", total=len(captures.files)):
        try:
            found[name] = engine.prepare(engine.extract(path.read_bytes()))
        except NotAssessable as error:
            say(f"{name}: {error.reason}")
    return found


def _cross_validate(fingers: dict[str, PreparedFinger], names: list[str]) -> None:
    mated: list[float] = []
    non_mated: list[float] = []
    for fold in range(FOLDS):
        inside = [name for i, name in enumerate(names) if i % FOLDS != fold]
        outside = [name for i, name in enumerate(names) if i % FOLDS == fold]
        weights = _scaled(_fit(fingers, inside), fingers, inside)
        evidence, is_mated = _evidence(fingers, outside, weights)
        scores = evidence @ weights[:-1] + weights[-1]
        mated += scores[is_mated].tolist()
        non_mated += scores[~is_mated].tolist()
    curve = Curve.of(mated, non_mated)
    typer.echo(
        f"unseen fingers, {FOLDS} folds: EER {curve.eer():.4%}, FMR100 {curve.fnmr_at_fmr(1e-2):.4%}, "
        f"FMR1000 {curve.fnmr_at_fmr(1e-3):.4%} ({len(mated)} mated, {len(non_mated)} non-mated)"
    )


def _fit(fingers: dict[str, PreparedFinger], names: list[str]) -> Floats:
    weights = START
    for step in range(ROUNDS):
        evidence, mated = _evidence(fingers, names, weights)
        curve = Curve.of((evidence @ weights[:-1])[mated], (evidence @ weights[:-1])[~mated])
        say(f"round {step + 1}: EER {curve.eer():.4%} before the fit")
        weights = logistic(evidence, mated, PENALTY)
    return weights


def _evidence(
    fingers: dict[str, PreparedFinger], names: list[str], weights: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Evidence (p, 13) of all mated pairs of the fingers `names` and a sample of the others; which are mated (p,)."""
    of_names = set(names)
    captures = [name for name in fingers if finger_of(name) in of_names]
    pairs = [(a, b) for i, a in enumerate(captures) for b in captures[i + 1 :]]
    mated = np.array([finger_of(a) == finger_of(b) for a, b in pairs])
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(~mated))[:NON_MATED]
    chosen = np.concatenate([np.flatnonzero(mated), np.sort(drawn)])
    evidence = np.empty((len(chosen), len(EVIDENCE)))
    for row, index in enumerate(track(chosen.tolist(), "compare")):
        reference, probe = pairs[index]
        evidence[row] = list(matcher.compare(fingers[probe], fingers[reference], weights).evidence.values())
    return evidence, mated[chosen]


def logistic(evidence: Floats, mated: NDArray[np.bool_], penalty: float) -> Floats:
    """Weights (13 + 1, the last the intercept) of a ridge-penalised logistic regression, by Newton's method.

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


def _scaled(weights: Floats, fingers: dict[str, PreparedFinger], names: list[str]) -> Floats:
    """The weights in a unit of which 10 are a decade of FMR, 20 points standing at an FMR of 1e-2."""
    evidence, mated = _evidence(fingers, names, weights)
    curve = Curve.of((evidence @ weights[:-1])[mated], (evidence @ weights[:-1])[~mated])
    thresholds = [curve.threshold_at_fmr(fmr) for fmr in DECADES]
    slope, level = np.polyfit(thresholds, -10.0 * np.log10(DECADES), 1)
    return np.append(slope * weights[:-1], level)


if __name__ == "__main__":
    typer.run(main)
