"""The inner tiles that networks share: what is computed in registers. See `lanes` for the vocabulary.

Every tile is called in numba kernels with whole numbers: addresses and steps in bytes, and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from biometrics.kernels.lanes import HALF_BYTES, LANE_BYTES, Code, Variable, tile

ROWS = 8
"""Pixels that one tile computes."""

WIDE, NARROW = 2, 1
"""Vectors of outputs that a tile of a product computes; two times ROWS sums fill half of the 32 registers."""


def add_products(
    code: Code, sums: Sequence[Sequence[Variable]], rows: Any, row_step: Any, windows: Any, offsets: Any, pairs: Any,
    weights: Any,
) -> None:  # fmt: skip
    """Adds inputs . weights to `sums`, a row of vectors of outputs for each pixel.

    A pixel's inputs, bfloat16, are taken in `pairs` at each of so many `windows`, whose `offsets` in bytes from the
    pixel are given; `weights`, bfloat16, are in the order window, pair, output, member of the pair.
    """
    panel = len(sums[0])
    with code.repeat(windows) as window:
        seen = code.moved(rows, (code.load_offset(code.moved(offsets, (window, 8))), 1))
        pixels = [code.moved(seen, (row, row_step)) for row in range(len(sums))]
        panels = code.moved(weights, (code.builder.mul(window, pairs), panel * LANE_BYTES))
        with code.repeat(pairs) as pair:
            here = code.moved(panels, (pair, panel * LANE_BYTES))
            factors = [code.load_pairs(code.moved(here, LANE_BYTES * part)) for part in range(panel)]
            for totals, pixel in zip(sums, pixels, strict=True):
                two = code.load_pair_spread(code.moved(pixel, (pair, 4)))
                for total, factor in zip(totals, factors, strict=True):
                    total.set(code.dot_pairs(total.lanes, two, factor))


@tile
def halves_tile(code: Code, source: Any, blocks: Any, out: Any) -> None:
    """Blocks of 16 numbers as bfloat16."""
    with code.repeat(blocks) as block:
        code.store_halves(code.load(code.moved(source, (block, LANE_BYTES))), code.moved(out, (block, HALF_BYTES)))
