"""Log-likelihood ratio as a smooth, rising function, by penalised Poisson regression on a histogram.

The scores are cut into bins with known non-mated probabilities q. The mated counts y of the bins are Poisson with means
M q exp(f); f is the log-likelihood ratio of a bin. It is fitted with a penalty on its second differences (Eilers and
Marx, "Flexible smoothing with B-splines and penalties", Statistical Science 11, 1996, bins in place of splines) and one
on falling steps (Bollaerts, Eilers and van Mechelen, Statistics in Medicine 25, 2006). At the optimum the means add up
to the counts, so that f is a proper ratio of two densities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.parameters import FIT_ITERATIONS, FIT_TOLERANCE, INNER_FOLDS, MONOTONE_WEIGHT, SMOOTHING

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Histogram:
    """Bins in order of rising score: `position` (B,) on the axis of smoothing, `non_mated` (B,) their probabilities."""

    position: Array
    non_mated: Array


def counted(bins: Histogram, bin_of: NDArray[np.intp], weight: Array) -> Array:
    """Weighted counts (B,) of comparisons with the bins `bin_of`; one past the last bin is beyond all bins."""
    size = len(bins.position)
    return np.bincount(bin_of, weight, minlength=size + 1)[:size].astype(np.float64)


def fit_llr(bins: Histogram, mated: Array, total: float, smoothing: float) -> Array:
    """LLR (B,) of the bins for (weighted) mated counts `mated` (B,) out of `total`, in the bins and beyond.

    The ratio never falls from bin to bin. Raises ValueError where no bin has a count.
    """
    if mated.sum() <= 0:
        raise ValueError("no mated comparison in any bin: there is nothing to fit")
    expected = total * bins.non_mated
    rough = _second_differences(bins.position)
    penalty = smoothing * rough.T @ rough
    steps = np.diff(np.eye(len(expected)), axis=0)
    llr = _isotonic_start(mated, expected)
    loss = _loss(llr, mated, expected, penalty, steps)
    for _ in range(FIT_ITERATIONS):
        falling = MONOTONE_WEIGHT * (steps @ llr < 0)
        curvature = penalty + steps.T @ (falling[:, None] * steps)
        mean = expected * np.exp(llr)
        change = np.linalg.solve(np.diag(mean + 1e-12) + curvature, mated - mean - curvature @ llr)
        llr, lower = _descend(llr, change, loss, mated, expected, penalty, steps)
        if loss - lower <= FIT_TOLERANCE * (1 + abs(loss)):
            break
        loss = lower
    return np.maximum.accumulate(llr)


def choose_smoothing(bins: Histogram, mated_bin: NDArray[np.intp], weight: Array, group: NDArray[np.int32]) -> float:
    """The strength of smoothing with the highest Poisson likelihood of held-out mated comparisons.

    `mated_bin` (M,) each comparison's bin, `weight` (M,), `group` (M,) its subject: no subject is on both sides.
    """
    groups = np.unique(group)
    fold_of = dict(zip(groups.tolist(), (np.arange(len(groups)) % INNER_FOLDS).tolist(), strict=True))
    fold = np.array([fold_of[subject] for subject in group.tolist()])
    if fold.max() == 0:
        return SMOOTHING[-1]
    gains = [_held_out(bins, mated_bin, weight, fold, smoothing) for smoothing in SMOOTHING]
    return SMOOTHING[int(np.argmax(gains))]


def _held_out(
    bins: Histogram, mated_bin: NDArray[np.intp], weight: Array, fold: NDArray[np.int_], smoothing: float
) -> float:
    gain = 0.0
    for number in np.unique(fold):
        test = fold == number
        train = counted(bins, mated_bin[~test], weight[~test])
        if train.sum() <= 0:
            continue
        llr = fit_llr(bins, train, float(weight[~test].sum()), smoothing)
        gain += float(counted(bins, mated_bin[test], weight[test]) @ llr)
        gain -= float(weight[test].sum() * (bins.non_mated @ np.exp(llr)))
    return gain


def _loss(llr: Array, mated: Array, expected: Array, penalty: Array, steps: Array) -> float:
    with np.errstate(over="ignore"):
        poisson = float(np.sum(expected * np.exp(llr)) - mated @ llr)
    falls = np.minimum(steps @ llr, 0.0)
    return poisson + 0.5 * float(llr @ penalty @ llr) + 0.5 * MONOTONE_WEIGHT * float(falls @ falls)


def _descend(
    llr: Array, change: Array, loss: float, mated: Array, expected: Array, penalty: Array, steps: Array
) -> tuple[Array, float]:
    """Newton's step, halved until the loss falls; the point itself when it does not."""
    stride = 1.0
    for _ in range(40):
        moved = llr + stride * change
        lower = _loss(moved, mated, expected, penalty, steps)
        if lower < loss:
            return moved, lower
        stride /= 2
    return llr, loss


def _isotonic_start(mated: Array, expected: Array) -> Array:
    return np.maximum.accumulate(np.log((mated + 0.5) / (expected + 0.5)))


def _second_differences(position: Array) -> Array:
    """Rows of second divided differences, scaled so that smoothing means the same for any width of the bins."""
    before, after = position[1:-1] - position[:-2], position[2:] - position[1:-1]
    rows = np.zeros((len(before), len(position)))
    index = np.arange(len(before))
    rows[index, index] = 2 / (before * (before + after))
    rows[index, index + 1] = -2 / (before * after)
    rows[index, index + 2] = 2 / (after * (before + after))
    return rows * np.sqrt((before + after) / 2)[:, None]
