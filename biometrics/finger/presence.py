"""Presence: does the picture show enough of anything that could be a finger?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import BLOCK, BLOCK_CONTRAST, MIN_FOREGROUND_AREA


def foreground_area(grey: NDArray[np.uint8]) -> int:
    """Pixels of the blocks (16 x 16) of a picture, uint8 (H, W) at 500 dpi, that have contrast."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    blocks = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    contrast = blocks.std(axis=(1, 3), dtype=np.float32)
    return int(np.count_nonzero(contrast >= BLOCK_CONTRAST)) * BLOCK * BLOCK


def is_empty(grey: NDArray[np.uint8]) -> bool:
    """Whether nothing lies on the scanner: hardly any contrast anywhere."""
    return foreground_area(grey) < MIN_FOREGROUND_AREA
