"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a finding says of two records."""

    SAME_PERSON = "same_person"
    """Face and fingers together say that the two are one person; or the face alone, where no finger can be compared."""
    FACE_ALIKE_FINGERS_DIFFER = "face_alike_fingers_differ"
    """The faces alone would make them one, the fingers of the same positions say two: twins or close kin, or fingers
    entered for another position. Never counted as one person."""
    FACE_ALIKE_FINGERS_UNCLEAR = "face_alike_fingers_unclear"
    """The faces alone would make them one, and the fingers neither bear it out nor contradict it."""


@dataclass(frozen=True, slots=True)
class FingerEvidence:
    """One finger that both records have: the accurate comparison's `score` and its log-likelihood ratio."""

    position: str
    score: float
    llr: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Two records by their keys, `low` < `high`, and what was compared.

    `llr`: sum of face and fingers (natural logarithm); `fmr`: the share of pairs of strangers that reach it with these
    modalities, `extrapolated` where that is below what was measured. `face_score` is the faces' cosine.
    """

    low: int
    high: int
    kind: Kind
    llr: float
    fmr: float
    extrapolated: bool
    face_score: float
    face_llr: float
    fingers: tuple[FingerEvidence, ...] = ()

    @property
    def rank(self) -> tuple[float, float, int, int]:
        """To sort by: the strongest first, in an order that nothing but the findings decides."""
        return (-self.llr, self.fmr, self.low, self.high)
