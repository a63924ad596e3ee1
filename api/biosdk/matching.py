"""`/match`: a sample with every record of a gallery, modality by modality, each decided at the stated FMR.

Fingers are compared with the same finger of the gallery's record. Where it is not known which finger one is, it is
compared with all, and the best counts, with its FMR times the number of those that it was the best of. Several known
fingers are fused as in a verification (`biometrics.scoring.fusion`); several of which one is unknown on either side, or
that are of one and the same finger, are not independent: there the best one's FMR counts, times their number
(Bonferroni).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from api.biosdk import bounds, records
from api.biosdk.engines import Engines
from api.biosdk.parameters import MAX_GALLERY
from api.biosdk.records import FACE, FINGER, Record, Segment
from api.biosdk.statuses import OperationFailed, Status, told
from biometrics.errors import BiometricError, IncompatibleTemplates, NotAssessable
from biometrics.face import FaceTemplate
from biometrics.finger import PreparedFinger
from biometrics.finger.interchange import FingerPosition
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fusion import combine

_log = logging.getLogger(__name__)
Match = Literal["MATCHED", "NOT_MATCHED", "ERROR"]


@dataclass(frozen=True)
class Finger:
    """A finger's template, ready to be compared, and which finger it is."""

    template: PreparedFinger = field(repr=False)
    position: FingerPosition


@dataclass(frozen=True)
class Side:
    """What a record gives for one modality: templates, and the codes of what gave none."""

    faces: tuple[FaceTemplate, ...] = field(default=(), repr=False)
    fingers: tuple[Finger, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Best:
    """The best of `tried` comparisons of one probe."""

    score: float
    tried: int
    position: FingerPosition = FingerPosition.UNKNOWN


def match(request: dict[str, Any], engines: Engines) -> list[dict[str, Any]]:
    """MOSIP's list of `MatchDecision`, one for every record of the gallery, in its order.

    Raises OperationFailed for a request that lacks something, or whose sample cannot be read; ServiceError
    `too_much_at_once`.
    """
    asked = records.types_asked(request.get("modalitiesToMatch"), "modalitiesToMatch")
    sample = records.read(request.get("sample"), "sample")
    entries = request.get("gallery")
    if not entries:
        raise OperationFailed(Status.MISSING_INPUT, "gallery")
    if not isinstance(entries, list) or len(entries) > MAX_GALLERY:
        raise OperationFailed(Status.INVALID_INPUT, "gallery")
    gallery = [records.read(one, "gallery") for one in entries]
    wanted = asked or sample.types
    if not wanted:
        raise OperationFailed(Status.BIOMETRIC_NOT_FOUND)
    bounds.bound_match(sample, gallery, wanted)
    probes = {kind: _side(engines, sample.of(kind), kind, of_sample=True) for kind in wanted}
    return [
        {
            "galleryIndex": index,
            "decisions": {kind: _decision(engines, kind, probes[kind], record) for kind in wanted},
            "analyticsInfo": {},
        }
        for index, record in enumerate(gallery)
    ]


def _side(engines: Engines, segments: list[Segment], kind: str, *, of_sample: bool = False) -> Side:
    faces: list[FaceTemplate] = []
    fingers: list[Finger] = []
    failures: list[str] = []

    def add_face(segment: Segment) -> None:
        faces.append(engines.face_of(segment))

    def add_finger(segment: Segment) -> None:
        template, position = engines.finger_of(segment)
        fingers.append(Finger(engines.finger.prepare(template), position))

    add: dict[str, Callable[[Segment], None]] = {FACE: add_face, FINGER: add_finger}
    for segment in segments if kind in add else []:
        try:
            add[kind](segment)
        except (NotAssessable, IncompatibleTemplates) as error:
            failures.append(error.code)
        except BiometricError as error:
            if of_sample:
                raise OperationFailed(Status.INVALID_INPUT, f"sample ({error.code})") from None
            failures.append(error.code)
    return Side(tuple(faces), tuple(fingers), tuple(dict.fromkeys(failures)))


def _decision(engines: Engines, kind: str, probe: Side, record: Record) -> dict[str, Any]:
    if kind not in records.SUPPORTED:
        return _told("ERROR", [f"Modality {kind} is not supported."])
    try:
        return _of_sides(engines, kind, probe, _side(engines, record.of(kind), kind))
    except Exception as error:  # noqa: BLE001 - one record's fault must not take the other decisions with it
        _log.error("comparing a %s failed: %s", kind.lower(), type(error).__name__)
        return _told("ERROR", [told("engine_failed")])


def _of_sides(engines: Engines, kind: str, probe: Side, reference: Side) -> dict[str, Any]:
    if kind == FACE:
        calibration = engines.calibrations[engines.face.engine]
        found = _faces(engines, probe.faces, reference.faces)
    else:
        calibration = engines.calibrations[engines.finger.engine]
        found = _fingers(engines, probe.fingers, reference.fingers)
    failures = [told(code) for code in dict.fromkeys((*probe.failures, *reference.failures))]
    if not found:
        return _nothing_compared(probe, failures)
    fmr, llr = _evidence(calibration, found)
    analytics = {
        "fmr": f"{fmr:.3g}",
        "matchFmr": f"{engines.match_fmr:.3g}",
        "comparisons": str(sum(one.tried for one in found)),
        "calibration": calibration.version,
    }
    if llr is not None:
        analytics["llr"] = f"{llr:.2f}"
    return _told("MATCHED" if fmr <= engines.match_fmr else "NOT_MATCHED", failures, analytics)


def _nothing_compared(probe: Side, failures: list[str]) -> dict[str, Any]:
    """No match; and an error, unless the sample is sound and the gallery's record has nothing of the same to show."""
    if failures:
        return _told("ERROR", failures)
    if not probe.faces and not probe.fingers:
        return _told("ERROR", [told("not_captured")])
    return _told("NOT_MATCHED", [told("not_enrolled")])


def _faces(engines: Engines, probes: tuple[FaceTemplate, ...], references: tuple[FaceTemplate, ...]) -> list[Best]:
    """The best of all pairs: all are one person's only face."""
    scores = [engines.face.compare(probe, reference) for probe in probes for reference in references]
    return [Best(max(scores), len(scores))] if scores else []


def _fingers(engines: Engines, probes: tuple[Finger, ...], references: tuple[Finger, ...]) -> list[Best]:
    found = []
    for probe in probes:
        rivals = [one for one in references if _may_be_same(probe.position, one.position)]
        if rivals:
            score = max(engines.finger.compare(probe.template, one.template) for one in rivals)
            # Probes against one reference that names no finger are not independent, whatever they say they are.
            known = all(one.position == probe.position for one in rivals)
            found.append(Best(score, len(rivals), probe.position if known else FingerPosition.UNKNOWN))
    return found


def _may_be_same(first: FingerPosition, second: FingerPosition) -> bool:
    return FingerPosition.UNKNOWN in {first, second} or first == second


def _evidence(calibration: Calibration, found: list[Best]) -> tuple[float, float | None]:
    """The FMR of what was found, and its LLR where the comparisons are independent (see the module)."""
    positions = [one.position for one in found]
    independent = all(one.tried == 1 for one in found) and (
        len(found) == 1 or (len(set(positions)) == len(positions) and FingerPosition.UNKNOWN not in positions)
    )
    if independent:
        together = combine([(calibration, one.score) for one in found])
        if together is not None:
            return together.fmr, together.llr
    best = min(one.tried * calibration.assess(one.score).fmr for one in found)
    return min(1.0, len(found) * best), None


def _told(match: Match, errors: list[str], analytics: dict[str, str] | None = None) -> dict[str, Any]:
    return {"match": match, "errors": errors, "analyticsInfo": analytics or {}}
