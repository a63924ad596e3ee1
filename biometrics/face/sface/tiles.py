"""The inner tiles of the network, each with PReLU behind it. See `kernels.lanes` for the vocabulary."""

from __future__ import annotations

from typing import Any

from biometrics.kernels.lanes import HALF_BYTES, LANE_BYTES, Code, Lanes, tile
from biometrics.kernels.tiles import ROWS, WIDE, add_products


@tile
def product_prelu_tile(
    code: Code, rows: Any, row_step: Any, windows: Any, offsets: Any, pairs: Any, weights: Any, bias: Any, slopes: Any,
    out: Any, out_step: Any,
) -> None:  # fmt: skip
    """out = prelu(bias + inputs . weights) for ROWS pixels and 16 * WIDE outputs, float32.

    See `add_products` for the inputs and weights. Below 0 the result is multiplied by the output's slope.
    """
    parts = range(WIDE)
    sums = [[code.variable(code.load(code.moved(bias, LANE_BYTES * part))) for part in parts] for _ in range(ROWS)]
    add_products(code, sums, rows, row_step, windows, offsets, pairs, weights)
    for row in range(ROWS):
        for part in parts:
            made = _prelu(sums[row][part].lanes, code.load(code.moved(slopes, LANE_BYTES * part)))
            code.store(made, code.moved(out, (row, out_step), LANE_BYTES * part))


@tile
def depthwise_prelu_tile(
    code: Code, above: Any, here: Any, below: Any, left: Any, right: Any, pixel_step: Any, blocks: Any, taps: Any,
    tap_step: Any, bias: Any, slopes: Any, out: Any,
) -> None:  # fmt: skip
    """A depthwise 3 x 3 convolution at one pixel, with PReLU, as bfloat16: `blocks` of 16 channels.

    `above`, `here` and `below` are the pixel's own column in three lines; `left` and `right` are 1, or 0 where the map
    ends: then the pixel itself is read in place of its neighbour, and weighs nothing. A line that does not exist is to
    be three pixels of zeros.
    """
    lines = (above, here, below)
    steps = [
        code.builder.neg(code.builder.mul(left, pixel_step)),
        code.whole(0, here),
        code.builder.mul(right, pixel_step),
    ]
    counts = [left, None, right]
    with code.repeat(blocks) as block:
        at = code.builder.mul(block, code.whole(LANE_BYTES, block))
        total = code.load(code.moved(bias, (block, LANE_BYTES)))
        for line, source in enumerate(lines):
            for column, step in enumerate(steps):
                weight = code.load(code.moved(taps, (3 * line + column, tap_step), (at, 1)))
                if counts[column] is not None:
                    weight = weight * code.count(counts[column])
                seen = code.load(code.moved(source, (step, 1), (at, 1)))
                total = seen.times_plus(weight, total)
        made = _prelu(total, code.load(code.moved(slopes, (block, LANE_BYTES))))
        code.store_halves(made, code.moved(out, (block, HALF_BYTES)))


def _prelu(value: Lanes, slope: Lanes) -> Lanes:
    above = value.at_least(0.0)
    return (value - above).times_plus(slope, above)
