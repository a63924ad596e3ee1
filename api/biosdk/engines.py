"""The engines with their calibrations, and templates of whatever a segment holds.

| a segment of | may hold |
|---|---|
| a face | ISO/IEC 19794-5 (2005, 2011), a picture file, our own template |
| a finger | ISO/IEC 19794-4 (2005, 2011), a picture file, our own template, ISO/IEC 19794-2 with our own in it |

What it is is seen by the data themselves: systems copy the format's number along and change what is inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.biosdk.positions import position_of
from api.biosdk.records import FACE, Segment
from api.matching import calibrations
from api.settings import Settings
from biometrics.errors import IncompatibleTemplates, InvalidRecord
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.face import interchange as face_records
from biometrics.face.packs import open_engine
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.interchange import FingerPosition, embedding, read_views
from biometrics.finger.interchange import pictures as finger_records
from biometrics.finger.resampling import choose_dpi
from biometrics.finger.template import MAGIC as FINGER_MAGIC
from biometrics.scoring.calibration import Calibration

MINUTIAE_MAGIC = b"FMR\0"
FACE_MAGIC = b"RZFT"


@dataclass(frozen=True)
class Engines:
    """The two engines, and what their scores mean. Safe among threads."""

    face: FaceEngine
    finger: FingerEngine
    calibrations: Mapping[str, Calibration]
    match_fmr: float = field(default=1e-4)
    """At or under this FMR of one decision two records match."""

    @classmethod
    def open(cls, settings: Settings) -> "Engines":
        """Open the packs, and run each engine once. Raises as `BiometricComparer.open`."""
        face = open_engine(settings.face_pack, settings.home, provider=settings.face_provider)
        finger = FingerEngine.open(settings.home)
        face.warm_up()
        finger.warm_up()
        found = calibrations.load((face.engine, finger.engine), settings.calibration_path)
        return cls(face, finger, found, settings.biosdk_fmr)

    def face_of(self, segment: Segment) -> FaceTemplate:
        """The template of a segment's face: of the first, where a record holds several pictures.

        Raises InvalidRecord, InvalidImage, InvalidTemplate, NotAssessable; IncompatibleTemplates for one of another
        engine, or under a transform.
        """
        if not segment.data.startswith(FACE_MAGIC):
            return self.face.extract(face_picture(segment.data))
        template = FaceTemplate.from_bytes(segment.data)
        if template.engine != self.face.engine or template.transform:
            raise IncompatibleTemplates
        return template

    def finger_of(self, segment: Segment) -> tuple[FingerTemplate, FingerPosition]:
        """The template of a segment's finger and which finger it is, by the segment or else by the record in it.

        Raises as `face_of`; IncompatibleTemplates also for minutiae of other makers, whose scores no calibration is
        for.
        """
        stated = position_of(segment.subtype)
        if segment.data.startswith(MINUTIAE_MAGIC):
            own = embedding.read(segment.data)
            view = read_views(segment.data)[0]
            return self._own_finger(own), stated or view.position
        if segment.data.startswith(FINGER_MAGIC):
            return self._own_finger(FingerTemplate.from_bytes(segment.data)), stated
        if segment.data.startswith(finger_records.MAGIC):
            record = finger_records.read(segment.data)[0]
            grey, dpi = record.grey()
            return self.finger.extract_pixels(grey, dpi=choose_dpi(None, dpi)), stated or record.position
        _refuse_other_records(segment.data)
        return self.finger.extract(segment.data), stated

    def _own_finger(self, template: FingerTemplate | None) -> FingerTemplate:
        if template is None or template.engine != self.finger.engine:
            raise IncompatibleTemplates
        return template


def is_template(segment: Segment) -> bool:
    """Whether a segment holds a template, of which none has to be made."""
    return segment.data.startswith(FACE_MAGIC if segment.type == FACE else (MINUTIAE_MAGIC, FINGER_MAGIC))


def face_picture(data: bytes) -> bytes:
    """The picture file in the data of a face: in a record, or by itself. Raises InvalidRecord."""
    if data.startswith(face_records.MAGIC):
        return face_records.read(data)[0].image
    _refuse_other_records(data)
    return data


def _refuse_other_records(data: bytes) -> None:
    """A record of another modality is no picture that could not be read: the segment says something else of itself."""
    if data.startswith((face_records.MAGIC, finger_records.MAGIC, MINUTIAE_MAGIC, FACE_MAGIC, FINGER_MAGIC)):
        raise InvalidRecord("record_modality_mismatch", "the record is of another modality")
