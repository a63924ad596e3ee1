"""What surrounds a face and what compression did to it: components of quality that the aligned crop does not show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alignment import warp

_SIDE = 96
_REACH = 2.4
"""The surroundings are looked at in a square so many times the aligned crop, at 96 pixels a side."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_BLOCK = 8


def background(rgb: NDArray[np.uint8], matrix: NDArray[np.float64]) -> float:
    """How busy the ground beside and above the head is: mean absolute step between neighbours, in grey levels.

    0 is a plain wall; an even ground with a gradient has 1 to 3, a room or a street 5 and more. `matrix` (2, 3) places
    the aligned crop in `rgb`, uint8 (H, W, 3). NaN where the picture shows no ground.
    """
    scale = _REACH * 112 / _SIDE
    shift = np.array([56 - _REACH * 56, 56 - _REACH * 56])
    wide = np.column_stack([matrix[:, :2] * scale, matrix[:, :2] @ shift + matrix[:, 2]])
    luma = warp(rgb, wide, _SIDE).astype(np.float32) @ _LUMA
    rows, columns = np.mgrid[:_SIDE, :_SIDE].astype(np.float64)
    x, y = wide @ np.stack([columns.ravel(), rows.ravel(), np.ones(_SIDE * _SIDE)])
    inside = ((x >= 0) & (y >= 0) & (x < rgb.shape[1] - 1) & (y < rgb.shape[0] - 1)).reshape(_SIDE, _SIDE)
    away = np.hypot((columns - _SIDE / 2) / 0.27, (rows - 0.47 * _SIDE) / 0.4) > _SIDE
    ground = inside & away & (rows < 0.62 * _SIDE)
    steps = np.abs(np.diff(luma, axis=1))[ground[:, 1:] & ground[:, :-1]]
    return float(steps.mean()) if steps.size >= _SIDE else float("nan")


def blockiness(rgb: NDArray[np.uint8], box: NDArray[np.float32]) -> float:
    """How far the steps between the 8 x 8 blocks of a JPEG stand out in the face's `box`: their mean over that of all
    other steps between neighbours, less 1; about 0 without compression, over 0.5 where blocks are seen.

    (A simple relative of the measure of Wang, Sheikh, Bovik, ICIP 2002.) Only for pictures that were not resized since.
    """
    left, top = (max(0, int(edge)) for edge in box[:2])
    right, bottom = int(box[0] + box[2]), int(box[1] + box[3])
    luma = rgb[top:bottom, left:right].astype(np.float32) @ _LUMA
    if min(luma.shape, default=0) < 3 * _BLOCK:
        return 0.0
    across, down = np.abs(np.diff(luma, axis=1)).mean(axis=0), np.abs(np.diff(luma, axis=0)).mean(axis=1)
    edge_x = (np.arange(len(across)) + left) % _BLOCK == _BLOCK - 1
    edge_y = (np.arange(len(down)) + top) % _BLOCK == _BLOCK - 1
    at = np.concatenate([across[edge_x], down[edge_y]]).mean()
    between = np.concatenate([across[~edge_x], down[~edge_y]]).mean()
    return float(at / max(between, 0.1) - 1)
