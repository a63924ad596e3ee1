"""A comparer that really decodes what it is sent, and holds templates of nobody: for tests of images at the door."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from api.matching.captures import Captures, Modality, Reference
from api.matching.comparison import CaptureInvalid, EnrolledTemplate, Enrolment, ModalityResult, PersonResult, Template
from api.matching.guidance import Guidance
from biometrics.errors import InvalidImage, InvalidTemplate
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration


@dataclass
class DecodingComparer:
    """Every image that can be decoded enrols, and is compared with nothing."""

    def enrol(self, captures: Captures) -> Enrolment:
        """A template that holds nothing of the image."""
        _decode_all(captures)
        return Enrolment((EnrolledTemplate("face", None, "decoding-1", b"template", 50.0),), ())

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """Nothing is searched."""
        return {}

    def guide(self, image: bytes) -> Guidance:
        """No face is looked for."""
        _decode_all(Captures(image))
        return Guidance(None, ("no_face_seen",))

    def opened(self, reference: Reference) -> Template:
        """There is nothing to open."""
        raise InvalidTemplate("template_malformed")

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """Nothing is assessed."""
        _decode_all(captures)
        return PersonResult((ModalityResult("face", reason="not_enrolled"),), engines=("decoding-1",))


def _decode_all(captures: Captures) -> None:
    images: list[tuple[str, bytes | None]] = [("face", captures.face), ("chip_photo", captures.chip_photo)]
    images.extend((finger.position, finger.image) for finger in captures.fingers)
    for field, image in images:
        if image is None:
            continue
        try:
            decode(image)
        except InvalidImage as error:
            raise CaptureInvalid(error.code, field) from error
