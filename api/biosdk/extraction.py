"""`/extract-template`: the sample with templates in place of its pictures.

A finger's is a record of ISO/IEC 19794-2:2005, of which engines of others read the minutiae, with our own template in
it (`biometrics.finger.interchange.embedding`). A face's is our own: no standard has one.
"""

from contextlib import suppress
from typing import Any

from api.biosdk import bounds, records
from api.biosdk.engines import Engines, is_template
from api.biosdk.parameters import ISO_FORMATS, MINUTIAE_FORMAT, OURS
from api.biosdk.records import FACE, SUPPORTED, Segment
from api.biosdk.statuses import OperationFailed, Status
from biometrics.errors import BiometricError, IncompatibleTemplates, NotAssessable
from biometrics.finger.interchange import View, embedding


def extract_template(request: dict[str, Any], engines: Engines) -> dict[str, Any]:
    """MOSIP's `BiometricRecord`: the segments of the modalities asked for, all of them where none is named.

    Segments that hold templates already, and those that say that there is no such finger, are given back as they came.
    Raises OperationFailed: POOR_QUALITY where no template can be made of a segment; INVALID_INPUT for what cannot be
    read, and for a modality without templates here, which is not to be stored as if it had one. ServiceError
    `too_much_at_once`.
    """
    asked = records.types_asked(request.get("modalitiesToExtract"), "modalitiesToExtract")
    sample = records.read(request.get("sample"), "sample")
    wanted = asked or sample.types
    for kind in wanted:
        if kind not in SUPPORTED:
            raise OperationFailed(Status.INVALID_INPUT, f"modality {kind} is not supported")
    chosen = [one for one in sample.segments if not asked or one.type in asked]
    if not chosen:
        raise OperationFailed(Status.BIOMETRIC_NOT_FOUND)
    bounds.bound(chosen)
    return {**sample.raw, "segments": [_extracted(engines, one) for one in chosen]}


def _extracted(engines: Engines, segment: Segment) -> Any:
    if segment.excepted:
        return segment.raw
    try:
        if is_template(segment):
            return _as_it_came(engines, segment)
        if segment.type == FACE:
            face = engines.face_of(segment)
            return segment.with_template(face.to_bytes(), (OURS, face.engine), ("face-unified", face.quality))
        finger, position = engines.finger_of(segment)
        record = embedding.write(View(finger, position))
        return segment.with_template(record, (ISO_FORMATS, MINUTIAE_FORMAT), ("finger-minutiae", finger.quality))
    except NotAssessable as error:
        raise OperationFailed(Status.POOR_QUALITY, error.code) from None
    except BiometricError as error:
        raise OperationFailed(Status.INVALID_INPUT, f"sample ({error.code})") from None


def _as_it_came(engines: Engines, segment: Segment) -> Any:
    """A template, once it was read: a register would keep what only begins like one. Other makers' go through."""
    with suppress(IncompatibleTemplates):
        (engines.face_of if segment.type == FACE else engines.finger_of)(segment)
    return segment.raw
