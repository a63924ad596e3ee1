"""Fitting the statistics of `statistics.py` to the embeddings of many people.

Two strengths are not fitted but chosen: how far the within-person covariance W is drawn to a multiple of the identity
(there are few people for 128 x 128 numbers, and other cameras scatter differently), and how far it is undone: the
transform is W^(-strength / 2), 0 for mere centring and 1 for full whitening. Two halves of the people choose them, each
tested with the statistics of the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .statistics import Statistics


@dataclass(frozen=True)
class Strengths:
    """How far W is drawn to the identity (`shrinkage`, 0..1) and how far it is undone (`whitening`, 0..1)."""

    shrinkage: float
    whitening: float


def fit(
    engine: str,
    embeddings: NDArray[np.float32],
    people: Sequence[str],
    provenance: Mapping[str, Any] | None = None,
) -> Statistics:
    """Statistics of `embeddings` (N, D) of the named `people` (N,), with the strengths chosen on halves of the people.

    Raises ValueError when fewer than 50 people have two pictures or more: nothing could be said of 128 dimensions.
    """
    numbers = np.unique(people, return_inverse=True)[1]
    pictures = np.bincount(numbers)
    if np.count_nonzero(pictures > 1) < parameters.LEAST_PEOPLE:
        raise ValueError(f"at least {parameters.LEAST_PEOPLE} people with two pictures are needed")
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).astype(np.float64)
    strengths = _chosen(unit, numbers, halves(people, "strengths"))
    facts = {
        "method": "mean of the people; within-person covariance, shrunk to the identity, partly undone",
        "people": len(pictures),
        "pictures": len(people),
        "shrinkage": strengths.shrinkage,
        "whitening": strengths.whitening,
        **(provenance or {}),
    }
    mean, within = _moments(unit, numbers)
    return Statistics(engine, mean.astype(np.float32), _transform(within, strengths).astype(np.float32), facts)


def halves(people: Sequence[str], salt: str = "") -> NDArray[np.intp]:
    """0 or 1 for each of `people` (N,): a bit of the hash of the name, so that nothing but the name decides."""
    bits = {name: hashlib.sha256(f"{salt}{name}".encode()).digest()[0] & 1 for name in set(people)}
    return np.array([bits[name] for name in people], np.intp)


def _moments(unit: NDArray[np.float64], numbers: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean of the people's means (D,), and the covariance (D, D) of pictures around their person's mean.

    Nobody counts for more than MOST_PICTURES: one much-photographed man would teach what is special about him.
    """
    _, numbers, count = np.unique(numbers, return_inverse=True, return_counts=True)
    means = np.zeros((len(count), unit.shape[1]))
    np.add.at(means, numbers, unit)
    means /= count[:, None]
    several = count[numbers] > 1
    apart, pictures = (unit - means[numbers])[several], count[numbers][several].astype(np.float64)
    weight = np.minimum(pictures, parameters.MOST_PICTURES) / pictures
    # The mean of a person's own n pictures is too near them: n / (n - 1) makes up for it.
    within = (apart * (weight * pictures / (pictures - 1))[:, None]).T @ apart / weight.sum()
    return means.mean(axis=0), within


def _transform(within: NDArray[np.float64], strengths: Strengths) -> NDArray[np.float64]:
    size = len(within)
    shrunk = (1 - strengths.shrinkage) * within + strengths.shrinkage * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(shrunk)
    # The scale is free: lengths are taken off afterwards.
    return np.asarray((vectors * (values / values.mean()) ** (-strengths.whitening / 2)) @ vectors.T, np.float64)


def _chosen(unit: NDArray[np.float64], numbers: NDArray[np.intp], half: NDArray[np.intp]) -> Strengths:
    """The mildest strengths of those about as good as the best, on two halves of the people that test one another.

    Good is a low FNMR, the mean over CHOICE_FMRS; about as good, within CHOICE_MARGIN of it. Few errors decide here,
    and what is milder asks less of people and cameras that were never seen.
    """
    moments = [_moments(unit[half != side], numbers[half != side]) for side in (0, 1)]
    mildest_first = [Strengths(*pair) for pair in product(parameters.SHRINKAGES, parameters.WHITENINGS)]
    costs = []
    for strengths in mildest_first:
        cost = 0.0
        for side, (mean, within) in enumerate(moments):
            moved = (unit[half == side] - mean) @ _transform(within, strengths)
            cost += _cost(moved / np.linalg.norm(moved, axis=1, keepdims=True), numbers[half == side])
        costs.append(cost)
    enough = min(costs) * (1 + parameters.CHOICE_MARGIN)
    return next(strengths for strengths, cost in zip(mildest_first, costs, strict=True) if cost <= enough)


def _cost(vectors: NDArray[np.float64], numbers: NDArray[np.intp]) -> float:
    """Mean FNMR at CHOICE_FMRS over all pairs of rows; every person's mated pairs weigh as much as the person's
    pictures, at most MOST_PICTURES."""
    single = vectors.astype(np.float32)
    cosines = single @ single.T
    row, column = np.nonzero(np.triu(numbers[:, None] == numbers[None, :], 1))
    mated, pictures = cosines[row, column], np.bincount(numbers)[numbers[row]]
    weight = np.minimum(pictures, parameters.MOST_PICTURES) / (pictures * (pictures - 1) / 2)
    non_mated = cosines[numbers[:, None] < numbers[None, :]]
    places = [int((1 - fmr) * len(non_mated)) for fmr in parameters.CHOICE_FMRS]
    thresholds = np.partition(non_mated, places)[places]
    return float(np.mean([np.average(mated <= threshold, weights=weight) for threshold in thresholds]))
