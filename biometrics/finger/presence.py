"""Presence: does the picture show enough of anything that could be a finger, and where?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.blocks import block_figures
from biometrics.finger.parameters import (
    BLOCK,
    FOREGROUND_LINE_BLOCKS,
    FOREGROUND_MARGIN,
    FOREGROUND_SHARE,
    MIN_FOREGROUND_AREA,
)


def contrast_blocks(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the whole blocks (16 x 16) of a picture, uint8 (H, W) at 500 dpi, have contrast."""
    return block_figures(grey)[0]


def foreground_area(grey: NDArray[np.uint8]) -> int:
    """Pixels of the blocks of a picture, uint8 (H, W), that have contrast."""
    return int(np.count_nonzero(contrast_blocks(grey))) * BLOCK * BLOCK


def foreground_box(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Lines and columns of a picture, uint8 (H, W), that hold all that could be ridges, with a margin of blank ground.

    The whole where that is most of it: a narrower frame saves little then, and moves what is seen near its edge. A
    line or column of blocks counts when two have contrast, so that specks of dust don't.
    """
    blocks = contrast_blocks(grey)
    box = _span(blocks.sum(axis=1), grey.shape[0]), _span(blocks.sum(axis=0), grey.shape[1])
    area = math.prod(part.stop - part.start for part in box)
    return box if area <= FOREGROUND_SHARE * grey.size else (slice(0, grey.shape[0]), slice(0, grey.shape[1]))


def _span(counts: NDArray[np.int64], length: int) -> slice:
    seen = np.flatnonzero(counts >= FOREGROUND_LINE_BLOCKS)
    if not len(seen):
        return slice(0, length)
    first, last = int(seen[0]) * BLOCK, int(seen[-1] + 1) * BLOCK
    return slice(max(0, first - FOREGROUND_MARGIN), min(length, last + FOREGROUND_MARGIN))


def is_empty(grey: NDArray[np.uint8]) -> bool:
    """Whether nothing lies on the scanner: hardly any contrast anywhere."""
    return foreground_area(grey) < MIN_FOREGROUND_AREA
