"""A second look at the chosen face, for landmarks that do not depend on how large it is in the picture.

Where the eyes are found to a pixel or two decides how well the aligned crops of two pictures agree. The detector is
run again on a square around the face, in which the face has always the same size, and on that square's mirror image;
the two answers, one mirrored back, are averaged, which takes out the part of the error that depends on the side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .detection import Face, run
from .resampling import network_input

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_SWAPPED = [1, 0, 2, 4, 3]  # the landmarks in a mirror: eyes and corners of the mouth change places


def refine(session: InferenceSession, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
    """The landmarks of `face` anew, float32 (5, 2), in pixels of `rgb`, uint8 (H, W, 3).

    Those that the face came with, where the second look does not find it.
    """
    side = max(1, round(parameters.REFINEMENT_MARGIN * face.size))
    left, top = (round(float(place) - side / 2) for place in face.centre)
    wanted = parameters.REFINEMENT_SIDE
    blob = network_input(rgb, left, top, (side, side), (wanted, wanted), parameters.STRIDES[-1])
    views = []
    for mirrored in (False, True):
        points = _central_points(session, np.ascontiguousarray(blob[..., ::-1]) if mirrored else blob, side)
        if points is not None:
            views.append(_mirrored(points, side) if mirrored else points)
    if not views:
        return face.points
    return np.asarray(np.mean(views, axis=0) + np.array([left, top]), np.float32)


def _mirrored(points: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The landmarks of a mirrored square of `side` pixels where they are in the square itself."""
    back: NDArray[np.float32] = points[_SWAPPED]
    back[:, 0] = side - 1 - back[:, 0]
    return back


def _central_points(session: InferenceSession, blob: NDArray[np.float32], side: int) -> NDArray[np.float32] | None:
    """The landmarks of the face nearest the middle of a square, in its `side` pixels; None if none is central."""

    def distance(face: Face) -> float:
        return float(np.max(np.abs(face.centre / side - 0.5)))

    factor = np.full(2, side / parameters.REFINEMENT_SIDE, np.float32)
    found = min(run(session, blob, factor), key=distance, default=None)
    return found.points if found is not None and distance(found) <= parameters.CENTRAL else None
