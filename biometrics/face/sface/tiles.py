"""The inner tiles of the network, each with PReLU behind it. The vocabulary is that of LEADER's kernels."""

from __future__ import annotations

from typing import Any

from biometrics.finger.leader.lanes import HALF_BYTES, LANE_BYTES, Code, Lanes, tile

ROWS, PANEL = 8, 2
"""Pixels, and vectors of 16 outputs, that one tile computes; their sums fill half of the 32 registers."""


@tile
def product_prelu_tile(
    code: Code, rows: Any, row_step: Any, windows: Any, offsets: Any, pairs: Any, weights: Any, bias: Any, slopes: Any,
    out: Any, out_step: Any,
) -> None:  # fmt: skip
    """out = prelu(bias + inputs . weights) for ROWS pixels and 16 * PANEL outputs, float32.

    A pixel's inputs, bfloat16, are taken in `pairs` at each of so many `windows`, whose `offsets` in bytes from the
    pixel are given; `weights`, bfloat16, are in the order window, pair, output, member of the pair. Below 0 the result
    is multiplied by the output's slope.
    """
    parts = range(PANEL)
    sums = [[code.variable(code.load(code.moved(bias, LANE_BYTES * part))) for part in parts] for _ in range(ROWS)]
    with code.repeat(windows) as window:
        seen = code.moved(rows, (code.load_offset(code.moved(offsets, (window, 8))), 1))
        pixels = [code.moved(seen, (row, row_step)) for row in range(ROWS)]
        panels = code.moved(weights, (code.builder.mul(window, pairs), PANEL * LANE_BYTES))
        with code.repeat(pairs) as pair:
            here = code.moved(panels, (pair, PANEL * LANE_BYTES))
            factors = [code.load_pairs(code.moved(here, LANE_BYTES * part)) for part in parts]
            for row, pixel in enumerate(pixels):
                two = code.load_pair_spread(code.moved(pixel, (pair, 4)))
                for part in parts:
                    sums[row][part].set(code.dot_pairs(sums[row][part].lanes, two, factors[part]))
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
