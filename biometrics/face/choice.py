"""Which of the faces in a picture is the holder's."""

from __future__ import annotations

from typing import Literal

import numpy as np

from biometrics.errors import NotAssessable

from . import parameters
from .detection import Face

Choice = Literal["clear", "nearest"]
"""What to do when two faces are about as plausible: say so, or take the one nearer the centre."""


def choose(faces: list[Face], width: int, height: int, choice: Choice = "clear") -> Face:
    """The face that the capture is about, in a picture of `width` x `height` pixels: the one nearest the centre.

    Much smaller faces than the largest central one are left out first: they are people (or posters) behind the holder.
    If another one of the rest is about as near the centre, the picture does not say who is meant: `multiple_faces`,
    unless the choice is "nearest", for pictures that somebody has cropped to one person. Where no face is central, for
    a badly cropped picture, all are looked at.

    Raises NotAssessable: `no_face`, `multiple_faces`.
    """
    if not faces:
        raise NotAssessable("no_face")
    central = [face for face in faces if off_centre(face, width, height) <= parameters.CENTRAL] or faces
    enough = parameters.SIZE_SHARE * max(face.size for face in central)
    # Also those just outside the middle: of two side by side one is easily within it and the other not.
    ranked = sorted((off_centre(face, width, height), i) for i, face in enumerate(faces) if face.size >= enough)
    if choice == "clear" and len(ranked) > 1 and ranked[1][0] - ranked[0][0] <= parameters.CLEAR_LEAD:
        raise NotAssessable("multiple_faces")
    return faces[ranked[0][1]]


def off_centre(face: Face, width: int, height: int) -> float:
    """How far the face's middle is from the picture's, as a share of width or height, whichever is more."""
    return float(np.max(np.abs(face.centre / (width, height) - 0.5)))
