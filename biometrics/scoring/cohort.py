"""Scores less what is peculiar to the two who are compared, as a cohort of other people shows it.

Some people match everybody a little, as probe or as reference, and are the ones who are falsely matched where the FMR
is low. How a person does against a cohort, people known beforehand and neither of the two, tells by how much; it is
taken off the score (Z-norm and T-norm: Auckenthaler, Carey, Lloyd-Thomas, "Score normalization for text-independent
speaker verification systems", Digital Signal Processing 10, 2000). Here on the scale of normal scores, where a mean is
no prey of heavy tails, and shrunk by how much of the differences between people is chance (best linear prediction), so
that nothing is taken off where people do not differ.

It costs a comparison of the probe, and one of the reference that can be made at enrolment, with each of the cohort.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.normal_scores import NormalScores
from biometrics.scoring.ranges import ScoreRange

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cohort:
    """One matcher's scale, fitted to the comparisons of a cohort with itself.

    `inner` (C, C) are those comparisons, less their people's effects; rows are probes, the diagonal is mated, NaN where
    one failed. `as_probe` and `as_reference` are the shares (0..1) of a person's mean that count as theirs.
    """

    range: ScoreRange
    scale: NormalScores
    as_probe: float
    as_reference: float
    inner: Array

    @classmethod
    def fit(cls, scores: Array) -> "Cohort":
        """From all comparisons (C, C) of the cohort, NaN for a failure.

        A comparison is corrected by the others of its two people. Raises ValueError where there are too few.
        """
        if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
            raise ValueError("a cohort's comparisons are a square")
        mated = np.eye(len(scores), dtype=bool)
        own = ScoreRange.fit(scores[mated], scores[~mated])
        sane = own(scores)
        sides = (side[np.isfinite(side)] for side in (sane[mated], sane[~mated]))
        scale = NormalScores.fit(*sides)
        normal = scale(sane)
        others = np.where(mated, np.nan, normal)
        shares = _share_of_people(others), _share_of_people(others.T)
        # Its own score is left out of a person's mean, or a high one would be held against itself.
        effects = shares[0] * _means_of_others(others) + shares[1] * _means_of_others(others.T).T
        return cls(own, scale, *shares, normal - effects)

    def outer(self, scores: Array, as_probe: Array, as_reference: Array) -> Array:
        """Comparisons (P, R) of people outside the cohort, less their effects; NaN stays NaN.

        `as_probe` (P, C): the probes against the cohort's references; `as_reference` (C, R): the cohort's probes
        against the references. Somebody without a comparison with the cohort is taken for an average person. Raises
        ValueError where the shapes do not fit together.
        """
        size = len(self.inner)
        if as_probe.shape != (scores.shape[0], size) or as_reference.shape != (size, scores.shape[1]):
            raise ValueError("every probe and every reference needs its comparisons with the cohort")
        probes, references = (_means(self.scale(self.range(side))) for side in (as_probe, as_reference.T))
        normal = self.scale(self.range(scores))
        return np.asarray(normal - self.as_probe * probes[:, None] - self.as_reference * references, np.float64)


def _means(scores: Array) -> Array:
    """Every row's mean without NaN; 0, the middle of the scale, of none."""
    there = np.isfinite(scores)
    return np.asarray(np.where(there, scores, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1), np.float64)


def _means_of_others(scores: Array) -> Array:
    """For every cell (C, C) the mean of the rest of its row."""
    there = np.isfinite(scores)
    kept = np.where(there, scores, 0.0)
    count = there.sum(axis=1)[:, None] - there
    return np.asarray((kept.sum(axis=1)[:, None] - kept) / np.maximum(count, 1), np.float64)


def _share_of_people(scores: Array) -> float:
    """How much of the variance of the rows' means is that of the people, and not of the few scores they are made of."""
    there = np.isfinite(scores)
    count = there.sum(axis=1)
    rows = count > 1
    if rows.sum() < 2:
        return 0.0
    means = _means(scores)[rows]
    within = np.where(there[rows], scores[rows] - means[:, None], 0.0)
    chance = float(np.mean((within**2).sum(axis=1) / (count[rows] - 1) / count[rows]))
    variance = float(means.var(ddof=1))
    return max(0.0, 1 - chance / variance) if variance > 0 else 0.0
