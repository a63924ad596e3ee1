"""Rates of whole transactions: attempts, retries and several fingers, not single comparisons (ISO/IEC 19795-1).

A person who is not accepted tries again, up to a limit; an attempt presents one or more instances (fingers, a face)
whose scores become one. The transaction has the score of its best attempt: it is accepted at a threshold exactly when
that one is. So FAR and FRR at every threshold are the FMR and FNMR of the transactions' scores. An attempt that could
not be acquired, or a person who could not be enrolled, is an attempt with the score -inf: rejected, and counted.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from biometrics.scoring.bootstrap import Comparisons

# How the instances of one attempt become one score: any of them suffices, all are asked for, or ratios that add up.
Together = Literal["any", "all", "sum"]


@dataclass(frozen=True, slots=True)
class Presentation:
    """One instance presented in one attempt; `score` -inf for a failure to acquire or to enrol."""

    transaction: Hashable
    attempt: int
    reference: Hashable
    probe: Hashable
    mated: bool
    score: float


def transaction_scores(
    presentations: Iterable[Presentation], *, attempts: int, together: Together = "any"
) -> Comparisons:
    """Every transaction's score with its subjects (`reference` and `probe` are persons).

    Only the first `attempts` attempts count, by their numbers. With `all` and `sum` a failed instance fails the
    attempt. Raises ValueError without an attempt, or where one transaction is told in two ways.
    """
    if attempts < 1:
        raise ValueError("a transaction has at least one attempt")
    people: dict[Hashable, tuple[Hashable, Hashable, bool]] = {}
    scores: dict[Hashable, dict[int, list[float]]] = {}
    for one in presentations:
        told = (one.reference, one.probe, one.mated)
        if people.setdefault(one.transaction, told) != told:
            raise ValueError("a transaction has one reference, one probe and is mated or not")
        scores.setdefault(one.transaction, {}).setdefault(one.attempt, []).append(one.score)
    return Comparisons.of((*people[key], _best(tried, attempts, together)) for key, tried in scores.items())


def _best(tried: dict[int, list[float]], attempts: int, together: Together) -> float:
    return max(_fused(tried[number], together) for number in sorted(tried)[:attempts])


def _fused(scores: list[float], together: Together) -> float:
    if together == "sum":
        return sum(scores)
    return max(scores) if together == "any" else min(scores)


def far(fmr: float, fta: float) -> float:
    """False accept rate of one attempt: a capture was acquired, and falsely matched."""
    return fmr * (1 - fta)


def frr(fnmr: float, fta: float) -> float:
    """False reject rate of one attempt: nothing was acquired, or it falsely did not match."""
    return fta + fnmr * (1 - fta)


def generalised_far(fmr: float, fta: float, fte: float) -> float:
    """FAR with the failures to enrol counted as non-matches."""
    return (1 - fte) * far(fmr, fta)


def generalised_frr(fnmr: float, fta: float, fte: float) -> float:
    """FRR with the failures to enrol counted as rejections."""
    return fte + (1 - fte) * frr(fnmr, fta)


def independent_transactions(rate: float, attempts: int, *, accepted: bool) -> float:
    """A transaction's FAR (`accepted`) or FRR from one attempt's, were the attempts independent.

    They are not: whoever is rejected once is likelier to be rejected again. So this is a bound of hope for the FRR; use
    `transaction_scores` where there are data.
    """
    if attempts < 1:
        raise ValueError("a transaction has at least one attempt")
    return float(-np.expm1(attempts * np.log1p(-rate))) if accepted else rate**attempts
