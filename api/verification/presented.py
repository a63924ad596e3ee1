"""What was presented to the sensors, and what of it could not be acquired (FTA, ISO/IEC 19795-1): of a decision's
modalities, as they stand in its answer and its leaf."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ACQUIRED = "acquired"
# Why a picture that was taken gave no template: the person, or the device, has to try again.
FACE_FAILURES = frozenset({"no_face", "multiple_faces", "low_quality"})
FINGER_FAILURES = frozenset({"no_finger", "low_quality", "wrong_dpi"})


@dataclass(frozen=True)
class Presented:
    """`face`: `acquired`, or why not; None where none was presented. `fingers` were presented, `failed` of them not
    acquired. What was not judged, for the card holds nothing to compare it with, is neither."""

    face: str | None = None
    fingers: int = 0
    failed: int = 0


def presented(modalities: Iterable[Mapping[str, Any]]) -> Presented:
    """Count the modalities of a decision."""
    face: str | None = None
    acquired = failed = 0
    for one in modalities:
        assessed, reason = one.get("status") == "assessed", one.get("reason")
        if one.get("modality") == "face":
            face = ACQUIRED if assessed else reason if reason in FACE_FAILURES else face
        elif assessed:
            acquired += 1
        elif reason in FINGER_FAILURES:
            failed += 1
    return Presented(face, acquired + failed, failed)
