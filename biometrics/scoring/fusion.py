"""Several modalities as one: the sum of their log-likelihood ratios, and the FMR that the sum stands for.

Given that the probe is another person's, the modalities' scores are taken as independent (face and finger, and two
fingers of one person); then the ratios multiply. The FMR of the sum is the tail of the convolution of the modalities'
non-mated distributions. Each of those is taken from its calibration, with one change: what lies beyond the measured FMR
is put at the highest ratio that the calibration gives. So no extrapolated tail lowers the FMR of a fused decision.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.calibration import Calibration
from biometrics.scoring.parameters import GRID_STEP


@dataclass(frozen=True, slots=True)
class Consistency:
    """The person axis of a decision: `consistency` (0..1) is the probability of "the same person" at even prior odds.

    `llr` is the sum of the assessed modalities' ratios, `fmr` the share of non-mated persons who reach it.
    """

    consistency: float
    llr: float
    fmr: float
    extrapolated: bool


def combine(assessed: Sequence[tuple[Calibration, float]]) -> Consistency | None:
    """Combine the assessed modalities, each a calibration and a comparison score; None when there is none.

    A modality that was not assessed is left out of `assessed`. One modality alone has its own calibration's FMR.
    Two fingers are two modalities. Raises ValueError when a score is NaN or infinite.
    """
    if not assessed:
        return None
    evidences = [calibration.assess(score) for calibration, score in assessed]
    llr = math.fsum(evidence.llr for evidence in evidences)
    if len(evidences) == 1:
        return Consistency(_logistic(llr), llr, evidences[0].fmr, evidences[0].extrapolated)
    fmr = float(fused_fmr([calibration for calibration, _ in assessed], llr))
    return Consistency(_logistic(llr), llr, fmr, False)


def fused_fmr(calibrations: Sequence[Calibration], llr: ArrayLike) -> NDArray[np.float64]:
    """The share of non-mated persons whose summed ratio is at least `llr` (any shape): rounded up, never 0."""
    lowest, survival = _sum_survival(tuple(sorted(calibrations, key=lambda one: (one.engine, id(one)))))
    # The slack undoes the rounding error of a sum that stands exactly on a point of the grid.
    index = np.ceil(np.asarray(llr, np.float64) / GRID_STEP - 1e-6).astype(np.int64) - lowest
    return survival[np.clip(index, 0, len(survival) - 1)]


def _logistic(llr: float) -> float:
    return 1 / (1 + math.exp(-llr)) if llr >= 0 else math.exp(llr) / (1 + math.exp(llr))


@lru_cache(maxsize=64)
def _sum_survival(calibrations: tuple[Calibration, ...]) -> tuple[int, NDArray[np.float64]]:
    """P(sum >= (lowest + i) * GRID_STEP) for i = 0, 1, ...: (lowest, survival)."""
    lowest, mass = _masses(calibrations[0])
    for calibration in calibrations[1:]:
        start, more = _masses(calibration)
        lowest, mass = lowest + start, np.convolve(mass, more)
    return lowest, np.minimum(np.cumsum(mass[::-1])[::-1], 1.0)


def _masses(calibration: Calibration) -> tuple[int, NDArray[np.float64]]:
    """Non-mated probabilities of one modality's ratio on the grid, every ratio rounded up to the next grid point."""
    first, last = (math.ceil(calibration.llr[end] / GRID_STEP - 1e-6) for end in (0, -1))
    grid = np.arange(first, last) * GRID_STEP
    # P(ratio > grid point) is the FMR at the last score whose ratio is not above the point; towards more, on a
    # finer set of scores.
    fine = np.interp(
        np.arange(0, len(calibration.score) - 1 + 1e-9, 1 / 64), np.arange(len(calibration.score)), calibration.score
    )
    llr, fmr = calibration.llr_of(fine), calibration.fmr_of(fine)
    above = fmr[np.maximum(np.searchsorted(llr, grid, side="right") - 1, 0)]
    above = np.maximum(above, calibration.measured_to)
    edges = np.concatenate([[1.0], above, [0.0]])
    return first, -np.diff(edges)
