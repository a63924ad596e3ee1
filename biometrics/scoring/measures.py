"""How good a calibration is: the cost of its log-likelihood ratios, and what of it is miscalibration."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.parameters import ECE_BINS

Array = NDArray[np.float64]


def cllr(mated: ArrayLike, non_mated: ArrayLike) -> float:
    """Cost of natural-log likelihood ratios in bits, 0 for perfect ones, 1 for no information (always ratio 1).

    Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech & Language 20,
    2006. Raises ValueError when a side is empty.
    """
    return (_mean_bits(-_side(mated)) + _mean_bits(_side(non_mated))) / 2


def cllr_min(mated: ArrayLike, non_mated: ArrayLike) -> float:
    """The cost that is left when the same scores are calibrated as well as any monotone function can (isotonic).

    `cllr - cllr_min` is the price of miscalibration. Raises ValueError when a side is empty.
    """
    mates, others = _side(mated), _side(non_mated)
    scores = np.concatenate([mates, others])
    order = np.unique(scores, return_inverse=True)[1]
    mated_count = np.bincount(order[: len(mates)], minlength=order.max() + 1) / len(mates)
    other_count = np.bincount(order[len(mates) :], minlength=order.max() + 1) / len(others)
    cost = 0.0
    for mate, other in _pooled(mated_count, other_count):
        total = mate + other
        cost -= mate * np.log2(mate / total) if mate else 0.0
        cost -= other * np.log2(other / total) if other else 0.0
    return float(cost / 2)


def expected_calibration_error(mated: ArrayLike, non_mated: ArrayLike, *, bins: int = ECE_BINS) -> float:
    """Mean distance between the stated probability of "mated" and the observed share, at even prior odds.

    Both sides weigh one half; the stated probabilities are cut into `bins` of equal width. Raises ValueError when a
    side is empty.
    """
    mates, others = _side(mated), _side(non_mated)
    stated = 0.5 * (1 + np.tanh(np.concatenate([mates, others]) / 2))
    weight = np.concatenate([np.full(len(mates), 0.5 / len(mates)), np.full(len(others), 0.5 / len(others))])
    observed = np.concatenate([np.ones(len(mates)), np.zeros(len(others))])
    place = np.minimum((stated * bins).astype(np.int64), bins - 1)
    return float(np.abs(np.bincount(place, weight * (stated - observed), minlength=bins)).sum())


def _side(values: ArrayLike) -> Array:
    ratios = np.asarray(values, np.float64).ravel()
    if ratios.size == 0:
        raise ValueError("both mated and non-mated ratios are needed")
    return ratios


def _mean_bits(ratios: Array) -> float:
    return float(np.mean(np.logaddexp(0.0, ratios)) / np.log(2))


def _pooled(mated: Array, other: Array) -> list[tuple[float, float]]:
    """Blocks (mated, non-mated mass) of rising mated share, by pooling adjacent violators."""
    blocks: list[tuple[float, float]] = []
    for mate, rest in zip(mated.tolist(), other.tolist(), strict=True):
        here = (mate, rest)
        while blocks and blocks[-1][0] * here[1] >= here[0] * blocks[-1][1]:
            last = blocks.pop()
            here = (last[0] + here[0], last[1] + here[1])
        blocks.append(here)
    return blocks
