"""Whether a face can be judged, how well, and what its owner should do about it.

Components after ISO/IEC 29794-5 and its reference implementation OFIQ, as far as five landmarks and plain image
arithmetic give them, and a unified quality, 0..100, the higher the better. The unified quality is the length of the
recogniser's embedding, which falls with whatever makes a face hard to recognise (the finding of MagFace: Meng et al.,
CVPR 2021; SFace was not trained for it but shows it, too). The components decide only whether it is judged at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import loose_kernel

from . import parameters
from .pose import Pose, pose_of

# Lines and columns of the crop, from and before. First eyes, nose and mouth, without background and hair.
_MIDDLE = (24, 104, 24, 88)
_LEFT, _RIGHT = (30, 100, 24, 54), (30, 100, 58, 88)
_EYES = (46, 58, 28, 48), (46, 58, 64, 84)
_CHEEKS = (66, 80, 26, 42), (66, 80, 70, 86)
_NOSE, _MOUTH = (56, 68, 46, 66), (84, 102, 40, 72)
_REFERENCE_CONTRAST = 50.0
_FRONTAL, _MOUTH_WIDTH = Pose(0.0, 0.0, 0.0), 0.83  # of the average face
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Quality:
    """What is measured on an aligned face.

    `resolution`: pixels of the picture for one of the crop. In grey levels of the crop's middle: `contrast`, the
    standard deviation; `sharpness`, the mean absolute Laplacian at a contrast of 50; `luma`, the mean. Shares: `dark`
    and `burnt`, of pixels without detail; `uneven`, by how much one half is brighter than the other. `eyes` and
    `mouth`, 0..1: how much they look covered. `pose` in degrees. `mouth_width` over the distance of the eyes.
    """

    resolution: float
    contrast: float
    sharpness: float
    luma: float
    dark: float = 0.0
    burnt: float = 0.0
    uneven: float = 0.0
    eyes: float = 0.0
    mouth: float = 0.0
    pose: Pose = _FRONTAL
    mouth_width: float = _MOUTH_WIDTH

    @property
    def eye_distance(self) -> float:
        """Between the eyes of a frontal face of this size, in pixels of the picture."""
        return self.resolution * (parameters.ARCFACE_POINTS[1][0] - parameters.ARCFACE_POINTS[0][0])

    @property
    def usability(self) -> float:
        """0..1: 0 where a component makes the face unusable, 1 where more of none would help; the worst counts."""
        p = parameters
        return min(
            _grade(self.resolution, p.MIN_RESOLUTION, p.GOOD_RESOLUTION),
            _grade(self.contrast, p.MIN_CONTRAST, p.GOOD_CONTRAST),
            _grade(self.sharpness, p.MIN_SHARPNESS, p.GOOD_SHARPNESS),
            _grade(self.luma, p.MIN_LUMA, p.GOOD_LUMA),
            _grade(-self.luma, -p.MAX_LUMA, -p.BRIGHT_LUMA),
        )


def measure(crop: NDArray[np.uint8], resolution: float, points: NDArray[np.float32] | None = None) -> Quality:
    """Components of an aligned face, uint8 (112, 112, 3), with `resolution` pixels of the picture for each of its own.

    `points` (5, 2) are its landmarks in the picture; without them pose and mouth are taken for those of a frontal face.
    """
    grey = _luma(crop)
    mean, contrast, edges, dark, burnt = _spread(grey)
    left, right = _mean(grey, _LEFT), _mean(grey, _RIGHT)
    return Quality(
        resolution=resolution,
        contrast=contrast,
        sharpness=edges * _REFERENCE_CONTRAST / max(contrast, 1.0),
        luma=mean,
        dark=dark,
        burnt=burnt,
        uneven=abs(left - right) / max(left + right, 1.0),
        eyes=_covered_eyes(grey),
        mouth=_covered_mouth(crop),
        pose=_FRONTAL if points is None else pose_of(points),
        mouth_width=_MOUTH_WIDTH if points is None else _mouth_width(points),
    )


Lengths = tuple[float, float]
SFACE_LENGTHS: Lengths = (parameters.MIN_LENGTH, parameters.GOOD_LENGTH)


def unified(quality: Quality, length: float, lengths: Lengths | None = SFACE_LENGTHS) -> int:
    """Unified quality, 0..100, of a face whose embedding has the length `length`; 0: the face is not to be judged.

    `lengths` are those of the worst and the best faces. Without them, for a recogniser whose lengths were never looked
    at, the worst component counts.
    """
    if quality.usability <= 0:
        return 0
    if lengths is None:
        return max(1, round(100 * quality.usability))
    # Shorter than any face's is what was aligned by guessed landmarks: an upside-down or lying head, or no face at all.
    return 0 if length < lengths[0] else max(1, round(100 * _grade(length, *lengths)))


def _grade(value: float, bad: float, good: float) -> float:
    return min(1.0, max(0.0, (value - bad) / (good - bad)))


def _covered_eyes(grey: NDArray[np.float32]) -> float:
    """How much darker both eyes are than the cheeks below them: dark glasses are, eyes and clear glasses much less."""
    shares = [_mean(grey, eye) / max(_mean(grey, cheek), 1.0) for eye, cheek in zip(_EYES, _CHEEKS, strict=True)]
    return _grade(-max(shares), -parameters.CLEAR_EYES, -parameters.COVERED_EYES)


def _covered_mouth(crop: NDArray[np.uint8]) -> float:
    """How far what surrounds the mouth is from the skin of the nose: in colour, or much brighter, or much darker."""
    p = parameters
    nose, mouth = _colour(crop, _NOSE), _colour(crop, _MOUTH)
    tint = float(np.abs(nose / max(nose.sum(), 1.0) - mouth / max(mouth.sum(), 1.0)).sum())
    share = float(mouth @ _LUMA) / max(float(nose @ _LUMA), 1.0)
    return max(
        _grade(tint, p.SKIN_TINT, p.CLOTH_TINT),
        _grade(share, p.SKIN_BRIGHT, p.CLOTH_BRIGHT),
        _grade(-share, -p.SKIN_DARK, -p.CLOTH_DARK),
    )


def _mouth_width(points: NDArray[np.float32]) -> float:
    eyes = float(np.hypot(*(points[1] - points[0])))
    return float(np.hypot(*(points[4] - points[3]))) / max(eyes, 1e-6)


@loose_kernel
def _luma(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma, float32 (H, W), of uint8 (H, W, 3)."""
    height, width = crop.shape[0], crop.shape[1]
    grey = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            grey[y, x] = _LUMA[0] * crop[y, x, 0] + _LUMA[1] * crop[y, x, 1] + _LUMA[2] * crop[y, x, 2]
    return grey


@loose_kernel
def _spread(grey: NDArray[np.float32]) -> tuple[float, float, float, float, float]:
    """Of the middle: mean, standard deviation, mean absolute Laplacian within, and the shares of dark and of burnt."""
    top, bottom, left, right = _MIDDLE
    total = squares = edges = np.float32(0.0)
    dark = burnt = 0
    for y in range(top, bottom):
        for x in range(left, right):
            value = grey[y, x]
            total += value
            dark += value < parameters.BLACK
            burnt += value > parameters.WHITE
    count = (bottom - top) * (right - left)
    mean = total / np.float32(count)
    for y in range(top, bottom):
        for x in range(left, right):
            squares += (grey[y, x] - mean) ** 2
    for y in range(top + 1, bottom - 1):
        for x in range(left + 1, right - 1):
            around = grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1]
            edges += abs(around - np.float32(4.0) * grey[y, x])
    within = (bottom - top - 2) * (right - left - 2)
    return float(mean), math.sqrt(squares / count), float(edges / within), dark / count, burnt / count


@loose_kernel
def _mean(grey: NDArray[np.float32], part: tuple[int, int, int, int]) -> float:
    total = np.float32(0.0)
    for y in range(part[0], part[1]):
        for x in range(part[2], part[3]):
            total += grey[y, x]
    return float(total / ((part[1] - part[0]) * (part[3] - part[2])))


@loose_kernel
def _colour(crop: NDArray[np.uint8], part: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """The mean colour, float32 (3,), of a part of uint8 (H, W, 3)."""
    sums = np.zeros(3, np.int64)
    for y in range(part[0], part[1]):
        for x in range(part[2], part[3]):
            for channel in range(3):
                sums[channel] += crop[y, x, channel]
    return (sums / ((part[1] - part[0]) * (part[3] - part[2]))).astype(np.float32)
