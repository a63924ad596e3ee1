"""`/check-quality`: how good the segments of a sample are, 0..100, by the measures that predict errors of the engines.

The quality of a modality is that of its worst segment: it is the one to be captured again.
"""

from typing import Any

from api.biosdk import bounds, records
from api.biosdk.engines import MINUTIAE_MAGIC, Engines, face_picture, is_template
from api.biosdk.records import FACE, SUPPORTED, Segment
from api.biosdk.statuses import OperationFailed, Status, told
from biometrics.errors import BiometricError, IncompatibleTemplates, NotAssessable
from biometrics.finger.interchange import read_views


def check_quality(request: dict[str, Any], engines: Engines) -> dict[str, Any]:
    """MOSIP's `QualityCheck`: a score for each modality of the sample that was asked about.

    A sample in which no face or finger is seen has the quality 0, with the reason. Raises OperationFailed for a request
    that lacks something, or whose sample cannot be read; ServiceError `too_much_at_once`.
    """
    asked = records.types_asked(request.get("modalitiesToCheck"), "modalitiesToCheck")
    sample = records.read(request.get("sample"), "sample")
    wanted = asked or sample.types
    if not wanted:
        raise OperationFailed(Status.BIOMETRIC_NOT_FOUND)
    bounds.bound([segment for kind in wanted for segment in sample.of(kind)])
    scores = {kind: _of_type(engines, kind, sample.of(kind)) for kind in wanted}
    return {"scores": scores, "analyticsInfo": {}}


def _of_type(engines: Engines, kind: str, segments: list[Segment]) -> dict[str, Any]:
    if kind not in SUPPORTED:
        return _told(0, [f"Modality {kind} is not supported"])
    if not segments:
        return _told(0, ["Biometrics not found in CBEFF"])
    judged = [_judged(engines, segment) for segment in segments]
    reasons = [told(reason) for reason in dict.fromkeys(reason for _, reason in judged if reason is not None)]
    return _told(min(score for score, _ in judged), reasons)


def _judged(engines: Engines, segment: Segment) -> tuple[int, str | None]:
    """The quality, and the reason why it is 0."""
    try:
        if segment.type == FACE and not is_template(segment):
            found = engines.face.assess(face_picture(segment.data))
            return found.unified, found.reason
        if segment.type == FACE:
            return engines.face_of(segment).quality, None
        if segment.data.startswith(MINUTIAE_MAGIC):
            # Also of other makers: that their scores are none of ours says nothing of their own judgement.
            return min(view.template.quality for view in read_views(segment.data)), None
        return engines.finger_of(segment)[0].quality, None
    except (NotAssessable, IncompatibleTemplates) as error:
        return 0, error.code
    except BiometricError as error:
        raise OperationFailed(Status.INVALID_INPUT, f"sample ({error.code})") from None


def _told(score: int, errors: list[str]) -> dict[str, Any]:
    return {"score": score, "errors": errors, "analyticsInfo": {}}
