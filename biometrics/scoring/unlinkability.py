"""How well protected templates of one person can be linked across databases: the local and the global measure of
Gomez-Barrero, Galbally, Rathgeb, Busch, "General framework to evaluate unlinkability in biometric template protection
systems", IEEE TIFS 13(6), 2018; ISO/IEC 24745 asks for the property, ISO/IEC 30136 for its measurement.

Given are linkage scores of templates that were protected under different keys: mated ones of the same source, non-mated
ones of two. With their likelihood ratio LR(s) and the ratio of the priors omega, a score s links by
D(s) = 2 LR(s) omega / (1 + LR(s) omega) - 1 where LR(s) omega > 1, and not at all elsewhere. D_sys is the mean of D
over the mated scores: 0 where no score tells anything, 1 where every one links for certain.

Both densities are histograms over the same bins, as in the authors' own program. From few scores D_sys comes out above
0 also where nothing links, for chance makes one bin fuller than the other: to be read beside what `floor` gives.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST_BINS = 100
_SCORES_A_BIN = 10


@dataclass(frozen=True)
class Unlinkability:
    """`d_sys` 0..1. `edges` float64 (bins + 1,), of the linkage scores; `local` float64 (bins,) is D in each bin."""

    d_sys: float
    edges: NDArray[np.float64] = field(repr=False)
    local: NDArray[np.float64] = field(repr=False)


def unlinkability(
    mated: ArrayLike, non_mated: ArrayLike, *, omega: float = 1.0, bins: int | None = None
) -> Unlinkability:
    """Measure. Scores have any shape and are finite; `omega` is P(mated) / P(non-mated), 1 where nothing is known.

    `bins` are of equal width over all scores; by default one for ten mated scores, a hundred at most. Raises ValueError
    for sides that are empty or hold what is no number, and for an `omega` or a number of bins that is not positive.
    """
    sides = [np.asarray(one, np.float64).ravel() for one in (mated, non_mated)]
    if any(one.size == 0 or not np.isfinite(one).all() for one in sides):
        raise ValueError("both sides need scores, and scores have to be finite")
    count = max(1, min(sides[0].size // _SCORES_A_BIN, _MOST_BINS)) if bins is None else bins
    if omega <= 0 or count <= 0:
        raise ValueError("omega and the number of bins have to be positive")
    edges = np.histogram_bin_edges(np.concatenate(sides), bins=count)
    of_mated, of_non_mated = (np.histogram(one, edges)[0] / one.size for one in sides)
    # LR omega / (1 + LR omega), written so that it is 1 where no non-mated score ever was.
    weight = of_mated * omega
    share = np.divide(weight, weight + of_non_mated, out=np.zeros(count), where=weight > 0)
    local = np.clip(2 * share - 1, 0, None)
    return Unlinkability(float(np.sum(local * of_mated)), edges, local)


def floor(
    mated: ArrayLike,
    non_mated: ArrayLike,
    generator: np.random.Generator,
    *,
    omega: float = 1.0,
    bins: int | None = None,
) -> Unlinkability:
    """What `unlinkability` gives for as many scores when nothing links: both sides are drawn from all of them."""
    sides = [np.asarray(one, np.float64).ravel() for one in (mated, non_mated)]
    drawn = generator.permutation(np.concatenate(sides))
    return unlinkability(drawn[: sides[0].size], drawn[sides[0].size :], omega=omega, bins=bins)
