"""Pictures made on the fly, and their encodings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

LOSSLESS = ("PNG", "BMP", "TIFF", "JPEG2000")
FORMATS = ("JPEG", *LOSSLESS)


def scene(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Smooth colours without any symmetry, uint8 (height, width, 3): a brighter top left corner, red to the right."""
    y, x = np.mgrid[0:height, 0:width]
    red, green, blue = 255 * x / width, 255 * y / height, 255 * np.exp(-((x / width) ** 2 + (y / height) ** 2) * 6)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def encode(picture: NDArray[np.uint8] | Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture file of one of FORMATS."""
    image = picture if isinstance(picture, Pillow.Image) else Pillow.fromarray(picture)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
