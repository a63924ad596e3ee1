"""The layers of the network. A map is float32 (pixels and some to spare, channels), line after line, without margins.

Between two maps the depthwise results of some lines are kept as bfloat16 numbers, few enough for the second-level
cache, and go through the product at once. The product's last tile may write beyond its lines: into places that the next
lines overwrite, or to spare.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import loose_kernel
from biometrics.kernels.lanes import WIDTH
from biometrics.kernels.packing import Product
from biometrics.kernels.tiles import ROWS, WIDE, halves_tile

from .tiles import depthwise_prelu_tile, product_prelu_tile

Floats = NDArray[np.float32]
Halves = NDArray[np.uint16]
PIXELS = 112
"""About as many go through a product at once."""


class Block(NamedTuple):
    """A depthwise 3 x 3 convolution (`taps` (9, C), `bias` (C), `slopes` (C)) with a step, and the product behind it
    with the `outputs` slopes of its own PReLU."""

    step: int
    taps: Floats
    bias: Floats
    slopes: Floats
    product: Product
    out_slopes: Floats


@loose_kernel
def multiply(
    data: Halves, windows: NDArray[np.int64], inputs: int, row_step: int, product: Product, slopes: Floats, out: Floats,
    count: int,
) -> None:  # fmt: skip
    """`count` pixels of bfloat16 inputs, `row_step` bytes apart, through a product and PReLU into the rows of `out`."""
    for panel in range(len(product.weights)):
        first = panel * WIDE * WIDTH
        for row in range(0, count, ROWS):
            product_prelu_tile(
                data.ctypes.data + row * row_step, row_step, len(windows), windows.ctypes.data, inputs // 2,
                product.weights.ctypes.data + panel * product.weights.strides[0],
                product.bias.ctypes.data + 4 * first, slopes.ctypes.data + 4 * first,
                out.ctypes.data + row * out.strides[0] + 4 * first, out.strides[0],
            )  # fmt: skip


@loose_kernel
def stem(framed: Halves, side: int, product: Product, slopes: Floats, out: Floats) -> None:
    """A 3 x 3 convolution of a picture with a frame, bfloat16 (side + 2, side + 2 and some to spare, 4)."""
    windows = np.empty(9, np.int64)
    for tap in range(9):
        windows[tap] = (tap // 3) * framed.strides[0] + (tap % 3) * framed.strides[1]
    for line in range(side):
        multiply(framed[line], windows, 4, framed.strides[1], product, slopes, out[line * side :], side)


@loose_kernel
def depthwise(source: Floats, side: int, first: int, lines: int, block: Block, out: Halves) -> None:
    """The depthwise convolution for `lines` lines of results from `first` on, bfloat16 (pixels, channels)."""
    channels = source.shape[1]
    pixel_step = source.strides[0]
    nothing = np.zeros((3, channels), np.float32)
    across = (side + block.step - 1) // block.step
    for line in range(lines):
        y = (first + line) * block.step
        for column in range(across):
            x = column * block.step
            here = source.ctypes.data + (y * side + x) * pixel_step
            above = here - side * pixel_step if y > 0 else nothing[1].ctypes.data
            below = here + side * pixel_step if y < side - 1 else nothing[1].ctypes.data
            depthwise_prelu_tile(
                above, here, below, 1 if x > 0 else 0, 1 if x < side - 1 else 0, pixel_step, channels // WIDTH,
                block.taps.ctypes.data, block.taps.strides[0], block.bias.ctypes.data, block.slopes.ctypes.data,
                out[line * across + column].ctypes.data,
            )  # fmt: skip


@loose_kernel
def separable(source: Floats, side: int, block: Block, out: Floats) -> None:
    """A block: the map `source` of `side` x `side` pixels into the map `out`."""
    channels = source.shape[1]
    across = (side + block.step - 1) // block.step
    lines = max(1, PIXELS // across)
    data = np.zeros((lines * across + ROWS, channels), np.uint16)
    here = np.zeros(1, np.int64)
    for first in range(0, across, lines):
        some = min(lines, across - first)
        depthwise(source, side, first, some, block, data)
        multiply(
            data, here, channels, 2 * channels, block.product, block.out_slopes, out[first * across :], some * across
        )


@loose_kernel
def last(source: Floats, product: Product, ones: Floats) -> Floats:
    """The product of all numbers of a map of 7 x 7 pixels: (outputs,)."""
    count = 49 * source.shape[1]
    data = np.empty(count, np.uint16)
    halves_tile(source.ctypes.data, count // WIDTH, data.ctypes.data)
    out: Floats = np.empty((ROWS, len(product.bias)), np.float32)
    multiply(data.reshape(1, count), np.zeros(1, np.int64), count, 0, product, ones, out, ROWS)
    first: Floats = out[0]
    return first
