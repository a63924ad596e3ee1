"""Where a head is turned to, from its five landmarks.

The landmarks are fitted by a scaled, turned and shifted rigid face of five points seen from afar (DeMenthon, Davis,
"Model-Based Object Pose in 25 Lines of Code", IJCV 15, 1995, without the iteration). People's faces differ from the
rigid one, and landmarks err by a pixel or two: expect some five degrees, more in pitch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import parameters

_MODEL = np.array(parameters.FACE_MODEL_MM, np.float64)
_INVERSE = np.linalg.pinv(_MODEL - _MODEL.mean(axis=0))


@dataclass(frozen=True)
class Pose:
    """Degrees: `yaw` positive when the nose points to the right of the picture, `pitch` when it points down, `roll`
    when the head leans to the right of the picture (clockwise)."""

    yaw: float
    pitch: float
    roll: float


def pose_of(points: NDArray[np.float32]) -> Pose:
    """The pose of a head with landmarks `points`, (5, 2), in the order of `Face.points`."""
    centred = points.astype(np.float64) - points.mean(axis=0)
    across, down = (_INVERSE @ centred).T.tolist()
    scale = max((math.hypot(*across) + math.hypot(*down)) / 2, 1e-9)
    # Of the third axis, their cross product, only what points away from the camera is asked for.
    depth = max(abs(across[0] * down[1] - across[1] * down[0]) / scale**2, 0.05)
    eyes = (points[1] - points[0]).tolist()
    roll = math.atan2(eyes[1], eyes[0])
    # The third column of the rotation is where the nose points in the picture; the roll is taken out of it.
    x, y = across[2] / scale, down[2] / scale
    cosine, sine = math.cos(roll), math.sin(roll)
    yaw = math.atan2(cosine * x + sine * y, depth)
    pitch = math.atan2(cosine * y - sine * x, depth)
    return Pose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))
