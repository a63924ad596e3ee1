"""A picture's blocks of 16 x 16 pixels: which have contrast, and how bright each is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import BLOCK, BLOCK_CONTRAST
from biometrics.kernels.compiled import kernel


class Blocks(NamedTuple):
    """Of the whole blocks of a picture of H x W pixels: `contrast`, whether the standard deviation reaches
    BLOCK_CONTRAST, and the `mean`, each (H // 16, W // 16)."""

    contrast: NDArray[np.bool_]
    mean: NDArray[np.float64]


def blocks_of(grey: NDArray[np.uint8]) -> Blocks:
    """The blocks of a picture, uint8 (H, W). A picture and its negative differ in the mean alone."""
    return Blocks(*_figures(grey))


@kernel
def _figures(grey: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    # Sums of whole numbers: nothing is rounded, and all is read once.
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    pixels = BLOCK * BLOCK
    contrast, mean = np.empty((rows, columns), np.bool_), np.empty((rows, columns), np.float64)
    for row in range(rows):
        for column in range(columns):
            total, squares = np.uint32(0), np.uint32(0)
            for y in range(BLOCK * row, BLOCK * row + BLOCK):
                for x in range(BLOCK * column, BLOCK * column + BLOCK):
                    value = np.uint32(grey[y, x])
                    total += value
                    squares += value * value
            mean[row, column] = total / pixels
            spread = pixels * np.float64(squares) - np.float64(total) * np.float64(total)
            contrast[row, column] = spread >= (pixels * BLOCK_CONTRAST) ** 2
    return contrast, mean
