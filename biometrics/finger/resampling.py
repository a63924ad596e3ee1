"""Resolution: which one a picture has, and bringing it to 500 dpi."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.errors import InvalidImage, NotAssessable
from biometrics.finger.parameters import DPI, DPI_SLACK, FILE_DPI_RANGE, MAX_AREA, MAX_SIDE, STATED_DPI_RANGE


def choose_dpi(stated: float | None, in_file: float | None) -> float:
    """The resolution to work with: what the caller states, else what the file says if that is sane, else 500.

    Raises NotAssessable (`wrong_dpi`) when the stated one is no resolution of a fingerprint scanner.
    """
    if stated is not None:
        if not (math.isfinite(stated) and STATED_DPI_RANGE[0] <= stated <= STATED_DPI_RANGE[1]):
            raise NotAssessable("wrong_dpi", f"{stated:g} dpi was stated")
        return stated
    if in_file is not None and FILE_DPI_RANGE[0] <= in_file <= FILE_DPI_RANGE[1]:
        return in_file
    return DPI


def resample(grey: NDArray[np.uint8], dpi: float) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W), at 500 dpi: area-weighted when it shrinks, bicubic when it grows.

    Raises InvalidImage (`image_larger_than_finger`) where the result would be larger than any finger.
    """
    scale = DPI / dpi if abs(dpi / DPI - 1.0) > DPI_SLACK else 1.0
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    if width * height > MAX_AREA or max(width, height) > MAX_SIDE:
        raise InvalidImage("image_larger_than_finger", f"{width} x {height} at 500 dpi")
    if scale == 1.0:
        return grey
    # Pillow widens its bilinear kernel with the reduction, so that ridges are averaged and not skipped.
    kernel = Pillow.Resampling.BILINEAR if scale < 1.0 else Pillow.Resampling.BICUBIC
    return np.asarray(Pillow.fromarray(grey).resize((width, height), kernel))
