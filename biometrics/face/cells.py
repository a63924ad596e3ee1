"""What YuNet's outputs say: the cells that see a face, and of those that see the same one the surest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

from . import parameters

ROW = 15
"""Numbers of a face: its score, its box (left, top, width, height), and five landmarks (x, y)."""


@kernel
def confident(
    classes: NDArray[np.float32],
    objects: NDArray[np.float32],
    boxes: NDArray[np.float32],
    points: NDArray[np.float32],
    stride: int,
    columns: int,
) -> NDArray[np.float32]:
    """The faces, float32 (n, 15), that the cells of one stride, `columns` to a line, are confident enough of.

    The outputs are (1, cells, 1), the same, (1, cells, 4) and (1, cells, 10). A cell's score is the geometric mean of
    the first two; offsets are in strides from its corner.
    """
    likely = np.empty(classes.shape[1], np.float32)
    count = 0
    for cell in range(len(likely)):
        first = min(max(classes[0, cell, 0], np.float32(0.0)), np.float32(1.0))
        second = min(max(objects[0, cell, 0], np.float32(0.0)), np.float32(1.0))
        likely[cell] = first * second
        count += likely[cell] > parameters.CONFIDENCE**2
    found, number, step = np.empty((count, ROW), np.float32), 0, np.float32(stride)
    for cell in range(len(likely)):
        if not likely[cell] > parameters.CONFIDENCE**2:
            continue
        x, y = np.float32(cell % columns), np.float32(cell // columns)
        row, box = found[number], boxes[0, cell]
        width = np.exp(min(box[2], np.float32(10.0))) * step
        height = np.exp(min(box[3], np.float32(10.0))) * step
        row[0] = np.sqrt(likely[cell])
        row[1] = (x + box[0]) * step - width / np.float32(2.0)
        row[2] = (y + box[1]) * step - height / np.float32(2.0)
        row[3], row[4] = width, height
        for place in range(0, 10, 2):
            row[5 + place] = (points[0, cell, place] + x) * step
            row[6 + place] = (points[0, cell, place + 1] + y) * step
        number += 1
    return found


@kernel
def suppress(found: NDArray[np.float32]) -> NDArray[np.int64]:
    """Non-maximum suppression of faces (n, 15), the surest first: the places of those that no surer one overlaps."""
    kept, count = np.empty(len(found), np.int64), 0
    for one in range(len(found)):
        alone = True
        for number in range(count):
            if _overlap(found[kept[number]], found[one]):
                alone = False
                break
        if alone:
            kept[count] = one
            count += 1
    return kept[:count]


@kernel
def _overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    width = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    height = min(first[2] + first[4], second[2] + second[4]) - max(first[2], second[2])
    common = max(width, np.float32(0.0)) * max(height, np.float32(0.0))
    # Said so that what is no number overlaps.
    return not common <= parameters.OVERLAP * (first[3] * first[4] + second[3] * second[4] - common)
