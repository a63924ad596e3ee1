"""Which of the faces in a picture is the holder's."""

from __future__ import annotations

import numpy as np

from biometrics.errors import NotAssessable

from . import parameters
from .detection import Face


def choose(faces: list[Face], width: int, height: int) -> Face:
    """The face that the capture is about, in a picture of `width` x `height` pixels: the one nearest the centre.

    Of the central faces those much smaller than the largest of them are bystanders behind the holder. If two are left,
    the picture does not say who is meant. Where no face is central the nearest one is taken, for the sender may have
    cropped badly.

    Raises NotAssessable: `no_face`, `multiple_faces`.
    """
    if not faces:
        raise NotAssessable("no_face")
    central = [face for face in faces if off_centre(face, width, height) <= parameters.CENTRAL]
    largest = max((face.size for face in central), default=0.0)
    plausible = [face for face in central if face.size >= parameters.SIZE_SHARE * largest]
    if len(plausible) > 1:
        raise NotAssessable("multiple_faces")
    return min(plausible or faces, key=lambda face: off_centre(face, width, height))


def off_centre(face: Face, width: int, height: int) -> float:
    """How far the face's middle is from the picture's, as a share of width or height, whichever is more."""
    return float(np.max(np.abs(face.centre / (width, height) - 0.5)))
