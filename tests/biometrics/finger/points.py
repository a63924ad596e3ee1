"""Fingers as bare geometry: random minutiae, and other captures of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.finger import FingerTemplate
from biometrics.finger.parameters import ENGINE

SIDE = 400
SPACING = 12.0


def random_finger(seed: int, count: int = 40) -> FingerTemplate:
    """`count` minutiae no two of which are closer than a ridge, as no two are on skin."""
    rng = np.random.default_rng(seed)
    points: list[NDArray[np.float64]] = []
    while len(points) < count:
        point = rng.uniform(60, SIDE - 60, 2)
        if all(math.dist(point, other) >= SPACING for other in points):
            points.append(point)
    x, y = np.array(points).reshape(-1, 2).T
    return of_points(x, y, rng.uniform(0, 2 * math.pi, count), rng.integers(1, 3, count))


def of_points(x: ArrayLike, y: ArrayLike, direction: ArrayLike, kind: ArrayLike) -> FingerTemplate:
    """A template of these minutiae, moved so that none lies outside the picture."""
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    xs, ys = xs - min(0.0, xs.min(initial=0.0)), ys - min(0.0, ys.min(initial=0.0))
    side = int(max(SIDE, xs.max(initial=0.0) + 1, ys.max(initial=0.0) + 1))
    grades = np.full(len(xs), 80)
    return FingerTemplate.of(
        ENGINE, side, side, x=xs, y=ys, direction=direction, kind=kind, minutia_quality=grades, quality=80
    )


def captured_again(
    finger: FingerTemplate,
    *,
    turn: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    jitter: float = 0.0,
    keep: NDArray[np.bool_] | None = None,
    spurious: int = 0,
    seed: int = 0,
) -> FingerTemplate:
    """The same finger turned (radians) about its centre, shifted and jittered (pixels); minutiae lost and added."""
    rng = np.random.default_rng(seed)
    kept = np.ones(len(finger), np.bool_) if keep is None else keep
    dx, dy = finger.x[kept].astype(np.float64) - SIDE / 2, finger.y[kept].astype(np.float64) - SIDE / 2
    x = SIDE / 2 + math.cos(turn) * dx - math.sin(turn) * dy + shift[0] + rng.normal(0, jitter, len(dx))
    y = SIDE / 2 + math.sin(turn) * dx + math.cos(turn) * dy + shift[1] + rng.normal(0, jitter, len(dx))
    direction = finger.direction[kept] + turn + rng.normal(0, math.radians(jitter), len(dx))
    order = rng.permutation(len(x) + spurious)
    return of_points(
        np.append(x, rng.uniform(60, SIDE - 60, spurious))[order],
        np.append(y, rng.uniform(60, SIDE - 60, spurious))[order],
        np.append(direction, rng.uniform(0, 2 * math.pi, spurious))[order],
        np.append(finger.kind[kept], rng.integers(1, 3, spurious))[order],
    )
