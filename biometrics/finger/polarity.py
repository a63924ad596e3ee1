"""Polarity: some scanners and programs show light ridges on dark ground; everything behind expects it the other way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import BLOCK, BLOCK_CONTRAST, INVERTED_BY


def dark_on_light(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W), turned into its negative if its ground is dark."""
    return 255 - grey if is_inverted(grey) else grey


def is_inverted(grey: NDArray[np.uint8]) -> bool:
    """Whether the rim of a picture, uint8 (H, W), is darker than where it has ridges: then these are the light lines.

    The mean of ridges and valleys lies between the two, and the ground is as the valleys are. A frame of one value that
    a program has put around the picture is looked past. Where the finger fills the picture there is no ground to
    tell by, and it is taken as it is: an inverted one still gives a template, but its kinds are swapped.
    """
    inner = _within_frame(grey)
    rows, columns = inner.shape[0] // BLOCK, inner.shape[1] // BLOCK
    if rows < 2 or columns < 2:
        return False
    blocks = inner[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    ridged = blocks.std(axis=(1, 3), dtype=np.float32) >= BLOCK_CONTRAST
    if not ridged.any():
        return False
    rim = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    return bool(np.median(rim) < blocks.mean(axis=(1, 3))[ridged].mean() - INVERTED_BY)


def _within_frame(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without the rows and columns at its edges that are of one value."""
    rows, columns = (np.flatnonzero(np.ptp(grey, axis=axis)) for axis in (1, 0))
    if len(rows) == 0 or len(columns) == 0:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
