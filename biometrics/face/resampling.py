"""A part of a picture resized straight into the detector's input, without a copy of the picture in between.

A triangle filter as wide as the reduction (what Pillow calls bilinear), rows first: there neighbouring bytes are
summed with one weight, which the processor does many at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel
from biometrics.kernels.pixels import PIXEL_BYTES, ROWS, sum_pixels


@kernel
def network_input(
    rgb: NDArray[np.uint8], left: int, top: int, size: tuple[int, int], wanted: tuple[int, int], stride: int
) -> NDArray[np.float32]:
    """The part of `rgb`, uint8 (H, W, 3), of `size` (width, height) at (left, top), as `wanted` (width, height) pixels.

    Float32 (1, 3, H', W'), blue first, 0..255, padded with black at right and bottom to multiples of `stride`. What
    lies outside the picture is black.
    """
    first_x, last_x = max(0, left), min(rgb.shape[1], left + size[0])
    columns = max(0, last_x - first_x)
    pixels = np.ascontiguousarray(rgb).reshape(rgb.shape[0], rgb.shape[1] * 3)
    inside = pixels[:, 3 * first_x : 3 * (first_x + columns)]
    out = np.zeros((1, 3, -(-wanted[1] // stride) * stride, -(-wanted[0] // stride) * stride), np.float32)
    y_start, y_weights = _triangle(size[1], wanted[1])
    x_start, x_weights = _triangle(size[0], wanted[0])
    # A number more behind the last pixel, which is read with what follows it.
    lines, made = np.zeros((ROWS, 3 * columns + 1), np.float32), np.empty((wanted[0], ROWS, 4), np.float32)
    for top_row in range(0, wanted[1], ROWS):
        rows = min(ROWS, wanted[1] - top_row)
        for row in range(rows):
            _sum_lines(inside, top + y_start[top_row + row], y_weights[top_row + row], lines[row])
        for i in range(wanted[0]):
            begin = left + x_start[i] - first_x
            first, last = max(0, -begin), min(x_weights.shape[1], columns - begin)
            source = lines.ctypes.data + PIXEL_BYTES * (begin + first)
            weights = x_weights.ctypes.data + x_weights.strides[0] * i + x_weights.strides[1] * first
            sum_pixels(source, lines.strides[0], weights, last - first, made.ctypes.data + made.strides[0] * i)
        for row in range(rows):
            for i in range(wanted[0]):
                red, green, blue = made[i, row, 0], made[i, row, 1], made[i, row, 2]
                out[0, 0, top_row + row, i], out[0, 1, top_row + row, i], out[0, 2, top_row + row, i] = blue, green, red
    return out


@kernel
def _sum_lines(pixels: NDArray[np.uint8], first: int, weights: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    """The weighted sum of the lines of `pixels`, (H, n), from `first` on, into `line`, whose first n numbers it is."""
    line[:] = 0.0
    for k in range(len(weights)):
        if weights[k] > 0.0 and 0 <= first + k < len(pixels):
            for i in range(pixels.shape[1]):
                line[i] += weights[k] * pixels[first + k, i]


@kernel
def _triangle(size: int, wanted: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of `wanted` places in a line of `size` pixels: the first pixel that counts, and weights from it on."""
    scale = size / wanted
    reach = max(scale, 1.0)
    start = np.empty(wanted, np.int64)
    weights = np.zeros((wanted, int(np.ceil(2 * reach)) + 1), np.float32)
    for place in range(wanted):
        middle = (place + 0.5) * scale
        first, last = max(0, int(middle - reach + 0.5)), min(size, int(middle + reach + 0.5))
        start[place] = first
        total = 0.0
        for pixel in range(first, last):
            weight = max(0.0, 1.0 - abs((pixel + 0.5 - middle) / reach))
            weights[place, pixel - first] = weight
            total += weight
        weights[place] /= total
    return start, weights
