"""What `decode` says of bytes, and whether it says the same twice."""

import numpy as np

from biometrics.errors import InvalidImage
from biometrics.images import Image, decode


def outcome(data: bytes) -> Image | str:
    """The picture, or the code of why it is none."""
    try:
        return decode(data)
    except InvalidImage as error:
        return error.code


def same(first: Image | str, second: Image | str) -> bool:
    """The same code, or pictures that agree in everything."""
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    return np.array_equal(first.pixels, second.pixels) and first.dpi == second.dpi and first.format == second.format
