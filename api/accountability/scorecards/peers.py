"""Does one terminal's rate stand out among its peers? Beta-binomial tails, with the false discovery rate controlled.

Terminals differ, and not by chance alone: light, cameras and customers differ. So the peers' counts are taken for
beta-binomial: a mean rate, and an intraclass correlation for how much terminals differ, both estimated by weighted
moments (Kleinman 1973) from the *other* terminals, so that nobody is measured by themselves. The p-value of a terminal
is the chance that one like its peers has as many cases as it has, or more, in as many trials. Those of all terminals
and rates together are adjusted after Benjamini and Hochberg (1995). Terminals that stand out are taken from the others'
peers and the others judged again: one bad camera must not hide another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.accountability.scorecards.parameters import (
    CAUTION_Z,
    FALSE_DISCOVERY_RATE,
    FUNNEL_INNER,
    FUNNEL_OUTER,
    LEAST_PEERS,
    MOST_CORRELATION,
    ROUNDS,
)

Floats = NDArray[np.float64]
_NONE = 1e-9


@dataclass(frozen=True)
class Judged:
    """What is said of one terminal: `expected` cases of its trials and the limits of its funnel, as counts.

    `p` is the chance that one like its peers has as many cases or more, `q` the same after the adjustment.
    """

    trials: int
    cases: int
    expected: float
    correlation: float
    peers: int
    p: float
    q: float
    unusual: bool
    inner: tuple[int, int]
    outer: tuple[int, int]


def judge(groups: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> list[list[Judged] | None]:
    """Judge groups of peers, each (cases, trials) of its terminals, all trials positive; adjusted over all of them.

    None for a group of too few peers, of which nothing is said.
    """
    sound = [len(trials) > LEAST_PEERS for _, trials in groups]
    aside = [np.zeros(len(trials), dtype=bool) for _, trials in groups]
    found: list[list[Judged] | None] = [None] * len(groups)
    for _ in range(ROUNDS):
        tails = [
            _tails(cases, trials, out) if is_sound else []
            for (cases, trials), out, is_sound in zip(groups, aside, sound, strict=True)
        ]
        adjusted = _adjusted(np.array([one.p for tail in tails for one in tail]))
        found, place = [], 0
        for (cases, trials), tail, is_sound in zip(groups, tails, sound, strict=True):
            qs = adjusted[place : place + len(tail)]
            place += len(tail)
            found.append(_named(cases, trials, tail, qs) if is_sound else None)
        now = [
            out if judged is None else np.array([one.unusual for one in judged], dtype=bool)
            for out, judged in zip(aside, found, strict=True)
        ]
        # Nobody goes back among the peers: else two who hide one another would go in and out for ever.
        grown = [before | after for before, after in zip(aside, now, strict=True)]
        if all(np.array_equal(before, after) for before, after in zip(aside, grown, strict=True)):
            break
        if any(len(out) - out.sum() <= LEAST_PEERS for out, is_sound in zip(grown, sound, strict=True) if is_sound):
            break
        aside = grown
    return found


@dataclass(frozen=True)
class _Tail:
    expected: float
    correlation: float
    peers: int
    p: float
    inner: tuple[int, int]
    outer: tuple[int, int]


def _tails(cases: NDArray[np.int64], trials: NDArray[np.int64], aside: NDArray[np.bool_]) -> list[_Tail]:
    means, correlations, peers = _of_others(cases.astype(np.float64), trials.astype(np.float64), ~aside)
    tails = []
    for count, total, mean, correlation, others in zip(cases, trials, means, correlations, peers, strict=True):
        chances = probabilities(int(total), float(mean), float(correlation))
        above = np.cumsum(chances[::-1])[::-1]
        p = min(1.0, float(above[count]))
        inner, outer = (_limits(chances, above, beyond) for beyond in (FUNNEL_INNER, FUNNEL_OUTER))
        tails.append(_Tail(float(mean * total), float(correlation), int(others), p, inner, outer))
    return tails


def _of_others(cases: Floats, trials: Floats, peer: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """For each terminal: mean rate, correlation and number of the others that are peers."""
    kept = peer.astype(np.float64)
    own = kept  # a terminal that is none of the peers is not taken out of them
    correlation = np.zeros(len(cases))
    mean = correlation
    rates = cases / trials
    for _ in range(2):
        weights = kept * trials / (1 + np.median(correlation) * (trials - 1))
        total = weights.sum() - own * weights
        # Half a case more keeps a mean of none from calling the first case impossible.
        mean = ((weights * rates).sum() - own * weights * rates + 0.5 * np.median(weights / trials)) / (
            total + np.median(weights / trials)
        )
        squares = (weights * rates**2).sum() - own * weights * rates**2
        firsts = (weights * rates).sum() - own * weights * rates
        spread = squares - 2 * mean * firsts + mean**2 * total
        by_chance = (weights / trials).sum() - own * weights / trials
        by_chance -= ((weights**2 / trials).sum() - own * weights**2 / trials) / total
        by_kind = total - ((weights**2).sum() - own * weights**2) / total
        excess = spread * _caution(kept.sum() - own) / (mean * (1 - mean)) - by_chance
        correlation = excess / np.maximum(by_kind - by_chance, _NONE)
        correlation = np.clip(correlation, 0.0, MOST_CORRELATION)
    return mean, correlation, kept.sum() - own


def _caution(peers: Floats) -> Floats:
    """By how much a spread of so few has to be widened, so that it is too small one time in twenty, not in two.

    The lower 5 % point of chi-square with as many degrees of freedom, divided by them (Wilson and Hilferty 1931).
    """
    small = 2 / (9 * peers)
    caution: Floats = 1 / (1 - small + CAUTION_Z * np.sqrt(small)) ** 3
    return caution


def probabilities(trials: int, mean: float, correlation: float) -> Floats:
    """The chances of 0 to `trials` cases, float64 (trials + 1,): beta-binomial, binomial without correlation.

    By the ratios of neighbours, added as logarithms: no factor overflows, whatever the number of trials.
    """
    k = np.arange(trials, dtype=np.float64)
    if correlation <= _NONE:
        odds = mean / (1 - mean)
        ratio = (trials - k) / (k + 1) * odds
    else:
        spread = 1 / correlation - 1
        ratio = (trials - k) / (k + 1) * (k + mean * spread) / (trials - k - 1 + (1 - mean) * spread)
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratio))])
    likely = np.exp(logs - logs.max())
    chances: Floats = likely / likely.sum()
    return chances


def _limits(chances: Floats, above: Floats, beyond: float) -> tuple[int, int]:
    """The fewest and the most cases within which a terminal like its peers stays but for a chance of `beyond` on each
    side."""
    low = int(np.searchsorted(np.cumsum(chances), beyond))
    outside = np.flatnonzero(above <= beyond)
    high = int(outside[0]) - 1 if len(outside) else len(chances) - 1
    return min(low, high), high


def _adjusted(ps: Floats) -> Floats:
    """Benjamini and Hochberg's step-up: the false discovery rate at which each would be called unusual."""
    if not len(ps):
        return ps
    order = np.argsort(ps)
    scaled = ps[order] * len(ps) / np.arange(1, len(ps) + 1)
    steps = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _named(cases: NDArray[np.int64], trials: NDArray[np.int64], tails: list[_Tail], qs: Floats) -> list[Judged]:
    return [
        Judged(
            int(total),
            int(count),
            tail.expected,
            tail.correlation,
            tail.peers,
            tail.p,
            float(q),
            bool(q <= FALSE_DISCOVERY_RATE),
            tail.inner,
            tail.outer,
        )
        for count, total, tail, q in zip(cases, trials, tails, qs, strict=True)
    ]
