"""Mixtures of normal distributions by expectation and maximisation, for densities of several matchers' scores.

The likelihood ratio of two such mixtures as a fusion rule: Nandakumar, Chen, Dass, Jain, "Likelihood ratio-based
biometric score fusion", IEEE PAMI 30, 2008.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.parameters import MIXTURE_ITERATIONS, MIXTURE_TOLERANCE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mixture:
    """`share` (C,) adding up to one, `mean` (C, K), `factor` (C, K, K) the inverses of the covariances' roots."""

    share: Array
    mean: Array
    factor: Array

    @classmethod
    def fit(cls, points: Array, weight: Array, components: int, *, ridge: float) -> "Mixture":
        """To points (P, K) with weights (P,) > 0.

        Covariances are drawn towards the one of all points with the weight of K + 1 points, and a share `ridge` of the
        variances is added to their diagonals, so that no component collapses onto a few points. The components start
        as slices of equal weight along the main axis of the points: no chance is in it.
        """
        whole = _covariance(points, weight, np.average(points, axis=0, weights=weight))
        floor = ridge * np.diag(np.diag(whole))
        member = _slices(points, weight, whole, components)
        last = -np.inf
        for _ in range(MIXTURE_ITERATIONS):
            found = cls._of(points, weight[:, None] * member, whole, floor)
            parts = found.parts(points)
            total = np.logaddexp.reduce(parts, axis=1)
            member = np.exp(parts - total[:, None])
            fit = float(np.average(total, weights=weight))
            if fit - last <= MIXTURE_TOLERANCE:
                break
            last = fit
        return found

    @classmethod
    def _of(cls, points: Array, member: Array, whole: Array, floor: Array) -> "Mixture":
        size = points.shape[1]
        mass = member.sum(axis=0) + 1e-9
        mean = (member.T @ points) / mass[:, None]
        factors = []
        for number in range(member.shape[1]):
            own = _covariance(points, member[:, number], mean[number])
            drawn = (mass[number] * own + (size + 1) * whole) / (mass[number] + size + 1) + floor
            factors.append(np.linalg.inv(np.linalg.cholesky(drawn)))
        return cls(mass / mass.sum(), mean, np.stack(factors))

    def log_density(self, points: Array) -> Array:
        """Natural logarithm of the density (P,) at points (P, K)."""
        return np.asarray(np.logaddexp.reduce(self.parts(points), axis=1), np.float64)

    def parts(self, points: Array) -> Array:
        """Logarithms (P, C) of every component's share of the density."""
        parts = np.empty((len(points), len(self.share)))
        constant = 0.5 * points.shape[1] * np.log(2 * np.pi)
        for number, (share, mean, factor) in enumerate(zip(self.share, self.mean, self.factor, strict=True)):
            far = (points - mean) @ factor.T
            scale = np.log(share) + np.log(np.diag(factor)).sum() - constant
            parts[:, number] = scale - 0.5 * np.einsum("pk,pk->p", far, far)
        return parts


def _covariance(points: Array, weight: Array, mean: Array) -> Array:
    far = points - mean
    return np.asarray((far * weight[:, None]).T @ far / max(float(weight.sum()), 1e-9), np.float64)


def _slices(points: Array, weight: Array, covariance: Array, components: int) -> Array:
    axis = np.linalg.eigh(covariance)[1][:, -1]
    along = points @ axis
    order = np.argsort(along, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    member = np.zeros((len(points), components))
    member[order, np.minimum((below * components).astype(np.int64), components - 1)] = 1.0
    return member
