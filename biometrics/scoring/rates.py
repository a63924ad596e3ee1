"""Error rates of comparison scores, as ISO/IEC 19795-1 defines them.

A comparison is accepted when its score is at or above the threshold. FMR(t) is the share of non-mated comparisons that
are accepted, FNMR(t) the share of mated ones that are not. A failure to acquire or to enrol is the score -inf: it is
rejected at every threshold and stays in the denominators (the "generalised" rates of 19795-1).

Rates at a target FMR are conservative with tied scores: the threshold is the lowest whose FMR does not exceed the
target, and all scores that tie with the first one to be rejected are rejected with it.

The EER is where the staircase of (FMR, FNMR) points, one for each distinct score, crosses FMR = FNMR. On a step where
only one of the two changes that is the value of the one that stays; on a step where both change (a mated and a
non-mated score tie) the two points are joined by a straight line. Where failures alone keep FNMR above FMR at every
threshold there is no crossing, and the lowest FNMR is given.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Curve:
    """Both error rates of one set of scores at every threshold; sorted once, made for 10^8 scores.

    Both arrays ascend, float32. `mated_share[i]` is the share of all mated comparisons that the i lowest make up,
    `non_mated_share[i]` that of the non-mated ones that the i highest do (so both have one entry more than there are
    scores, and start at 0). The shares are None where every comparison weighs the same.
    """

    mated: NDArray[np.float32]
    non_mated: NDArray[np.float32]
    mated_share: NDArray[np.float64] | None = None
    non_mated_share: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, mated: ArrayLike, non_mated: ArrayLike) -> "Curve":
        """Sort the scores (any shape, -inf for a failure). Raises ValueError where a side is empty or holds NaN."""
        return cls(np.sort(scores_of(mated, "mated")), np.sort(scores_of(non_mated, "non-mated")))

    def fmr(self, threshold: ArrayLike) -> NDArray[np.float64]:
        """Share of non-mated comparisons with a score >= `threshold` (any shape)."""
        accepted = self._accepted(threshold)
        return accepted / len(self.non_mated) if self.non_mated_share is None else self.non_mated_share[accepted]

    def fnmr(self, threshold: ArrayLike) -> NDArray[np.float64]:
        """Share of mated comparisons with a score < `threshold` (any shape)."""
        return self._mated_below(np.searchsorted(self.mated, _finite(threshold), side="left"))

    def fnmr_at_fmr(self, fmr: float) -> float:
        """FNMR at the lowest threshold whose FMR is at most `fmr` (0: ZeroFMR). Raises ValueError outside 0..1."""
        rejected = self._first_rejected(fmr)
        return float(self._mated_below(np.searchsorted(self.mated, rejected, side="right")))

    def threshold_at_fmr(self, fmr: float) -> float:
        """The lowest threshold (a float32) whose FMR is at most `fmr`. Raises ValueError outside 0..1."""
        return float(np.nextafter(self._first_rejected(fmr), np.float32(np.inf)))

    def eer(self) -> float:
        """Equal error rate (module text says how it is interpolated)."""
        low, high = self._crossing()
        if self._gap(low) < 0:
            return float(self.fnmr(low))
        gap_low = self._gap(low)
        gap_high = self._gap(high)
        share = gap_low / (gap_low - gap_high) if gap_low > gap_high else 0.0
        before, after = float(self.fmr(low)), float(self.fmr(high))
        return before + share * (after - before)

    def _accepted(self, threshold: ArrayLike) -> NDArray[np.intp]:
        """How many non-mated scores are >= threshold."""
        return len(self.non_mated) - np.searchsorted(self.non_mated, _finite(threshold), side="left")

    def _mated_below(self, count: NDArray[np.intp] | np.intp) -> NDArray[np.float64]:
        if self.mated_share is None:
            return np.asarray(count / len(self.mated), np.float64)
        return np.asarray(self.mated_share[count], np.float64)

    def _first_rejected(self, fmr: float) -> np.float32:
        """The highest non-mated score that a threshold for this FMR must reject."""
        if not 0 <= fmr <= 1:
            raise ValueError(f"an FMR of {fmr} is outside 0..1")
        if self.non_mated_share is None:
            count = len(self.non_mated)
            allowed = int(fmr * count)
            # The product rounds: what counts is whether the share itself is at most the target.
            allowed += (allowed + 1) / count <= fmr
            allowed -= allowed / count > fmr
        else:
            allowed = int(np.searchsorted(self.non_mated_share, fmr * (1 + 1e-12), side="right")) - 1
        return self.non_mated[-1 - allowed] if allowed < len(self.non_mated) else np.float32(-np.inf)

    def _gap(self, threshold: np.float32) -> float:
        return float(self.fmr(threshold)) - float(self.fnmr(threshold))

    def _crossing(self) -> tuple[np.float32, np.float32]:
        """Two neighbouring thresholds: FMR >= FNMR at the first and FMR <= FNMR at the second."""
        low, high = np.float32(-np.inf), np.float32(np.inf)
        for ascending in (self.mated, self.non_mated):
            first = int(np.searchsorted(ascending, low, side="right"))
            last = int(np.searchsorted(ascending, high, side="left"))
            while first < last:
                middle = (first + last) // 2
                if self._gap(ascending[middle]) >= 0:
                    low, first = ascending[middle], middle + 1
                else:
                    high, last = ascending[middle], middle
        return low, high


def _finite(threshold: ArrayLike) -> NDArray[np.float32]:
    """Thresholds raised to the lowest finite number, so that a failure (-inf) is below every one."""
    return np.maximum(np.asarray(threshold, np.float32), np.finfo(np.float32).min)


def scores_of(values: ArrayLike, side: str) -> NDArray[np.float32]:
    """`values` as a flat float32 array. Raises ValueError when it is empty or holds NaN or +inf."""
    scores = np.asarray(values, np.float32).ravel()
    if scores.size == 0:
        raise ValueError(f"no {side} comparison: an error rate needs both sides")
    if not np.all(scores < np.inf):
        raise ValueError(f"a {side} score is NaN or infinite (a failure is -inf)")
    return scores


def eer(mated: ArrayLike, non_mated: ArrayLike) -> float:
    """Equal error rate of raw scores; see `Curve.eer`."""
    return Curve.of(mated, non_mated).eer()


def fnmr_at_fmr(mated: ArrayLike, non_mated: ArrayLike, fmr: float) -> float:
    """FNMR at FMR <= `fmr`: 1e-2 gives FMR100, 1e-3 FMR1000, 0 ZeroFMR."""
    return Curve.of(mated, non_mated).fnmr_at_fmr(fmr)


def tar_at_fmr(mated: ArrayLike, non_mated: ArrayLike, fmr: float) -> float:
    """True accept rate, 1 - FNMR, at FMR <= `fmr`."""
    return 1.0 - fnmr_at_fmr(mated, non_mated, fmr)


def det(mated: ArrayLike, non_mated: ArrayLike, *, points: int = 400) -> tuple[Floats, Floats, Floats]:
    """Thresholds, FMR and FNMR of a DET curve: every distinct score up to `points`, else quantiles of both sides.

    Returns three float64 arrays of one length, the thresholds ascending; the last threshold rejects everything.
    """
    curve = Curve.of(mated, non_mated)
    candidates = np.unique(np.concatenate([_sample(curve.mated, points), _sample(curve.non_mated, points)]))
    candidates = candidates[np.isfinite(candidates)]
    thresholds = np.append(candidates, np.float32(np.inf))
    return thresholds.astype(np.float64), curve.fmr(thresholds), curve.fnmr(thresholds)


def _sample(ordered: NDArray[np.float32], points: int) -> NDArray[np.float32]:
    """At most `points` of the scores: dense in both tails, where a DET curve on its normal axes has its shape."""
    if len(ordered) <= points:
        return ordered
    half = np.unique(np.geomspace(1, len(ordered) / 2, points // 2).astype(np.int64)) - 1
    return np.asarray(ordered[np.concatenate([half, len(ordered) - 1 - half])])
