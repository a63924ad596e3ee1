"""Polarity: some scanners and programs show light ridges on dark ground; everything behind expects it the other way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.blocks import Blocks, blocks_of
from biometrics.finger.parameters import BLOCK, INVERTED_BY


def dark_on_light(grey: NDArray[np.uint8], blocks: Blocks) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W) with these blocks, turned into its negative if its ground is dark."""
    return 255 - grey if is_inverted(grey, blocks) else grey


def is_inverted(grey: NDArray[np.uint8], blocks: Blocks) -> bool:
    """Whether the rim of a picture, uint8 (H, W), is darker than where it has ridges: then these are the light lines.

    The mean of ridges and valleys lies between the two, and the ground is as the valleys are. A frame of one value that
    a program has put around the picture is looked past. Where the finger fills the picture there is no ground to
    tell by, and it is taken as it is: an inverted one still gives a template, but its kinds are swapped.
    """
    inner = _within_frame(grey)
    if min(inner.shape) < 2 * BLOCK:
        return False
    ridged, mean = blocks if inner is grey else blocks_of(inner)
    if not ridged.any():
        return False
    rim = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    return bool(np.median(rim) < mean[ridged].mean() - INVERTED_BY)


def _within_frame(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without the rows and columns at its edges that are of one value."""
    top, bottom = _first_that_varies(grey), _first_that_varies(grey[::-1])
    if top == len(grey):
        return grey
    left, right = _first_that_varies(grey.T), _first_that_varies(grey.T[::-1])
    if not (top or bottom or left or right):
        return grey
    return grey[top : len(grey) - bottom, left : grey.shape[1] - right]


def _first_that_varies(lines: NDArray[np.uint8]) -> int:
    """How many lines of one value there are before the first other one: most often none, so that few are looked at."""
    return next((number for number, line in enumerate(lines) if np.any(line != line[0])), len(lines))
