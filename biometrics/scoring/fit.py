"""Fit a calibration to comparison scores.

FMR: the share of non-mated scores, an exponential beyond the last 30 (tails.py). LLR: a penalised Poisson regression in
bins of -ln FMR (likelihood.py), where non-mated scores of any engine are alike. No ratio is stated that the data cannot
speak about: the upper bound, on which security rests, is 1 / FMR at the lowest FMR that 30 comparisons speak for; the
lower one is 3 / M for M mated comparisons, since a mated score so bad may be as frequent as that and not be seen. (They
are simple relatives of the bounds of Vergeer et al., Science & Justice 56, 2016.) So no mislabelled pair teaches
certainty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.folds import hashed_folds, subject_key
from biometrics.scoring.likelihood import Histogram, choose_smoothing, counted, fit_llr
from biometrics.scoring.parameters import BIN_WIDTH, EXTRAPOLATION_LIMIT, RULE_OF_3
from biometrics.scoring.tails import NonMated

METHOD = (
    "FMR counted, then an exponential tail; LLR by monotone penalised Poisson regression; rules of 30 and 3 as bounds"
)
# Bins in which the FMR falls by less than this factor's distance from 1 are joined (engines with few distinct scores).
LEAST_FALL = 0.98


@dataclass(frozen=True)
class ScoreSet:
    """The comparisons of one data set that were assessed, and how much the set counts (its number of fingers, say).

    `keys` (S,) are the subjects' (`folds.subject_key`), where they are known.
    """

    name: str
    comparisons: Comparisons
    weight: float
    keys: tuple[str, ...] = ()

    def folds(self, count: int, *, salt: str = "") -> NDArray[np.int32]:
        """A fold for each subject, by its key; by its number where keys are not known."""
        subjects = self.comparisons.subjects
        keys = self.keys or tuple(subject_key(str(number)) for number in range(subjects))
        return hashed_folds(keys[:subjects], count, salt=salt)


def fit(
    engine: str, sets: Sequence[ScoreSet], *, label_noise: float = 0.0, provenance: Mapping[str, Any] | None = None
) -> Calibration:
    """Calibration of `engine` on `sets`; FMRs below `label_noise` are never counted as measured.

    Failures (-inf) are left out: a calibration speaks of scores, and what failed has none. A set's mated and non-mated
    scores count as the set's weight says, in equal parts. Raises ValueError when there is too little to fit.
    """
    non_mated = NonMated.of(
        [_assessed(one.comparisons.non_mated) for one in sets],
        [one.weight for one in sets],
        label_noise=label_noise,
    )
    mated, weight, subject = _mated(sets)
    edges = _edges(non_mated)
    fmr = np.minimum(non_mated.fmr(edges), 1.0)
    fmr[0] = 1.0
    depth = -np.log(fmr)
    bins = Histogram((depth[1:] + depth[:-1]) / 2, -np.diff(fmr))
    bin_of = np.maximum(np.searchsorted(edges, mated, side="right") - 1, 0)
    if bin_of.min() >= len(bins.position):
        # Kinds so far apart that no mated score is within reach of the non-mated ones' tail: all are of its last bin.
        bin_of = np.full(len(mated), len(bins.position) - 1)
    smoothing = choose_smoothing(bins, bin_of, weight, subject)
    llr = fit_llr(bins, counted(bins, bin_of, weight), float(weight.sum()), smoothing)
    low, high = _bounds(weight, non_mated.measured_to)
    knots = np.minimum(np.clip(np.interp(depth, bins.position, llr), low, high), np.maximum(depth, low))
    facts = {
        "method": METHOD,
        "smoothing": smoothing,
        "label_noise": label_noise,
        "llr_bounds": [float(low), float(high)],
        "non_mated": non_mated.comparisons,
        "mated": len(mated),
        **(provenance or {}),
    }
    return Calibration(engine, edges, -depth, knots, non_mated.measured_to, facts)


def _assessed(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return scores[np.isfinite(scores)]


def _mated(sets: Sequence[ScoreSet]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Scores, weights (their sum is the number of scores) and subjects, numbered through all sets."""
    scores, weights, subjects, first = [], [], [], 0
    for one in sets:
        finite = np.isfinite(one.comparisons.mated)
        if not np.any(finite):
            raise ValueError(f"no mated comparison of {one.name} was assessed")
        scores.append(one.comparisons.mated[finite].astype(np.float64))
        weights.append(np.full(np.count_nonzero(finite), one.weight / np.count_nonzero(finite)))
        subjects.append(one.comparisons.mated_subject[finite] + np.int32(first))
        first += one.comparisons.subjects
    weight = np.concatenate(weights)
    return np.concatenate(scores), weight * len(weight) / weight.sum(), np.concatenate(subjects)


def _edges(non_mated: NonMated) -> NDArray[np.float64]:
    """Scores at steps of `BIN_WIDTH` in -ln FMR, from the lowest score to where extrapolation ends."""
    last = -np.log(non_mated.measured_to * EXTRAPOLATION_LIMIT)
    wanted = np.linspace(0, last, 1 + int(np.ceil(last / BIN_WIDTH)))
    thresholds = non_mated.thresholds(np.exp(-wanted))
    fmr = non_mated.fmr(thresholds)
    edges = [min(tail.ascending[0] for tail in non_mated.sets)]
    reached = 1.0
    for threshold, rate in zip(thresholds.tolist(), fmr.tolist(), strict=True):
        if threshold > edges[-1] and rate < LEAST_FALL * reached:
            edges.append(threshold)
            reached = rate
    return np.array(edges)


def _bounds(weight: NDArray[np.float64], measured_to: float) -> tuple[float, float]:
    equivalent = float(weight.sum() ** 2 / np.sum(weight**2))
    return float(np.log(min(RULE_OF_3 / equivalent, 1.0))), float(-np.log(measured_to))
