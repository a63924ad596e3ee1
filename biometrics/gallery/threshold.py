"""From which score on a hit is one: the threshold that keeps false positive identifications rare.

A search among N compares with N strangers. If each comparison falsely matches with probability FMR, and independently,
a search of somebody who is not listed has a false positive with probability FPIR = 1 - (1 - FMR)^N (ISO/IEC 19795-1).
So the threshold of a target FPIR rises with the list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from biometrics.scoring.calibration import Calibration


@dataclass(frozen=True)
class HitThreshold:
    """`score` from which an entry is a hit, and the `fmr` that it stands for.

    `reachable`: whether the calibration reaches so low an FMR; else `score` lies on the straight line that goes on from
    its end. `extrapolated`: whether that is below what was measured.
    """

    score: float
    fmr: float
    reachable: bool
    extrapolated: bool


def fmr_of_fpir(fpir: float, entries: int) -> float:
    """The FMR of a comparison with which a search among so many entries has this FPIR.

    Raises ValueError for a rate that is not in (0, 1), or no entries.
    """
    if not 0 < fpir < 1 or entries < 1:
        raise ValueError(f"an FPIR of {fpir} among {entries}")
    return -math.expm1(math.log1p(-fpir) / entries)


def hit_threshold(calibration: Calibration, fpir: float, entries: int) -> HitThreshold:
    """The threshold for a target FPIR among so many entries (one counts as one where there is none).

    Raises ValueError as `fmr_of_fpir`.
    """
    fmr = fmr_of_fpir(fpir, max(entries, 1))
    # The highest score that means an FMR: it falls with the score, and may stay the same over a while.
    wanted = math.log(fmr)
    reachable = wanted >= float(calibration.ln_fmr[-1])
    score = float(np.interp(-wanted, -calibration.ln_fmr, calibration.score))
    if not reachable:
        score += (wanted - float(calibration.ln_fmr[-1])) / _last_slope(calibration)
    return HitThreshold(score, fmr, reachable, fmr < calibration.measured_to)


def _last_slope(calibration: Calibration) -> float:
    """By how much ln FMR changes with the score where it last falls: less than 0, and without end if nowhere."""
    falls = np.diff(calibration.ln_fmr) / np.diff(calibration.score)
    return float(falls[falls < 0][-1]) if (falls < 0).any() else -math.inf
