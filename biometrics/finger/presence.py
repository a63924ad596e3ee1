"""Presence: does the picture show enough of anything that could be a finger, and where?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.blocks import Blocks
from biometrics.finger.parameters import (
    BLOCK,
    FOREGROUND_LINE_BLOCKS,
    FOREGROUND_MARGIN,
    FOREGROUND_SHARE,
    MIN_FOREGROUND_AREA,
)


def foreground_box(blocks: Blocks, height: int, width: int) -> tuple[slice, slice]:
    """Lines and columns of a picture with these blocks that hold all that could be ridges, with a margin of ground.

    The whole where that is most of it: a narrower frame saves little then, and moves what is seen near its edge. A
    line or column of blocks counts when two have contrast, so that specks of dust don't.
    """
    box = _span(blocks.contrast.sum(axis=1), height), _span(blocks.contrast.sum(axis=0), width)
    area = math.prod(part.stop - part.start for part in box)
    return box if area <= FOREGROUND_SHARE * height * width else (slice(0, height), slice(0, width))


def _span(counts: NDArray[np.int64], length: int) -> slice:
    seen = np.flatnonzero(counts >= FOREGROUND_LINE_BLOCKS)
    if not len(seen):
        return slice(0, length)
    first, last = int(seen[0]) * BLOCK, int(seen[-1] + 1) * BLOCK
    return slice(max(0, first - FOREGROUND_MARGIN), min(length, last + FOREGROUND_MARGIN))


def is_empty(blocks: Blocks) -> bool:
    """Whether nothing lies on the scanner: hardly any contrast anywhere."""
    return int(np.count_nonzero(blocks.contrast)) * BLOCK * BLOCK < MIN_FOREGROUND_AREA
