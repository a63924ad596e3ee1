"""Sums over coloured pixels, all channels of one at once: numba's loops take the channels one after another.

Registers of four float32 numbers, which every processor has (LLVM splits them where one has none).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from biometrics.kernels.lanes import Code, tile

PIXEL_BYTES = 12
"""From one pixel to the next: three float32 numbers."""
ROWS = 4
"""So many lines are summed together: they share their weights, and no sum waits for another."""
SUM_BYTES = 16
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FOUR = ir.VectorType(_FLOAT, 4)
_NOTHING, _ZEROS = ir.Constant(_FOUR, ir.Undefined), ir.Constant(ir.VectorType(_INT, 4), [0] * 4)


@tile
def sum_pixels(code: Code, pixels: Any, row_step: Any, weights: Any, count: Any, out: Any) -> None:
    """out[row] = sum of weights[k] * pixels[row, k] over `count` neighbouring pixels in each of ROWS lines, k in order.

    Addresses, and from line to line, in bytes. A pixel is three float32 numbers and a sum four: the fourth means
    nothing, and is made of the number behind each pixel, which therefore has to be there.
    """
    builder = code.builder
    totals = [code.place(_FOUR) for _ in range(ROWS)]
    for total in totals:
        builder.store(ir.Constant(_FOUR, [0.0] * 4), total)
    with code.repeat(count) as k:
        one = builder.insert_element(_NOTHING, code.number(code.moved(weights, (k, 4)), _FLOAT), ir.Constant(_INT, 0))
        weight = builder.shuffle_vector(one, _NOTHING, _ZEROS)
        for row, total in enumerate(totals):
            pixel = code.number(code.moved(pixels, (row, row_step), (k, PIXEL_BYTES)), _FOUR)
            builder.store(builder.fadd(builder.load(total), builder.fmul(weight, pixel)), total)
    for row, total in enumerate(totals):
        code.keep(builder.load(total), code.moved(out, SUM_BYTES * row))
