"""The frames of a burst as `judge` takes them: landmarks of each, and the vectors of some."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import NotAssessable
from biometrics.face.choice import choose
from biometrics.face.pose import pose_of

from . import parameters as p
from .burst import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biometrics.face.engine import FaceEngine

Pixels = NDArray[np.uint8]


def observe(engine: FaceEngine, times_s: Sequence[float], pictures: Sequence[Pixels]) -> list[Frame]:
    """A frame for each upright picture, uint8 (H, W, 3), taken at `times_s`.

    A picture with no face, or with two that are as plausible, is a frame without landmarks. MOST_VECTORS of those in
    which the head is straight are recognised, evenly spread, the first and the last among them.
    """
    frames = [Frame(at, _points(engine, rgb)) for at, rgb in zip(times_s, pictures, strict=True)]
    straight = [number for number, frame in enumerate(frames) if _straight(frame)]
    places = np.linspace(0, len(straight) - 1, min(len(straight), p.MOST_VECTORS)).round().astype(int)
    for number in (straight[place] for place in places):
        points = frames[number].points
        assert points is not None
        frames[number] = replace(frames[number], vector=engine.vector_at(pictures[number], points))
    return frames


def _points(engine: FaceEngine, rgb: Pixels) -> NDArray[np.float32] | None:
    try:
        face = choose(engine.detect(rgb), rgb.shape[1], rgb.shape[0])
    except NotAssessable:
        return None
    return engine.landmarks(rgb, face)


def _straight(frame: Frame) -> bool:
    return frame.points is not None and abs(pose_of(frame.points).yaw) <= p.STRAIGHT_ENOUGH
