"""Whether a face can be judged at all, as one number: 0..100, the higher the better.

Simple components after ISO/IEC 29794-5 (inter-eye distance, sharpness, contrast, exposure): each is 0 where it makes
the face unusable and 1 where more of it changes nothing; the worst one counts, for none makes up for another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import parameters

_MIDDLE = slice(24, 104), slice(24, 88)  # eyes, nose and mouth in the crop, without background and hair
_REFERENCE_CONTRAST = 50.0
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Quality:
    """The measured components: pixels of the picture for one of the crop; the rest in grey levels of the crop's middle:
    standard deviation, mean absolute Laplacian (at a standard deviation of 50), mean."""

    resolution: float
    contrast: float
    sharpness: float
    luma: float

    @property
    def value(self) -> int:
        """Unified quality, 0..100; 0 means that the face is not to be judged."""
        p = parameters
        grades = (
            _grade(self.resolution, p.MIN_RESOLUTION, p.GOOD_RESOLUTION),
            _grade(self.contrast, p.MIN_CONTRAST, p.GOOD_CONTRAST),
            _grade(self.sharpness, p.MIN_SHARPNESS, p.GOOD_SHARPNESS),
            _grade(self.luma, p.MIN_LUMA, p.GOOD_LUMA),
            _grade(-self.luma, -p.MAX_LUMA, -p.BRIGHT_LUMA),
        )
        worst = min(grades)
        return 0 if worst <= 0 else max(1, round(100 * worst))


def measure(crop: NDArray[np.uint8], resolution: float) -> Quality:
    """Quality of an aligned face, uint8 (112, 112, 3), made of `resolution` pixels of the picture for each of its own
    along a side. (The distance of the eyes would do for frontal faces only; in the crop it is 35 pixels.)"""
    luma = crop[_MIDDLE].astype(np.float32) @ _LUMA
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    contrast = float(luma.std())
    sharpness = float(np.abs(laplacian).mean()) * _REFERENCE_CONTRAST / max(contrast, 1.0)
    return Quality(resolution, contrast, sharpness, float(luma.mean()))


def _grade(value: float, bad: float, good: float) -> float:
    return min(1.0, max(0.0, (value - bad) / (good - bad)))
