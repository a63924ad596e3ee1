"""Fusion of matchers whose scores depend on each other: one log-likelihood ratio of all of them.

`fusion.combine` adds up the ratios of modalities that are independent. Two matchers of one face are not, nor are a
careless person's two fingers; where a set of comparisons by all matchers together is there, this is fitted to it.

The ratio is the mean of three models' that err in different ways: a quadratic logistic regression of normal scores,
which looks at the border between the two kinds only; one of the matchers' calibrated ratios, which are bounded and
rise; and the ratio of two mixtures of normal distributions, which knows the shapes of both kinds. RESULTS.md tells
what else was tried.

A matcher's absurd scores (`ranges.py`) are failures of that matcher, here too: the others are asked.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.logistic import Quadratic
from biometrics.scoring.mixture import Mixture
from biometrics.scoring.normal_scores import NormalScores
from biometrics.scoring.parameters import (
    BULK_POINTS,
    LLR_RIDGE,
    LLR_SCALE,
    MATED_COMPONENTS,
    MATED_RIDGE,
    NON_MATED_COMPONENTS,
    NON_MATED_RIDGE,
    NORMAL_RIDGE,
    TAIL_FROM,
)
from biometrics.scoring.ranges import ScoreRange

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JointFusion:
    """Fitted to the comparisons of one set of subjects; `mated` (M, K) and `non_mated` (N, K), NaN for a failure.

    `ranges` (K) tell absurd scores, which are NaN in both. A comparison in which some matchers failed is judged by a
    model of the others, fitted when it is first needed.
    """

    mated: Array
    non_mated: Array
    ranges: tuple[ScoreRange, ...]
    _models: dict[tuple[bool, ...], "_Model"] = field(default_factory=dict, repr=False)

    @classmethod
    def fit(cls, mated: ArrayLike, non_mated: ArrayLike) -> "JointFusion":
        """Fit to scores of K matchers, higher for more alike; what is absurd or not finite is a failure.

        Raises ValueError where the shapes don't fit together, or there is too little to fit.
        """
        mates, others = _scores(mated), _scores(non_mated)
        if mates.shape[1] != others.shape[1]:
            raise ValueError(f"{mates.shape[1]} matchers of mated and {others.shape[1]} of non-mated comparisons")
        ranges = tuple(ScoreRange.fit(*side) for side in zip(mates.T, others.T, strict=True))
        fusion = cls(_sane(ranges, mates), _sane(ranges, others), ranges)
        fusion._model((True,) * mates.shape[1])
        return fusion

    def llr(self, scores: ArrayLike) -> Array:
        """Log-likelihood ratios (P,) of comparisons (P, K); -inf where every matcher failed."""
        points = _scores(scores)
        if points.shape[1] != self.mated.shape[1]:
            raise ValueError(f"{points.shape[1]} matchers, fitted were {self.mated.shape[1]}")
        points = _sane(self.ranges, points)
        there = np.isfinite(points)
        ratios = np.full(len(points), -np.inf)
        for pattern in np.unique(there, axis=0):
            if pattern.any():
                rows = np.all(there == pattern, axis=1)
                ratios[rows] = self._model(tuple(pattern.tolist())).llr(points[rows][:, pattern])
        return ratios

    def parts(self, scores: ArrayLike) -> dict[str, Array]:
        """What `llr` is the mean of (`normal`, `ratios`, `mixtures`), and the plain `sum` of calibrated ratios.

        For comparisons (P, K) in which no matcher failed; to see what a part alone would do. Absurd scores count as the
        ends of what was fitted here.
        """
        return self._model((True,) * self.mated.shape[1]).parts(_scores(scores))

    def _model(self, pattern: tuple[bool, ...]) -> "_Model":
        if pattern not in self._models:
            columns = np.array(pattern)
            self._models[pattern] = _Model.fit(
                *(side[:, columns][np.isfinite(side[:, columns]).all(axis=1)] for side in (self.mated, self.non_mated))
            )
        return self._models[pattern]


@dataclass(frozen=True)
class _Model:
    """The ratio of comparisons that the same matchers speak about."""

    scales: tuple[NormalScores, ...]
    calibrations: tuple[Calibration, ...]
    of_normal: Quadratic
    of_ratios: Quadratic
    mated: Mixture
    non_mated: Mixture

    @classmethod
    def fit(cls, mated: Array, non_mated: Array) -> "_Model":
        sides = list(zip(mated.T, non_mated.T, strict=True))
        scales = tuple(NormalScores.fit(*side) for side in sides)
        calibrations = tuple(_calibration(*side) for side in sides)
        mates, others = _normal(scales, mated), _normal(scales, non_mated)
        kept, weight = _thinned(others)
        return cls(
            scales,
            calibrations,
            Quadratic.fit(mates, others, ridge=NORMAL_RIDGE),
            Quadratic.fit(_ratios(calibrations, mated), _ratios(calibrations, non_mated), ridge=LLR_RIDGE),
            Mixture.fit(mates, np.ones(len(mates)), MATED_COMPONENTS, ridge=MATED_RIDGE),
            Mixture.fit(kept, weight, NON_MATED_COMPONENTS, ridge=NON_MATED_RIDGE),
        )

    def llr(self, scores: Array) -> Array:
        parts = self.parts(scores)
        return (parts["normal"] + parts["ratios"] + parts["mixtures"]) / 3

    def parts(self, scores: Array) -> dict[str, Array]:
        points, ratios = _normal(self.scales, scores), _ratios(self.calibrations, scores)
        return {
            "normal": self.of_normal.llr(points),
            "ratios": self.of_ratios.llr(ratios),
            "mixtures": self.mated.log_density(points) - self.non_mated.log_density(points),
            "sum": ratios.sum(axis=1) / LLR_SCALE,
        }


def _scores(values: ArrayLike) -> Array:
    scores = np.asarray(values, np.float64)
    if scores.ndim != 2 or 0 in scores.shape:
        raise ValueError("scores must be (comparisons, matchers), and not empty")
    return np.where(np.isfinite(scores), scores, np.nan)


def _sane(ranges: tuple[ScoreRange, ...], scores: Array) -> Array:
    return np.stack([own(column) for own, column in zip(ranges, scores.T, strict=True)], axis=1)


def _normal(scales: tuple[NormalScores, ...], scores: Array) -> Array:
    return np.stack([scale(column) for scale, column in zip(scales, scores.T, strict=True)], axis=1)


def _ratios(calibrations: tuple[Calibration, ...], scores: Array) -> Array:
    columns = zip(calibrations, scores.T, strict=True)
    return LLR_SCALE * np.stack([calibration.llr_of(column) for calibration, column in columns], axis=1)


def _calibration(mated: Array, non_mated: Array) -> Calibration:
    """Every mated comparison counts as one subject's; whose the others are does not matter to the fit."""
    count = len(mated)
    comparisons = Comparisons(
        mated.astype(np.float32),
        non_mated.astype(np.float32),
        np.arange(count, dtype=np.int32),
        np.zeros((len(non_mated), 2), np.int32),
    )
    return fit("joint", [ScoreSet("joint", comparisons, 1.0)])


def _thinned(points: Array) -> tuple[Array, Array]:
    """All points with a high score, of the others every n-th with weight n: the mixture needs no more of the bulk."""
    high = points.max(axis=1) > TAIL_FROM
    step = max(1, int(np.count_nonzero(~high) // BULK_POINTS))
    bulk = points[~high][::step]
    share = np.count_nonzero(~high) / max(1, len(bulk))
    weight = np.concatenate([np.ones(np.count_nonzero(high)), np.full(len(bulk), share)])
    return np.concatenate([points[high], bulk]), weight
