"""Weights in the forms that the tiles of products read."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.lanes import WIDTH
from biometrics.kernels.tiles import WIDE

Floats: TypeAlias = NDArray[np.float32]


class Product(NamedTuple):
    """A matrix of N outputs and K inputs in panels of 16 or 32 outputs, and its bias.

    `weights` uint16 (panels, pairs of inputs, outputs, 2): the bits of bfloat16 numbers; `bias` float32 (outputs of
    all panels).
    """

    weights: NDArray[np.uint16]
    bias: Floats


def padded(count: int, multiple: int = WIDTH) -> int:
    """`count`, or the next larger multiple."""
    return -(-count // multiple) * multiple


def halves(values: Floats) -> NDArray[np.uint16]:
    """The bits of bfloat16 numbers, rounded to the nearest, to the even one where two are as near."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def product(matrix: Floats, bias: Floats | None = None, *, panel: int = WIDE) -> Product:
    """`matrix`, float32 (N, K), and `bias` (N) in panels of 16 * `panel` outputs."""
    outputs, inputs = matrix.shape
    width = WIDTH * panel
    whole = np.zeros((padded(outputs, width), padded(inputs, 2)), np.float32)
    whole[:outputs, :inputs] = matrix
    panels = halves(whole).reshape(-1, width, whole.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    constant = np.zeros(len(whole), np.float32)
    if bias is not None:
        constant[:outputs] = bias
    return Product(np.ascontiguousarray(panels), constant)
