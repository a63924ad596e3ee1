"""The ridge period map: wider towards tip and joint, uneven, and wider where ridges fan out.

Where the flow spreads and the period does not follow, ridges must fork, always to the same side. Skin does both: it
widens somewhat and forks somewhat. So the map is relaxed towards the one whose wave vectors have no curl, in the least
squares sense and not all the way; what remains makes the forks of deltas and loops.
"""

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field, sample, smooth_field
from biometrics.finger.synthesis.orientation import Pattern

Array = NDArray[np.float64]


def period_map(rng: np.random.Generator, pattern: Pattern, theta: Field) -> Field:
    """Ridge period in pixels at each pixel of the master, given its orientation `theta` in radians."""
    height, width = p.MASTER_HEIGHT, p.MASTER_WIDTH
    mean = np.clip(p.PERIOD_MEAN + p.PERIOD_SPREAD * rng.standard_normal(), p.PERIOD_MIN, p.PERIOD_MAX)
    relative = _trend(pattern) + p.PERIOD_NOISE * smooth_field(rng, height, width, p.PERIOD_NOISE_GRID)
    step = p.PERIOD_STEP
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / step
    wanted = np.log(relative[::step, ::step]).astype(np.float64)
    change = _follow(theta[::step, ::step].astype(np.float64), wanted) - wanted
    period = mean * relative * np.exp(sample(change.astype(np.float32), x, y))
    return np.asarray(np.clip(period, p.PERIOD_MIN, p.PERIOD_MAX), dtype=np.float32)


def _trend(pattern: Pattern) -> Array:
    height = p.MASTER_HEIGHT
    top = pattern.cores[:, 1].min() if len(pattern.cores) else height * p.CORE_Y
    bottom = pattern.deltas[:, 1].max() if len(pattern.deltas) else height * 0.62
    y = np.arange(height, dtype=np.float64)[:, None]
    tip = np.clip((top - y) / top, 0.0, 1.0)
    joint = np.clip((y - bottom) / (height - bottom), 0.0, 1.0)
    return np.asarray(1.0 + p.PERIOD_AT_TIP * tip + p.PERIOD_AT_JOINT * np.sqrt(joint))


def _follow(theta: Array, wanted: Array) -> Array:
    """The logarithm of the period that follows the flow, by descent on the squared curl plus a pull to `wanted`.

    With ridges along t and n across them, the wave vector exp(-s) n has no curl where t . grad s = -n . grad theta.
    """
    along_x, along_y = np.cos(theta), -np.sin(theta)
    spread = -(np.sin(theta) * _turn(theta, 1) + np.cos(theta) * _turn(theta, 0))
    spread = np.clip(spread, -p.SPREAD_MOST, p.SPREAD_MOST)
    s = wanted.copy()
    for _ in range(p.FOLLOW_ROUNDS):
        gx, gy = np.diff(s, axis=1, append=s[:, -1:]), np.diff(s, axis=0, append=s[-1:])
        residual = along_x * gx + along_y * gy - spread
        fx, fy = residual * along_x + p.FOLLOW_SMOOTH * gx, residual * along_y + p.FOLLOW_SMOOTH * gy
        fx[:, -1], fy[-1] = 0.0, 0.0
        divergence = np.diff(fx, axis=1, prepend=0.0) + np.diff(fy, axis=0, prepend=0.0)
        s += p.FOLLOW_RATE * (divergence - p.FOLLOW_PULL * (s - wanted))
    return s


def _turn(theta: Array, axis: int) -> Array:
    """Central differences of an angle that is defined modulo pi."""
    ahead = np.roll(theta, -1, axis) - np.roll(theta, 1, axis)
    turn = ((ahead + np.pi / 2) % np.pi - np.pi / 2) / 2
    edge = (0, -1)
    for k in edge:
        turn[(slice(None), k) if axis else k] = 0.0
    return turn
