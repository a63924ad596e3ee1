"""Shots of a picture: a camera or a scanner never takes the same pixels twice, and the service takes none twice."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from biometrics.images import Image, decode

# High enough that noise of one grey level comes through the compression.
JPEG_QUALITY = 95


def another_shot(picture: bytes) -> bytes:
    """The picture as the sensor would see it a moment later: every value off by one grey level at most.

    That stands for a second frame of the same scene; nothing of the person changes. JPEG stays JPEG, all else is PNG.
    Raises InvalidImage.
    """
    seen = _decoded(picture)
    noise = np.random.default_rng().integers(-1, 2, seen.pixels.shape, dtype=np.int8)
    frame = Pillow.fromarray(np.clip(seen.pixels + noise.astype(np.int16), 0, 255).astype(np.uint8))
    file = BytesIO()
    if seen.format == "JPEG":
        frame.save(file, "JPEG", quality=JPEG_QUALITY)
    else:
        frame.save(file, "PNG", compress_level=1, dpi=(seen.dpi, seen.dpi) if seen.dpi else None)
    return file.getvalue()


@lru_cache(maxsize=64)
def _decoded(picture: bytes) -> Image:
    return decode(picture)
