"""Logistic regression on linear, squared and mixed terms, with a ridge: a log-likelihood ratio as a quadratic form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.parameters import FIT_ITERATIONS, FIT_TOLERANCE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quadratic:
    """`coefficients` of the terms of `terms`, whose value is the log-likelihood ratio."""

    coefficients: Array
    degree: int

    @classmethod
    def fit(cls, mated: Array, non_mated: Array, *, ridge: float, degree: int = 2) -> "Quadratic":
        """From points (M, K) and (N, K), every one of the same weight, by Newton's method.

        There are far fewer mated comparisons than non-mated ones; left so, the fit is best where the two kinds are as
        frequent, which is near the low FMRs that decisions are made at. The prior odds are taken out again.
        """
        points = np.concatenate([mated, non_mated])
        target = np.concatenate([np.ones(len(mated)), np.zeros(len(non_mated))])
        design = terms(points, degree)
        penalty = np.full(design.shape[1], ridge)
        # The plane itself is hardly held back, its bend is.
        penalty[: 1 + mated.shape[1]] = np.append(0.0, np.full(mated.shape[1], ridge / 10))
        found = _newton(design, target, penalty)
        found[0] -= np.log(len(mated) / len(non_mated))
        return cls(found, degree)

    def llr(self, points: Array) -> Array:
        """Log-likelihood ratios (P,) of points (P, K)."""
        return terms(points, self.degree) @ self.coefficients


def terms(points: Array, degree: int) -> Array:
    """1, every coordinate, and with degree 2 every product of two of them: (P, 1 + K + K (K + 1) / 2)."""
    count = points.shape[1]
    columns = [np.ones(len(points)), *points.T]
    if degree == 2:
        columns += [points[:, one] * points[:, other] for one in range(count) for other in range(one, count)]
    return np.stack(columns, axis=1)


def _newton(design: Array, target: Array, penalty: Array) -> Array:
    found = np.zeros(design.shape[1])
    loss = _loss(design, target, penalty, found)
    for _ in range(FIT_ITERATIONS):
        share = 0.5 * (1 + np.tanh(design @ found / 2))
        slope = design.T @ (share - target) + penalty * found
        bend = (design * (share * (1 - share))[:, None]).T @ design
        bend[np.diag_indices_from(bend)] += penalty + 1e-9
        step = np.asarray(np.linalg.solve(bend, slope), np.float64)
        moved, lower = _shortened(design, target, penalty, found, step, loss)
        if loss - lower <= FIT_TOLERANCE * (1 + abs(loss)):
            return moved
        found, loss = moved, lower
    return found


def _shortened(
    design: Array, target: Array, penalty: Array, found: Array, step: Array, loss: float
) -> tuple[Array, float]:
    """Newton's step, halved until the loss falls; the point itself when it does not."""
    for halvings in range(30):
        moved = found - step / 2**halvings
        lower = _loss(design, target, penalty, moved)
        if lower < loss:
            return moved, lower
    return found, loss


def _loss(design: Array, target: Array, penalty: Array, found: Array) -> float:
    logit = design @ found
    return float(np.logaddexp(0, logit).sum() - target @ logit + 0.5 * penalty @ found**2)
