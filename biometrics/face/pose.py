"""Where a head is turned to, from its five landmarks.

The landmarks are fitted by a scaled, turned and shifted rigid face of five points seen from afar (DeMenthon, Davis,
"Model-Based Object Pose in 25 Lines of Code", IJCV 15, 1995, without the iteration). People's faces differ from the
rigid one, and landmarks err by a pixel or two: expect some five degrees, more in pitch.
"""

from __future__ import annotations

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
    across, down = (_INVERSE @ centred).T
    scale = max((np.linalg.norm(across) + np.linalg.norm(down)) / 2, 1e-9)
    towards = np.cross(across / scale, down / scale)
    roll = float(np.degrees(np.arctan2(*(points[1] - points[0])[::-1].astype(float))))
    # The third column of the rotation is where the nose points in the picture; the roll is taken out of it.
    nose = np.array([across[2], down[2]]) / scale
    turn = np.radians(-roll)
    nose = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ nose
    depth = max(abs(float(towards[2])), 0.05)
    return Pose(float(np.degrees(np.arctan2(nose[0], depth))), float(np.degrees(np.arctan2(nose[1], depth))), roll)
