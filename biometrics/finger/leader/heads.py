"""From the network's last map to answers: where minutiae are, and their direction and kind where they are.

Up to the last convolution a head works at half the picture's resolution, for its upsampling repeats pixels. Position
is computed everywhere, direction and kind in the 3 x 3 cells that each minutia's answer depends on.
"""

from __future__ import annotations

import numpy as np

from biometrics.finger.leader.layers import Indices, bottleneck_at
from biometrics.finger.leader.packing import Head
from biometrics.finger.leader.tiles import NORM_EPSILON, gelu_tile, sigmoid_tile
from biometrics.kernels.compiled import loose_kernel
from biometrics.kernels.packing import Floats

PEAK_REACH = 3
"""A minutia is the largest value within so many pixels in both directions."""


def phases(kernel: Floats) -> Floats:
    """A 5 x 5 kernel, float32 (answers, C, 5, 5), for repeated pixels: float32 (2, 2, answers, C, 3, 3).

    The first two axes say which of the four equal pixels of a cell is computed: lower, right.
    """
    found = np.zeros((2, 2, *kernel.shape[:2], 3, 3), np.float32)
    for lower in range(2):
        for right in range(2):
            for line in range(5):
                for column in range(5):
                    at = (lower + line) // 2, (right + column) // 2
                    found[lower, right, :, :, at[0], at[1]] += kernel[:, :, line, column]
    return found


@loose_kernel
def _mix(made: Floats, head: Head, out: Floats) -> None:
    """Normalisation and mixing of the four outputs of a block, (pixels, 16), into (4, pixels), before GELU."""
    count = head.mix.shape[0]
    for pixel in range(out.shape[1]):
        mean = np.float32(0.0)
        for channel in range(count):
            mean += made[pixel, channel]
        mean /= np.float32(count)
        variance = np.float32(NORM_EPSILON)
        for channel in range(count):
            variance += (made[pixel, channel] - mean) ** 2 / np.float32(count)
        weight = np.float32(1.0) / np.sqrt(variance)
        for result in range(count):
            total = head.mix_bias[result]
            for channel in range(count):
                normed = (made[pixel, channel] - mean) * weight * head.factors[channel] + head.terms[channel]
                total += head.mix[result, channel] * normed
            out[result, pixel] = total


@loose_kernel
def position(made: Floats, width: int, head: Head, kernels: Floats) -> Floats:
    """How much each pixel of the picture is a minutia, from what the head's block made: float32 (H, W), 0..1."""
    height = len(made)
    cells = np.zeros((4, height + 2, width + 32), np.float32)
    for line in range(height):
        _mix(made[line], head, cells[:, line + 1, 16 : width + 16])
        for channel in range(4):
            gelu_tile(cells[channel, line + 1].ctypes.data + 64, width // 16)
    out = np.empty((2 * height, 2 * width), np.float32)
    sums = np.empty((2, width), np.float32)
    for line in range(2 * height):
        for right in range(2):
            row = sums[right]
            row[:] = head.last_bias[0]
            for channel in range(4):
                for down in range(3):
                    _add_row(kernels[line % 2, right, 0, channel, down], cells[channel, line // 2 + down], row)
        for pixel in range(width):
            out[line, 2 * pixel] = sums[0, pixel]
            out[line, 2 * pixel + 1] = sums[1, pixel]
        sigmoid_tile(out[line].ctypes.data, width // 8)
    return out


@loose_kernel
def _add_row(kernel: Floats, cells: Floats, row: Floats) -> None:
    left, middle, right = kernel[0], kernel[1], kernel[2]
    for pixel in range(len(row)):
        row[pixel] += left * cells[pixel + 15] + middle * cells[pixel + 16] + right * cells[pixel + 17]


@loose_kernel
def smooth(picture: Floats, kernel: Floats) -> Floats:
    """A picture convolved with a 5 x 5 kernel, zeros being assumed around it."""
    height, width = picture.shape
    out = np.zeros((height, width), np.float32)
    padded = np.zeros((height + 4, width + 4), np.float32)
    padded[2 : height + 2, 2 : width + 2] = picture
    for line in range(height):
        for down in range(5):
            _add_five(kernel[down], padded[line + down], out[line])
    return out


@loose_kernel
def _add_five(kernel: Floats, source: Floats, row: Floats) -> None:
    first, second, third, fourth, fifth = kernel[0], kernel[1], kernel[2], kernel[3], kernel[4]
    for pixel in range(len(row)):
        row[pixel] += (
            first * source[pixel]
            + second * source[pixel + 1]
            + third * source[pixel + 2]
            + fourth * source[pixel + 3]
            + fifth * source[pixel + 4]
        )


@loose_kernel
def peaks(picture: Floats, threshold: float) -> Indices:
    """The places (line, column) of values of at least `threshold` than which none within PEAK_REACH is larger."""
    height, width = picture.shape
    found = np.empty((height * width // 4 + 1, 2), np.int64)
    count = 0
    for line in range(height):
        for column in range(width):
            value = picture[line, column]
            if value >= threshold and count < len(found) and _is_peak(picture, line, column, value):
                found[count, 0], found[count, 1] = line, column
                count += 1
    return found[:count].copy()


@loose_kernel
def _is_peak(picture: Floats, line: int, column: int, value: float) -> bool:
    for near in range(max(0, line - PEAK_REACH), min(picture.shape[0], line + PEAK_REACH + 1)):
        for beside in range(max(0, column - PEAK_REACH), min(picture.shape[1], column + PEAK_REACH + 1)):
            if picture[near, beside] > value:
                return False
    return True


def answers_at(source: Floats, height: int, width: int, head: Head, kernels: Floats, at: Indices) -> Floats:
    """A head's answers, before any activation, at pixels `at` (line, column) of the picture: float32 (n, answers)."""
    around = np.arange(-1, 2)
    lines = (at[:, 0] // 2)[:, None, None] + around[:, None] + 0 * around
    columns = (at[:, 1] // 2)[:, None, None] + 0 * around[:, None] + around
    inside = (lines >= 0) & (lines < height) & (columns >= 0) & (columns < width)
    made = bottleneck_at(
        source, lines.clip(0, height - 1).ravel(), columns.clip(0, width - 1).ravel(), head.block
    )  # fmt: skip
    cells = np.zeros((4, -(-len(made) // 16) * 16), np.float32)
    _mix(made, head, cells[:, : len(made)])
    activate(cells)
    cells = cells[:, : lines.size].reshape(4, len(at), 3, 3) * inside
    chosen = kernels[at[:, 0] % 2, at[:, 1] % 2]
    return np.asarray(np.einsum("nacij,cnij->na", chosen, cells) + head.last_bias, dtype=np.float32)


@loose_kernel
def activate(cells: Floats) -> None:
    """GELU of a contiguous array whose size is a multiple of 16, in place."""
    gelu_tile(cells.ctypes.data, cells.size // 16)
