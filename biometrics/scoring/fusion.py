"""Several modalities as one: the sum of their log-likelihood ratios, and the FMR that the sum stands for.

Given that the probe is another person's, the modalities' scores are taken as independent (face and finger, and two
fingers of one person); then the ratios multiply. The share of non-mated persons who reach a sum is the tail of the
convolution of the modalities' non-mated distributions. Each of those is taken from its calibration, with one change:
what lies beyond the measured FMR is put at the highest ratio that the calibration gives. So no extrapolated tail lowers
the FMR of a fused decision.

Whoever is compared chooses what to present, so the FMR of a sum is the highest of all selections of the modalities.
Without that a face that matches beside fingers that plainly don't would be "rare among strangers", and pass: the tail
of all modalities asks what strangers reach, not whether the holder would. With it the FMR depends on the sum alone and
falls with it, and a modality that speaks against the holder never lowers it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.calibration import Calibration
from biometrics.scoring.parameters import GRID_STEP


@dataclass(frozen=True, slots=True)
class Consistency:
    """The person axis of a decision: `consistency` (0..1) is the probability of "the same person" at even prior odds.

    `llr` is the sum of the assessed modalities' ratios, `fmr` the share of non-mated persons who reach it with these
    modalities or with some of them.
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
    """The share of non-mated persons whose summed ratio is at least `llr` (any shape): rounded up, never 0.

    It is the highest share of all selections of the calibrations (a calibration stands there once for each modality).
    """
    wanted = np.asarray(llr, np.float64)
    everything = tuple(_ordered(calibrations))
    shares = [_share_above(selection, wanted) for selection in _selections(everything)]
    return np.asarray(np.maximum(np.max(shares, axis=0), _least_share(everything)), np.float64)


def sum_fmr(calibrations: Sequence[Calibration], llr: ArrayLike) -> NDArray[np.float64]:
    """The share of non-mated persons whose ratios of just these modalities add up to at least `llr` (any shape).

    For comparisons in which nobody chooses what to present, as of two records of a register. 0 above what they reach.
    Raises ValueError without a calibration.
    """
    if not calibrations:
        raise ValueError("no modality")
    return _share_above(tuple(_ordered(calibrations)), np.asarray(llr, np.float64))


def _ordered(calibrations: Sequence[Calibration]) -> list[Calibration]:
    return sorted(calibrations, key=lambda one: (one.engine, id(one)))


@lru_cache(maxsize=64)
def _selections(calibrations: tuple[Calibration, ...]) -> tuple[tuple[Calibration, ...], ...]:
    """Every different selection: what counts is how often each calibration is in it."""
    kinds = list(dict.fromkeys(calibrations))
    numbers = product(*(range(1 + calibrations.count(kind)) for kind in kinds))
    chosen = [
        tuple(kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)) for counts in numbers
    ]
    return tuple(selection for selection in chosen if selection)


def _share_above(calibrations: tuple[Calibration, ...], llr: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of non-mated persons whose sum over just these is at least `llr`; 0 above what they can reach.

    One alone has its own calibration's FMR here too, or a weak finger beside a good face would raise the face's.
    """
    if len(calibrations) == 1:
        return _share_alone(calibrations[0], llr)
    lowest, survival = _sum_survival(calibrations)
    # The slack undoes the rounding error of a sum that stands exactly on a point of the grid.
    index = np.ceil(llr / GRID_STEP - 1e-6).astype(np.int64) - lowest
    return np.append(survival, 0.0)[np.clip(index, 0, len(survival))]


def _logistic(llr: float) -> float:
    return 1 / (1 + math.exp(-llr)) if llr >= 0 else math.exp(llr) / (1 + math.exp(llr))


def _least_share(calibrations: tuple[Calibration, ...]) -> float:
    if len(calibrations) == 1:
        return math.exp(calibrations[0].ln_fmr[-1])
    return float(_sum_survival(calibrations)[1][-1])


def _share_alone(calibration: Calibration, llr: NDArray[np.float64]) -> NDArray[np.float64]:
    scores, ratios = _fine(calibration)
    # At the last score below, which is at most one step of the fine scale lower: rounded up.
    place = np.searchsorted(ratios, llr - 1e-9, side="left") - 1
    share = np.where(place < 0, 1.0, calibration.fmr_of(scores[np.maximum(place, 0)]))
    return np.where(llr > ratios[-1] + 1e-9, 0.0, share)


@lru_cache(maxsize=128)
def _sum_survival(calibrations: tuple[Calibration, ...]) -> tuple[int, NDArray[np.float64]]:
    """P(sum >= (lowest + i) * GRID_STEP) for i = 0, 1, ...: (lowest, survival)."""
    lowest, mass = _sum_mass(calibrations)
    return lowest, np.minimum(np.cumsum(mass[::-1])[::-1], 1.0)


@lru_cache(maxsize=128)
def _sum_mass(calibrations: tuple[Calibration, ...]) -> tuple[int, NDArray[np.float64]]:
    lowest, mass = _masses(calibrations[-1])
    if len(calibrations) == 1:
        return lowest, mass
    start, others = _sum_mass(calibrations[:-1])
    return lowest + start, np.convolve(others, mass)


@lru_cache(maxsize=64)
def _masses(calibration: Calibration) -> tuple[int, NDArray[np.float64]]:
    """Non-mated probabilities of one modality's ratio on the grid, every ratio rounded up to the next grid point."""
    first, last = (math.ceil(calibration.llr[end] / GRID_STEP - 1e-6) for end in (0, -1))
    grid = np.arange(first, last) * GRID_STEP
    # P(ratio > grid point) is the FMR at the last score whose ratio is not above the point; towards more.
    scores, llr = _fine(calibration)
    above = calibration.fmr_of(scores)[np.maximum(np.searchsorted(llr, grid, side="right") - 1, 0)]
    above = np.maximum(above, calibration.measured_to)
    edges = np.concatenate([[1.0], above, [0.0]])
    return first, -np.diff(edges)


@lru_cache(maxsize=64)
def _fine(calibration: Calibration) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores at and between the knots, rising, and their ratios."""
    places = np.arange(0, len(calibration.score) - 1 + 1e-9, 1 / 64)
    scores = np.interp(places, np.arange(len(calibration.score)), calibration.score)
    return scores, calibration.llr_of(scores)
