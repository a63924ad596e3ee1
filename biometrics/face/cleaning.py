"""A small, hard compressed picture, as a chip holds it, without some of what its codec left in it.

What the codec made up differs from view to view, the face does not: embeddings of the picture and of its cleaned
views, averaged, are nearer to the person's other pictures than any one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from . import parameters


def small(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 (H, W, 3), is of a size that chips hold and cameras no longer take."""
    return bool(max(rgb.shape[:2]) <= parameters.SMALL_SIDE)


def cleaned(rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Two views of the same size, uint8 (H, W, 3): with colours smoothed, and with specks and ringing taken out."""
    picture = Pillow.fromarray(rgb)
    light, *colours = picture.convert("YCbCr").split()
    soft = ImageFilter.GaussianBlur(parameters.COLOUR_BLUR)
    calm = Pillow.merge("YCbCr", (light, *(colour.filter(soft) for colour in colours))).convert("RGB")
    return [np.asarray(calm), np.asarray(picture.filter(ImageFilter.MedianFilter(3)))]
