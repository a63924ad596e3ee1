"""When is a pair of records a finding? The thresholds, which rise with the register.

A search of N records compares N (N - 1) / 2 pairs. At most `false_per_record` findings a record by chance means that a
pair of different persons may become one with probability FMR = 2 `false_per_record` / (N - 1), whatever was compared of
it: each kind of pair (face alone, face and one finger, ...) has a threshold of its own on the sum of the modalities'
log-likelihood ratios, from what strangers reach with just these (`biometrics.scoring.fusion.sum_fmr`).

Where what was measured does not reach so low, the exponential tails of the calibrations are continued, and the evidence
says `extrapolated`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from biometrics.duplicates import sketch
from biometrics.duplicates.parameters import (
    FALSE_PER_RECORD,
    LEAST_SUSPECTS,
    PAIRS_PER_RECORD,
    SUSPECTS_PER_RECORD,
    TAIL_END,
)
from biometrics.scoring import Calibration
from biometrics.scoring.fusion import sum_fmr

_FINE = 0.01
_LOWEST = -1.0


class Evidence(NamedTuple):
    """What was compared of a pair: sum `llr` of the ratios, and the share `fmr` of pairs of strangers that reach it.

    `extrapolated`: the FMR lies below what was measured.
    """

    llr: float
    fmr: float
    extrapolated: bool


@dataclass(frozen=True)
class Rule:
    """The thresholds for a register of so many `records`; `finger` is None where no finger is to be compared."""

    records: int
    face: Calibration
    finger: Calibration | None = None
    false_per_record: float = FALSE_PER_RECORD
    pairs_per_record: float = PAIRS_PER_RECORD

    def __post_init__(self) -> None:
        """Refuse a rate or a number that is none: ValueError."""
        if self.records < 0 or not 0 < self.false_per_record <= 1 or not self.pairs_per_record > 0:
            raise ValueError(f"{self.records} records, {self.false_per_record}, {self.pairs_per_record}")

    @cached_property
    def fmr(self) -> float:
        """The FMR that a finding's evidence must have at most."""
        return min(0.5, 2 * self.false_per_record / max(self.records - 1, 1))

    def evidence(self, face_score: float, finger_scores: Sequence[float] = ()) -> Evidence:
        """The evidence of a pair's faces and of its fingers of the same positions.

        Raises ValueError for a score that is not finite, or fingers without a calibration of them.
        """
        face = self.face.assess(face_score)
        if not finger_scores:
            # A single modality's FMR goes on falling where its ratio cannot grow any more.
            fmr = float(_continued(self.face).fmr_of(face_score))
            return Evidence(face.llr, fmr, face.extrapolated)
        finger = self.fingers_calibration
        llr = math.fsum([face.llr, *(finger.assess(score).llr for score in finger_scores)])
        return Evidence(llr, *_fused(self.face, finger, len(finger_scores), llr))

    def finger_llr(self, score: float) -> float:
        """The log-likelihood ratio of one finger's score."""
        return self.fingers_calibration.assess(score).llr

    def is_enough(self, evidence: Evidence) -> bool:
        """Whether a pair with this evidence is a finding."""
        return evidence.fmr <= self.fmr

    def least_llr(self, fingers: int) -> float:
        """The sum of ratios from which a pair with so many fingers (one or more) compared is a finding."""
        return _least(self, fingers)

    def can_reach(self, llr: float, left: int, fingers: int) -> bool:
        """Whether a pair with `fingers` to compare may still be a finding, with a sum so far and so many `left`."""
        return llr + left * float(self.fingers_calibration.llr[-1]) >= self.least_llr(fingers) - _FINE

    def floor(self, fingers: int) -> float:
        """The face score below which a pair with so many fingers of the same positions is not looked at.

        With none it is the threshold of faces alone. With fingers it is where the best fingers cannot make a finding
        of it any more, or more pairs of strangers than `pairs_per_record` would be looked at, whichever is higher.
        """
        return _floors(self, fingers)

    @cached_property
    def gate(self) -> float:
        """The sum of the ratios of the face and a finger's sketch from which a pair is compared accurately."""
        modalities = (_continued(self.face), _continued(sketch.calibration()))
        lowest, highest = (math.fsum(float(one.llr[end]) for one in modalities) for end in (0, -1))
        sums = np.arange(lowest, highest, _FINE)
        enough = sum_fmr(modalities, sums) <= self._suspected
        return float(sums[int(np.argmax(enough))]) if enough.any() else highest

    @cached_property
    def unsketched(self) -> float:
        """The face score from which a pair is compared accurately whatever its sketches say, or without any."""
        return _score_at(_continued(self.face), self._suspected) if self._suspected < 1 else _LOWEST

    @property
    def _suspected(self) -> float:
        """The share of pairs of different persons that may be compared accurately."""
        pairs = max(self.records * (self.records - 1) / 2, 1.0)
        return min(1.0, max(SUSPECTS_PER_RECORD * self.records, LEAST_SUSPECTS) / pairs)

    @property
    def fingers_calibration(self) -> Calibration:
        """The calibration of fingers. Raises ValueError where there is none."""
        if self.finger is None:
            raise ValueError("there is no calibration of fingers")
        return self.finger


@lru_cache(maxsize=256)
def _least(rule: Rule, fingers: int) -> float:
    modalities = _modalities(rule.face, rule.fingers_calibration, fingers, continued=False)
    lowest, highest = (math.fsum(float(one.llr[end]) for one in modalities) for end in (0, -1))
    sums = np.arange(lowest, highest + _FINE, _FINE)

    def is_enough(llr: float) -> bool:
        return _fused(rule.face, modalities[-1], fingers, llr)[0] <= rule.fmr

    # The share falls as the sum grows: of thousands of sums a dozen are looked at.
    place = bisect_left(sums, True, key=is_enough)
    return float(sums[place]) if place < len(sums) else math.inf


@lru_cache(maxsize=256)
def _floors(rule: Rule, fingers: int) -> float:
    alone = _score_at(_continued(rule.face), rule.fmr)
    if fingers == 0 or rule.finger is None:
        return alone
    share = min(1.0, 2 * rule.pairs_per_record / max(rule.records - 1, 1))
    affordable = _score_at(_continued(rule.face), share) if share < 1 else _LOWEST
    lacking = rule.least_llr(fingers) - fingers * float(rule.finger.llr[-1])
    hopeless = _LOWEST
    if lacking > rule.face.llr[0]:
        hopeless = float(rule.face.score[int(np.searchsorted(rule.face.llr, lacking)) - 1])
    # Faces that would be a finding alone are looked at whatever the fingers may say.
    return min(alone, max(affordable, hopeless))


def _fused(face: Calibration, finger: Calibration, fingers: int, llr: float) -> tuple[float, bool]:
    """FMR of a sum of the face's and so many fingers' ratios, and whether it is extrapolated.

    What was measured holds as far as it goes down; only from its lowest share on the tails are continued.
    """
    measured = _modalities(face, finger, fingers, continued=False)
    fmr = float(sum_fmr(measured, llr))
    if fmr > _lowest(measured):
        return fmr, False
    continued = float(sum_fmr(_modalities(face, finger, fingers, continued=True), llr))
    return min(fmr, continued) if fmr > 0 else continued, True


@lru_cache(maxsize=64)
def _lowest(calibrations: tuple[Calibration, ...]) -> float:
    most = math.fsum(float(one.llr[-1]) for one in calibrations)
    return float(sum_fmr(calibrations, most - 1e-6)) * (1 + 1e-9)


@lru_cache(maxsize=64)
def _modalities(face: Calibration, finger: Calibration, fingers: int, *, continued: bool) -> tuple[Calibration, ...]:
    if continued:
        face, finger = _continued(face), _continued(finger)
    return (face, *(finger,) * fingers)


@lru_cache(maxsize=64)
def _continued(calibration: Calibration) -> Calibration:
    """The same with its exponential tail continued, and nothing held back where the measurements end."""
    score, ln_fmr = calibration.score, calibration.ln_fmr
    slope = (ln_fmr[-1] - ln_fmr[-2]) / (score[-1] - score[-2])
    if slope >= 0 or ln_fmr[-1] <= TAIL_END:
        return replace(calibration, measured_to=math.exp(max(TAIL_END, float(ln_fmr[-1]))))
    end = score[-1] + (TAIL_END - ln_fmr[-1]) / slope
    return replace(
        calibration,
        score=np.append(score, end),
        ln_fmr=np.append(ln_fmr, TAIL_END),
        llr=np.append(calibration.llr, calibration.llr[-1]),
        measured_to=math.exp(TAIL_END),
    )


def _score_at(calibration: Calibration, fmr: float) -> float:
    return float(np.interp(-math.log(fmr), -calibration.ln_fmr, calibration.score))
