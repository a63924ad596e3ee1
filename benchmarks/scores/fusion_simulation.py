"""Simulated scores of two face matchers and two index fingers, to compare fusion rules where no public set may be had.

The shapes are drawn anew for every world: heavy tails, skew, look-alikes (groups of people), people who match everybody
a little, fingers' integer scores, poor fingers and pictures, people who match badly in everything. The matchers are as
strong as those of NIST BSSR1 set 1 are said to be: the share of mated scores above an FMR of 1e-4 is given, and where
the mated scores must lie for it is found by bisection. Nothing here was fitted to that set's scores.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

MATCHERS = ("face_c", "face_g", "finger_ri", "finger_li")
FACES, FINGERS = (0, 1), (2, 3)
NORMAL_TAIL = 1e6
Array = NDArray[np.float64]
Random = np.random.Generator

_GRID = np.linspace(-6, 6, 400)
_SHARE = np.array([NormalDist().cdf(value) for value in _GRID.tolist()])
_DRAWS = np.linspace(1e-9, 1 - 1e-9, 400)


@dataclass(frozen=True)
class World:
    """One way the world may be; see `World.of` for the ranges."""

    seed: int
    face_correlation: float
    mated_correlation: float
    face_tail: float
    face_skew: float
    look_alikes: float
    personal: float
    poor_fingers: float
    poor_clustering: float
    finger_correlation: float
    finger_shape: float
    mated_shape: float
    poor_faces: float
    poor_people: float
    poor_strength: float
    wide_share: float
    wide_factor: float
    mated_spread: float
    mated_skew: float
    pair_spread: float
    finger_law: str
    strength: Array

    @classmethod
    def of(cls, seed: int) -> "World":
        """The world of a number."""
        random = np.random.default_rng(5000 + seed)
        between = random.uniform
        return cls(
            seed,
            face_correlation=between(0.1, 0.6),
            mated_correlation=between(0.5, 0.85),
            face_tail=float(random.choice([4, 6, 10, NORMAL_TAIL])),
            face_skew=between(0, 0.4),
            look_alikes=between(0, 1.2),
            personal=between(0.1, 0.4),
            poor_fingers=between(0.01, 0.1),
            poor_clustering=between(0, 1.5),
            finger_correlation=between(0.3, 0.8),
            finger_shape=between(1.2, 4),
            mated_shape=between(1.0, 4),
            poor_faces=between(0, 0.08),
            poor_people=between(0, 0.015),
            poor_strength=between(0.05, 0.4),
            wide_share=float(random.choice([0, 3e-4, 1e-3])),
            wide_factor=between(1.5, 3),
            mated_spread=between(1.0, 2.4),
            mated_skew=between(-0.5, 0.3),
            pair_spread=between(0, 0.3),
            finger_law=str(random.choice(["gamma", "lognormal", "weibull"])),
            strength=np.array([between(0.71, 0.75), between(0.60, 0.75), between(0.83, 0.87), between(0.72, 0.82)]),
        )


@dataclass(frozen=True)
class People:
    """What is lasting about people (S,): group, how much they match others as probe and reference, their quality."""

    group: NDArray[np.int64]
    as_probe: Array
    as_reference: Array
    face: Array
    finger: Array

    @classmethod
    def draw(cls, count: int, random: Random) -> "People":
        """So many new people."""
        group = random.integers(4, size=count)
        personal = random.standard_normal((2, count, 4))
        return cls(group, *personal, *random.standard_normal((2, count)))


def non_mated(
    world: World, people: People, probe: NDArray[np.intp], reference: NDArray[np.intp], random: Random
) -> Array:
    """Latent scores (P, 4) of the comparisons of two lists of people (P,)."""
    count = len(probe)
    likeness = random.standard_normal(count)
    likeness += world.look_alikes * ((people.group[probe] == people.group[reference]) - 0.25)
    personal = world.personal * (people.as_probe[probe] + people.as_reference[reference])
    wide = np.where(random.random(count) < world.wide_share, world.wide_factor, 1.0)
    scores = np.empty((count, 4))
    for place in FACES:
        own = _heavy(random, count, world.face_tail)
        mixed = np.sqrt(world.face_correlation) * likeness + np.sqrt(1 - world.face_correlation) * own
        scores[:, place] = _skewed(wide * mixed + personal[:, place], world.face_skew)
    quality = people.finger[probe] + people.finger[reference]
    pair = np.exp(world.pair_spread * random.standard_normal(count) + 0.15 * world.finger_correlation * quality)
    for place in FINGERS:
        drawn = random.gamma(world.finger_shape, 7 / world.finger_shape, count)
        scores[:, place] = np.floor(drawn * pair * np.exp(0.3 * personal[:, place]))
    return scores


def mated(world: World, people: People, location: Array, random: Random) -> Array:
    """Latent scores (S, 4) of every person's own comparison; `location` (4,) is where the matchers' scores lie."""
    count = len(people.face)
    everyone = np.arange(count)
    chance = non_mated(world, people, everyone, everyone, random)
    weak = np.where(random.random(count) < world.poor_people, world.poor_strength, 1.0)
    scores = np.empty((count, 4))
    for place in FACES:
        latent = _mixed(people.face, world.mated_correlation, random)
        raised = weak * location[place] + world.mated_spread * _skewed(latent, world.mated_skew)
        scores[:, place] = _skewed(raised, world.face_skew)
    for place in FINGERS:
        latent = _mixed(people.finger, world.finger_correlation, random)
        scores[:, place] = np.floor(weak * location[place] * _finger(world, latent) + 0.5 * chance[:, place])
    poor = random.random(count) < world.poor_faces
    failing = np.stack([poor, poor & (random.random(count) < 0.7)], axis=1)
    tendency = np.exp(-world.poor_clustering * people.finger - 0.5 * world.poor_clustering**2)
    fingers = random.random((count, 2)) < (world.poor_fingers * tendency)[:, None]
    return np.where(np.hstack([failing, fingers]), chance, scores)


def locate(world: World) -> Array:
    """Where mated scores lie (4,) for the world's strengths at an FMR of 1e-4."""
    random = np.random.default_rng(world.seed)
    people = People.draw(3000, random)
    threshold = np.quantile(non_mated(world, people, *_pairs(3000, 400_000, random), random), 1 - 1e-4, axis=0)
    low, high = np.array([0.0, 0.0, 5.0, 5.0]), np.array([25.0, 25.0, 600.0, 600.0])
    for _ in range(20):
        middle = (low + high) / 2
        weak = np.mean(mated(world, people, middle, np.random.default_rng(5)) > threshold, axis=0) < world.strength
        low, high = np.where(weak, middle, low), np.where(weak, high, middle)
    return np.asarray((low + high) / 2, np.float64)


def simulate(
    world: World, location: Array, subjects: int, random: Random, pairs: int | None = None
) -> tuple[Array, Array]:
    """Scores of new people as matchers give them: mated (S, 4) and all non-mated pairs, or so many random ones."""
    people = People.draw(subjects, random)
    if pairs is None:
        probe, reference = np.nonzero(~np.eye(subjects, dtype=bool))
    else:
        probe, reference = _pairs(subjects, pairs, random)
    sides = mated(world, people, location, random), non_mated(world, people, probe, reference, random)
    for scores in sides:
        scores[:, 0] = np.round(0.5 + 0.03 * scores[:, 0], 6)
        scores[:, 1] = np.round(60 + 4 * scores[:, 1], 3)
    return sides


def _pairs(subjects: int, pairs: int, random: Random) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    probe = random.integers(subjects, size=pairs)
    return probe, (probe + random.integers(1, subjects, size=pairs)) % subjects


def _mixed(common: Array, correlation: float, random: Random) -> Array:
    own = random.standard_normal(len(common))
    return np.asarray(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own, np.float64)


def _heavy(random: Random, count: int, freedom: float) -> Array:
    """Student's t of variance 1."""
    drawn = random.standard_normal(count)
    if freedom >= NORMAL_TAIL:
        return drawn
    return np.asarray(drawn / np.sqrt(random.chisquare(freedom, count) / (freedom - 2)), np.float64)


def _skewed(values: Array, skew: float) -> Array:
    if abs(skew) < 0.02:
        return values
    return np.asarray(np.expm1(skew * np.clip(values, -30, 30)) / skew, np.float64)


def _finger(world: World, latent: Array) -> Array:
    """A finger's strength, of the world's law, at the quantile that a standard normal value stands at."""
    if world.finger_law == "lognormal":
        return np.asarray(np.exp(latent * 0.9 / np.sqrt(world.mated_shape)), np.float64)
    share = np.interp(latent, _GRID, _SHARE)
    if world.finger_law == "weibull":
        depth = np.asarray(-np.log1p(-np.minimum(share, 1 - 1e-9)), np.float64)
        return np.asarray(depth ** (1 / (0.8 + 0.35 * world.mated_shape)), np.float64)
    table = np.quantile(np.random.default_rng(0).gamma(world.mated_shape, 1 / world.mated_shape, 100_000), _DRAWS)
    return np.asarray(np.interp(share, _DRAWS, table), np.float64)
