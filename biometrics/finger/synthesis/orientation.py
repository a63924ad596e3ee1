"""Singular points, and the orientation field that they make.

The field is the zero-pole model of Sherlock and Monro (1993) with the idea of Vizcaya and Gerhardt (1996) that each
singular point turns the flow by a function of the angle at which it is seen rather than by that angle itself; here the
function is a short Fourier series, which leaves no kinks. Arches have no singular points and get a field of their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field, smooth_field


@dataclass(frozen=True)
class Pattern:
    """A finger's class and its singular points, (n, 2) x and y in pixels of the master, y downwards."""

    kind: str
    cores: NDArray[np.float64]
    deltas: NDArray[np.float64]
    steepness: float
    lean: float


def draw_pattern(rng: np.random.Generator) -> Pattern:
    """A class with its natural frequency and singular points where that class has them."""
    kinds = list(p.CLASS_FREQUENCIES)
    weights = np.array(list(p.CLASS_FREQUENCIES.values()))
    kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    core = np.array(
        [
            p.MASTER_WIDTH / 2 + p.CORE_X_SPREAD * rng.standard_normal(),
            p.MASTER_HEIGHT * p.CORE_Y + p.CORE_Y_SPREAD * rng.standard_normal(),
        ]
    )
    cores, deltas = _singular_points(rng, kind, core)
    return Pattern(kind, cores, deltas, float(rng.uniform(*p.STEEPNESS)), float(rng.normal(0.0, 0.1)))


def _singular_points(
    rng: np.random.Generator, kind: str, core: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    empty = np.empty((0, 2))
    if kind == "arch":
        return empty, empty
    if kind == "tented_arch":
        return core[None], core[None] + [[rng.normal(0.0, 5.0), rng.uniform(55.0, 105.0)]]
    if kind in {"left_loop", "right_loop"}:
        side = 1.0 if kind == "left_loop" else -1.0
        return core[None], core[None] + [[side * rng.uniform(40.0, 100.0), rng.uniform(75.0, 160.0)]]
    below = core + np.array([rng.normal(0.0, 12.0), rng.uniform(14.0, 60.0)])
    middle = (core + below) / 2
    left = middle + np.array([-rng.uniform(75.0, 125.0), rng.uniform(60.0, 125.0)])
    right = middle + np.array([rng.uniform(75.0, 125.0), rng.uniform(60.0, 125.0)])
    return np.stack([core, below]), np.stack([left, right])


def orientation_field(rng: np.random.Generator, pattern: Pattern) -> Field:
    """Ridge orientation on the master in radians modulo pi, counter-clockwise from the x axis as seen."""
    y, x = np.mgrid[0 : p.MASTER_HEIGHT, 0 : p.MASTER_WIDTH].astype(np.float64)
    theta = _arch(rng, x, y, pattern) if pattern.kind == "arch" else _zero_pole(rng, x, y, pattern)
    noise = smooth_field(rng, p.MASTER_HEIGHT, p.MASTER_WIDTH, p.FLOW_NOISE_GRID)
    return np.asarray(np.mod(theta + np.deg2rad(p.FLOW_NOISE) * noise, np.pi), dtype=np.float32)


def _zero_pole(
    rng: np.random.Generator, x: NDArray[np.float64], y: NDArray[np.float64], pattern: Pattern
) -> NDArray[np.float64]:
    turn = np.zeros_like(x)
    for core_x, core_y in pattern.cores:
        turn += np.arctan2(core_y - y, x - core_x)
    for delta_x, delta_y in pattern.deltas:
        seen = np.arctan2(delta_y - y, x - delta_x)
        wobble = rng.normal(0.0, p.DELTA_WOBBLE, 2)
        turn -= seen + wobble[0] * np.sin(seen) + wobble[1] * np.cos(2 * seen)
    return turn / 2 - _flanks(x, y, pattern)


def _flanks(x: NDArray[np.float64], y: NDArray[np.float64], pattern: Pattern) -> NDArray[np.float64]:
    """What the zero-pole model lacks, radians: concentric bends over parallel legs at cores, and steep flanks around.

    A bare zero-pole core is a parabola, whose legs fan out. Half a sine of the angle off the core's own axis brings the
    bend to the near side and leaves the legs parallel. Further out the same term about the vertical makes the flanks
    fall steeply, more above the core (the cap is round) than below (the joint is straight).
    """
    bend = np.zeros_like(x)
    for i, (core_x, core_y) in enumerate(pattern.cores):
        near = _nearness(x - core_x, y - core_y, p.BEND_REACH)
        bend += near * p.BEND * np.sin(np.arctan2(core_y - y, x - core_x) - _axis(pattern, i))
    centre_x, centre_y = pattern.cores.mean(axis=0)
    far = 1.0 - _nearness(x - centre_x, y - centre_y, p.FLANK_REACH)
    seen = np.arctan2(centre_y - y, x - centre_x)
    return np.asarray(
        (bend + pattern.steepness * far * np.cos(seen - pattern.lean) * (1 + p.FLANK_LIFT * np.sin(seen))) / 2
    )


def _nearness(dx: NDArray[np.float64], dy: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(dx**2 + dy**2) / (2 * reach**2)))


def _axis(pattern: Pattern, core: int) -> float:
    """The direction (radians) into which a core opens: where the zero-pole flow runs straight away from it."""
    x, y = pattern.cores[core]
    turn = sum(np.arctan2(other[1] - y, x - other[0]) for i, other in enumerate(pattern.cores) if i != core)
    turn -= sum(np.arctan2(delta[1] - y, x - delta[0]) for delta in pattern.deltas)
    return float(turn)


def _arch(
    rng: np.random.Generator, x: NDArray[np.float64], y: NDArray[np.float64], pattern: Pattern
) -> NDArray[np.float64]:
    """Ridges that rise and fall as a bell: steepest in the middle, flat at the joint, a wide cap at the tip."""
    centre = p.MASTER_WIDTH / 2 + p.CORE_X_SPREAD * rng.standard_normal()
    crest = p.MASTER_HEIGHT * rng.uniform(0.5, 0.6)
    down = (y - crest) / p.MASTER_HEIGHT
    width = 62.0 + 170.0 * np.clip(-down, 0.0, None) + 60.0 * np.clip(down, 0.0, None)
    height = rng.uniform(1.3, 1.9) * np.exp(-((down / np.where(down < 0, 0.55, 0.17)) ** 2)) + 0.12
    u = (x - centre - 40.0 * pattern.lean * down) / width
    return np.asarray(np.arctan(-height * u * np.exp(-(u**2) / 2)))
