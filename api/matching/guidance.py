"""A frame of a live picture, looked at for the person before the camera: where the face is, and what to do better."""

import threading
from dataclasses import dataclass

from api.matching.comparison import CaptureInvalid
from api.matching.liveness import MAX_FRAME_BYTES, MAX_FRAME_PIXELS
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import FaceEngine
from biometrics.face.alignment import align, placement, resolution
from biometrics.face.choice import choose
from biometrics.face.feedback import feedback
from biometrics.face.parameters import SUFFICIENT_SIDE
from biometrics.face.quality import measure
from biometrics.images import decode

_SEEN = {"no_face": "no_face_seen", "multiple_faces": "one_person_only"}


@dataclass(frozen=True)
class Guidance:
    """`box`: left, top, width, height of the face as shares of the picture, None where there is none, or several.

    `advice`: codes of `biometrics.face.feedback`, the most helpful first; none where the picture is good.
    """

    box: tuple[float, float, float, float] | None
    advice: tuple[str, ...]


class GuidanceBusy(Exception):
    """As many frames are looked at as may be: the next one is as good."""


class Guide:
    """Looks at a few frames at a time, so that verifications never wait for guidance. Safe among threads."""

    def __init__(self, face: FaceEngine, at_once: int) -> None:
        self._face = face
        self._places = threading.BoundedSemaphore(at_once)

    def look(self, image: bytes) -> Guidance:
        """Detects and measures; makes no template. Raises CaptureInvalid and GuidanceBusy."""
        if len(image) > MAX_FRAME_BYTES:
            raise CaptureInvalid("image_too_large", "image")
        if not self._places.acquire(blocking=False):
            raise GuidanceBusy
        try:
            return self._look(image)
        except InvalidImage as error:
            raise CaptureInvalid(error.code, "image") from error
        finally:
            self._places.release()

    def _look(self, image: bytes) -> Guidance:
        rgb = decode(image, sufficient_side=SUFFICIENT_SIDE).rgb
        height, width = rgb.shape[:2]
        if height * width > MAX_FRAME_PIXELS:
            raise CaptureInvalid("image_too_many_pixels", "image")
        try:
            face = choose(self._face.detect(rgb), width, height)
        except NotAssessable as error:
            return Guidance(None, (_SEEN[error.reason],))
        points = self._face.landmarks(rgb, face)
        matrix = placement(points)
        quality = measure(align(rgb, matrix), resolution(matrix), points)
        left, top, across, down = (float(edge) for edge in face.box)
        box = (left / width, top / height, across / width, down / height)
        return Guidance(box, feedback(quality, face, width, height))
