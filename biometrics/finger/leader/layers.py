"""The layers of the network on maps: float32 (height + 6, pitch, channels), with a margin of zeros around the picture.

The margin is three pixels on each side, as much as the widest depthwise convolution looks beyond, and as many more on
the right as a tile's last pixels may lie beyond the line. Channels are padded with zeros to whole vectors. What a block
makes is a plain array without margins; `place`, `place_twice` and `pool` bring it into the next map.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.leader.packing import Bottleneck, Separable, Stem
from biometrics.finger.leader.tiles import (
    copy_tile,
    depthwise_5_tile,
    depthwise_7_tile,
    norm_gelu_tile,
    norm_halves_tile,
    product_gelu_narrow_tile,
    product_gelu_tile,
    product_narrow_tile,
    product_sigmoid_tile,
    product_tile,
    stem_tile,
    times_tile,
)
from biometrics.kernels.compiled import loose_kernel
from biometrics.kernels.lanes import HALF_BYTES, LANE_BYTES, WIDTH
from biometrics.kernels.packing import Floats, Product
from biometrics.kernels.tiles import NARROW, ROWS, WIDE, halves_tile

Halves: TypeAlias = NDArray[np.uint16]
Indices: TypeAlias = NDArray[np.int64]

MARGIN = 3
CHUNK = 2 * ROWS
"""Pixels that go through a block at once: their inner channels stay in the first-level cache."""
DILATIONS = (1, 3, 6)
REACH = max(DILATIONS)


def _multiplier(tile: Any) -> Any:
    @loose_kernel
    def multiply(
        data: Halves, matrix: Product, base: Floats, base_step: int, out: Floats | Halves, panel_step: int
    ) -> None:
        """Rows of bfloat16 numbers times `matrix`, whose panels' outputs are `panel_step` bytes apart.

        `base`, what is added to, has one row for all, with a step of 0, or one for each, with a step in bytes.
        """
        nowhere = np.zeros(1, np.int64)
        pairs, width = matrix.weights.shape[1], matrix.weights.shape[2]
        for panel in range(len(matrix.weights)):
            weights = matrix.weights.ctypes.data + panel * matrix.weights.strides[0]
            for row in range(0, len(data), ROWS):
                tile(
                    data.ctypes.data + row * data.strides[0], data.strides[0], 1, nowhere.ctypes.data, pairs, weights,
                    base.ctypes.data + row * base_step + panel * width * 4, base_step,
                    out.ctypes.data + row * out.strides[0] + panel * panel_step, out.strides[0],
                )  # fmt: skip

    return multiply


multiply, multiply_gelu, multiply_sigmoid, multiply_narrow = map(
    _multiplier, (product_tile, product_gelu_tile, product_sigmoid_tile, product_narrow_tile)
)
PANEL_STEP, HALF_PANEL_STEP, NARROW_PANEL_STEP = WIDE * LANE_BYTES, WIDE * HALF_BYTES, NARROW * LANE_BYTES


@loose_kernel
def depthwise_7(source: Floats, line: int, first: int, taps: Floats, out: Floats) -> None:
    """Depthwise 7 x 7 at pixels of two lines from `line` and pixel `first` on, as `out` (2, pixels, channels) has."""
    for channel in range(0, out.shape[2], WIDTH):
        for pixel in range(0, out.shape[1], ROWS):
            place = out.ctypes.data + pixel * out.strides[1] + 4 * channel
            depthwise_7_tile(
                source.ctypes.data + line * source.strides[0] + (first + pixel) * source.strides[1] + 4 * channel,
                source.strides[0], source.strides[1], taps.ctypes.data + 4 * channel, taps.strides[0],
                place, out.strides[1], place + out.strides[0],
            )  # fmt: skip


@loose_kernel
def depthwise_5(source: Floats, line: int, taps: Floats, out: Floats) -> None:
    """Depthwise 5 x 5 at the first pixels of two lines, as `out` (2, pixels, channels) has."""
    for channel in range(0, out.shape[2], WIDTH):
        for pixel in range(0, out.shape[1], ROWS):
            place = out.ctypes.data + pixel * out.strides[1] + 4 * channel
            depthwise_5_tile(
                source.ctypes.data + (line + 1) * source.strides[0] + (pixel + 1) * source.strides[1] + 4 * channel,
                source.strides[0], source.strides[1], taps.ctypes.data + 4 * channel, taps.strides[0],
                place, out.strides[1], place + out.strides[0],
            )  # fmt: skip


@loose_kernel
def _expand_and_project(inner: Floats, direct: Floats, block: Bottleneck, narrow: bool, out: Floats) -> None:
    """What follows the depthwise convolution: pixels of its results, and of the block's own inputs, to its outputs."""
    count, vectors = len(inner), inner.shape[1] // WIDTH
    data = np.empty((count, inner.shape[1]), np.uint16)
    hidden = np.empty((count, len(block.expand.bias)), np.uint16)
    for pixel in range(count):
        norm_halves_tile(inner[pixel].ctypes.data, vectors, block.channels, data[pixel].ctypes.data)
    multiply_gelu(data, block.expand, block.expand.bias, 0, hidden, HALF_PANEL_STEP)
    for pixel in range(count):
        halves_tile(direct[pixel].ctypes.data, vectors, data[pixel].ctypes.data)
    if narrow:
        multiply_narrow(data, block.direct, block.hidden.bias, 0, out, NARROW_PANEL_STEP)
        multiply_narrow(hidden, block.hidden, out, out.strides[0], out, NARROW_PANEL_STEP)
    else:
        multiply(data, block.direct, block.hidden.bias, 0, out, PANEL_STEP)
        multiply(hidden, block.hidden, out, out.strides[0], out, PANEL_STEP)


@loose_kernel
def bottleneck(source: Floats, block: Bottleneck, narrow: bool, out: Floats) -> None:
    """An inverted bottleneck block (ConvNeXt's) on a map, into `out`, (height, width in whole chunks, outputs)."""
    inner = np.empty((2, CHUNK, source.shape[2]), np.float32)
    for line in range(0, out.shape[0], 2):
        for pixel in range(0, out.shape[1], CHUNK):
            depthwise_7(source, line, pixel, block.taps, inner)
            for lower in range(min(2, out.shape[0] - line)):
                direct = source[line + lower + MARGIN, pixel + MARGIN : pixel + MARGIN + CHUNK]
                made = out[line + lower, pixel : pixel + CHUNK]
                _expand_and_project(inner[lower], direct, block, narrow, made)


@loose_kernel
def bottleneck_at(source: Floats, lines: Indices, columns: Indices, block: Bottleneck) -> Floats:
    """A narrow block at single pixels of a map: float32 (pixels up to whole tiles, outputs)."""
    count = -(-len(lines) // ROWS) * ROWS
    inner = np.zeros((count, source.shape[2]), np.float32)
    direct = np.zeros((count, source.shape[2]), np.float32)
    around = np.empty((2, ROWS, source.shape[2]), np.float32)
    for number in range(len(lines)):
        depthwise_7(source, lines[number], columns[number], block.taps, around)
        inner[number] = around[0, 0]
        direct[number] = source[lines[number] + MARGIN, columns[number] + MARGIN]
    out = np.empty((count, len(block.hidden.bias)), np.float32)
    _expand_and_project(inner, direct, block, True, out)
    return out


@loose_kernel
def separable(source: Floats, block: Separable, out: Floats) -> None:
    """A depthwise separable block on a map, into `out`, (height, width in whole chunks, outputs)."""
    across = out.shape[1]
    inner = np.empty((2, across, source.shape[2]), np.float32)
    data = np.empty((across, source.shape[2]), np.uint16)
    made = np.empty((across, len(block.product.bias)), np.float32)
    for line in range(0, out.shape[0], 2):
        depthwise_5(source, line, block.taps, inner)
        for lower in range(min(2, out.shape[0] - line)):
            halves_tile(inner[lower].ctypes.data, inner[lower].size // WIDTH, data.ctypes.data)
            multiply(data, block.product, block.product.bias, 0, made, PANEL_STEP)
            for pixel in range(across):
                norm_gelu_tile(
                    made[pixel].ctypes.data, out.shape[2] // WIDTH, block.outputs,
                    block.factors.ctypes.data, block.terms.ctypes.data, out[line + lower, pixel].ctypes.data,
                )  # fmt: skip


@loose_kernel
def stems(picture: Floats, block: Stem, first: Floats, second: Floats, channel: int) -> None:
    """Both stems of a picture, float32 (H + 8, W + 8) with a margin of 4, into a map and the channels of another."""
    offsets = block.lines * picture.strides[0] + block.columns * 4
    for line in range((picture.shape[0] - 8) // 2):
        for pixel in range(0, (picture.shape[1] - 8) // 2, 2):
            stem_tile(
                picture[2 * line + 4, 2 * pixel + 4 :].ctypes.data, picture.strides[0], offsets.ctypes.data,
                block.counts.ctypes.data, block.weights.ctypes.data, block.norms.ctypes.data,
                first[line + MARGIN, pixel + MARGIN].ctypes.data, first.strides[1],
                second[line + MARGIN, pixel + MARGIN, channel:].ctypes.data, second.strides[1],
            )  # fmt: skip


@loose_kernel
def attend(
    source: Floats, height: int, width: int, dilations: tuple[Product, ...], gate: Product, target: Floats
) -> None:
    """Multiplies a map's channels with what three dilated convolutions let through, into the first ones of `target`."""
    channels, parts = source.shape[2], len(dilations)
    data = _widely_framed(source, height, width)
    seen = np.empty((CHUNK, parts * WIDTH), np.uint16)
    gates = np.empty((CHUNK, len(gate.bias)), np.float32)
    offsets = np.empty((parts, 9), np.int64)
    for number in range(parts):
        for tap in range(9):
            down, across = DILATIONS[number] * (tap // 3 - 1), DILATIONS[number] * (tap % 3 - 1)
            offsets[number, tap] = down * data.strides[0] + across * data.strides[1]
    for line in range(height):
        for pixel in range(0, width, CHUNK):
            for number in range(parts):
                product = dilations[number]
                for row in range(0, CHUNK, ROWS):
                    product_gelu_narrow_tile(
                        data[line + REACH, pixel + row + REACH].ctypes.data, data.strides[1], 9,
                        offsets[number].ctypes.data, channels // 2, product.weights.ctypes.data,
                        product.bias.ctypes.data, 0, seen[row, number * WIDTH :].ctypes.data, seen.strides[0],
                    )  # fmt: skip
            multiply_sigmoid(seen, gate, gate.bias, 0, gates, PANEL_STEP)
            for row in range(min(CHUNK, width - pixel)):
                times_tile(
                    source[line + MARGIN, pixel + row + MARGIN].ctypes.data, gates[row].ctypes.data,
                    channels // WIDTH, target[line + MARGIN, pixel + row + MARGIN].ctypes.data,
                )  # fmt: skip


@loose_kernel
def _widely_framed(source: Floats, height: int, width: int) -> Halves:
    """A map in bfloat16 with a margin as wide as the widest dilation reaches."""
    channels = source.shape[2]
    data = np.zeros((height + 2 * REACH, width + 2 * REACH + CHUNK, channels), np.uint16)
    for line in range(height):
        place = data[line + REACH, REACH].ctypes.data
        halves_tile(source[line + MARGIN, MARGIN].ctypes.data, width * channels // WIDTH, place)
    return data


@loose_kernel
def clear_frame(target: Floats, height: int, width: int, channels: int) -> None:
    """Makes the margins of a map 0, and the channels that only fill up its vectors."""
    target[:MARGIN] = 0.0
    target[height + MARGIN :] = 0.0
    for line in range(MARGIN, height + MARGIN):
        target[line, :MARGIN] = 0.0
        target[line, width + MARGIN :] = 0.0
        for pixel in range(MARGIN, width + MARGIN):
            for channel in range(channels, target.shape[2]):
                target[line, pixel, channel] = 0.0


@loose_kernel
def place(made: Floats, count: int, target: Floats, height: int, width: int, first: int) -> None:
    """The `count` channels that a block made, into a map of the same size from channel `first` on."""
    for line in range(height):
        for pixel in range(width):
            source = made.ctypes.data + line * made.strides[0] + pixel * made.strides[1]
            _copy(source, count, _place_of(target, line, pixel) + 4 * first)


@loose_kernel
def place_twice(made: Floats, count: int, target: Floats, height: int, width: int) -> None:
    """The `count` channels that a block made, into the first ones of a map of twice the size, each pixel four times."""
    for line in range(2 * height):
        for pixel in range(width):
            source = made.ctypes.data + line // 2 * made.strides[0] + pixel * made.strides[1]
            place = _place_of(target, line, 2 * pixel)
            _copy(source, count, place)
            _copy(source, count, place + target.strides[1])


@loose_kernel
def _place_of(target: Floats, line: int, pixel: int) -> int:
    place: int = target.ctypes.data + (line + MARGIN) * target.strides[0] + (pixel + MARGIN) * target.strides[1]
    return place


@loose_kernel
def _copy(source: int, count: int, target: int) -> None:
    """16 or more numbers from one address to another; the last vector may overlap the one before."""
    copy_tile(source, count // WIDTH, target)
    copy_tile(source + 4 * (count - WIDTH), 1, target + 4 * (count - WIDTH))


@loose_kernel
def pool(made: Floats, count: int, target: Floats, height: int, width: int) -> None:
    """Half the channels that a block made by the largest of 2 x 2 pixels, the others by the mean, into a map."""
    for line in range(height // 2):
        above, below = made[2 * line], made[2 * line + 1]
        for pixel in range(width // 2):
            here, left, right = target[line + MARGIN, pixel + MARGIN], 2 * pixel, 2 * pixel + 1
            for channel in range(count // 2):
                upper = max(above[left, channel], above[right, channel])
                lower = max(below[left, channel], below[right, channel])
                here[channel] = max(upper, lower)
            for channel in range(count // 2, count):
                total = above[left, channel] + above[right, channel] + below[left, channel] + below[right, channel]
                here[channel] = np.float32(0.25) * total
