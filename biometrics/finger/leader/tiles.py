"""The inner tiles of the network: what is computed in registers. See `lanes` for the vocabulary.

Every tile is called in numba kernels with whole numbers: addresses and steps in bytes, and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from biometrics.kernels.lanes import HALF_BYTES, LANE_BYTES, WIDTH, Code, Lanes, tile
from biometrics.kernels.tiles import NARROW, ROWS, WIDE, add_products

NORM_EPSILON = 1e-3


def gelu(x: Lanes) -> Lanes:
    """GELU in its tanh form (Hendrycks and Gimpel, 2016): x / (1 + exp(-2 u)), u = sqrt(2/pi) (x + 0.044715 x^3)."""
    exponent = x * (x * x).times_plus(-0.10294324, -2.3022082)  # -2 u / ln 2
    return x * (exponent.power_of_two() + 1.0).reciprocal()


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + exp(-x))."""
    return ((x * -1.442695).power_of_two() + 1.0).reciprocal()


def _product(
    activate: Callable[[Lanes], Lanes], panel: int, keep: Callable[[Code, Lanes, Any], None], size: int
) -> Any:
    def write(
        code: Code, rows: Any, row_step: Any, windows: Any, offsets: Any, pairs: Any, weights: Any, base: Any,
        base_step: Any, out: Any, out_step: Any,
    ) -> None:  # fmt: skip
        """out = activation(base + inputs . weights) for ROWS pixels and 16 * panel outputs.

        See `add_products` for the inputs and weights. `base` has one row for all pixels, with a step of 0, or one each.
        """
        parts = range(panel)
        sums = [
            [code.variable(code.load(code.moved(base, (row, base_step), LANE_BYTES * part))) for part in parts]
            for row in range(ROWS)
        ]
        add_products(code, sums, rows, row_step, windows, offsets, pairs, weights)
        for row in range(ROWS):
            for part in parts:
                keep(code, activate(sums[row][part].lanes), code.moved(out, (row, out_step), size * WIDTH * part))

    return tile(write)


product_tile, product_narrow_tile = (_product(lambda x: x, panel, Code.store, 4) for panel in (WIDE, NARROW))
product_sigmoid_tile = _product(sigmoid, WIDE, Code.store, 4)
product_gelu_tile, product_gelu_narrow_tile = (_product(gelu, panel, Code.store_halves, 2) for panel in (WIDE, NARROW))
"""These two make bfloat16, as the next product wants its inputs."""


def _depthwise(size: int) -> Any:
    def write(
        code: Code, source: Any, row_step: Any, pixel_step: Any, weights: Any, tap_step: Any, out: Any, out_step: Any,
        second: Any,
    ) -> None:  # fmt: skip
        """Sums over windows of size x size pixels of 16 channels times their own weights, for ROWS pixels of two lines.

        The results of the upper line go to `out`, of the lower one to `second`. What is read serves both lines.
        """
        line_step = code.builder.mul(tap_step, code.whole(size, tap_step))
        sums = [[code.variable(0.0) for _ in range(ROWS)] for _ in range(2)]

        def add(line: Any, lines: list[tuple[int, Any]]) -> None:
            row = code.moved(source, (line, row_step))
            taps = [
                (number, [code.load(code.moved(first, (t, tap_step))) for t in range(size)]) for number, first in lines
            ]
            for column in range(ROWS + size - 1):
                pixel = code.load(code.moved(row, (column, pixel_step)))
                for number, kernel in taps:
                    for tap, weight in enumerate(kernel):
                        if 0 <= column - tap < ROWS:
                            total = sums[number][column - tap]
                            total.set(pixel.times_plus(weight, total.lanes))

        last = code.moved(weights, (size - 1, line_step))
        add(code.whole(0, source), [(0, weights)])
        with code.repeat(code.whole(size - 1, source)) as before:
            upper = code.moved(weights, (before, line_step))
            add(code.builder.add(before, code.whole(1, before)), [(0, code.moved(upper, (1, line_step))), (1, upper)])
        add(code.whole(size, source), [(1, last)])
        for place, totals in zip((out, second), sums, strict=True):
            for number, total in enumerate(totals):
                code.store(total.lanes, code.moved(place, (number, out_step)))

    return tile(write)


depthwise_5_tile, depthwise_7_tile = _depthwise(5), _depthwise(7)


@tile
def norm_halves_tile(code: Code, source: Any, blocks: Any, count: Any, out: Any) -> None:
    """A pixel's channels, brought to mean 0 and variance 1 over the first `count`, as bfloat16; the rest is 0."""
    centred, weight = _centred(code, source, blocks, count)
    with code.repeat(blocks) as block:
        code.store_halves(centred(block) * weight, code.moved(out, (block, HALF_BYTES)))


@tile
def times_tile(code: Code, values: Any, factors: Any, blocks: Any, out: Any) -> None:
    """Products of blocks of 16 numbers."""
    with code.repeat(blocks) as block:
        factor = code.load(code.moved(factors, (block, LANE_BYTES)))
        code.store(code.load(code.moved(values, (block, LANE_BYTES))) * factor, code.moved(out, (block, LANE_BYTES)))


@tile
def norm_gelu_tile(code: Code, source: Any, blocks: Any, count: Any, factors: Any, terms: Any, out: Any) -> None:
    """Layer normalisation of a pixel over `count` channels, times factors plus terms, and GELU (Ba et al., 2016)."""
    centred, weight = _centred(code, source, blocks, count)
    with code.repeat(blocks) as block:
        factor = code.load(code.moved(factors, (block, LANE_BYTES))) * weight
        term = code.load(code.moved(terms, (block, LANE_BYTES)))
        code.store(gelu(centred(block).times_plus(factor, term)), code.moved(out, (block, LANE_BYTES)))


@tile
def gelu_tile(code: Code, numbers: Any, blocks: Any) -> None:
    """GELU of blocks of 16 numbers, in place."""
    with code.repeat(blocks) as block:
        place = code.moved(numbers, (block, LANE_BYTES))
        code.store(gelu(code.load(place)), place)


@tile
def sigmoid_tile(code: Code, numbers: Any, blocks: Any) -> None:
    """The logistic function of blocks of 16 numbers, in place."""
    with code.repeat(blocks) as block:
        place = code.moved(numbers, (block, LANE_BYTES))
        code.store(sigmoid(code.load(place)), place)


def _centred(code: Code, source: Any, blocks: Any, count: Any) -> tuple[Callable[[Any], Lanes], Lanes]:
    """What gives a block of a pixel's channels less the mean of the first `count`, and 1 / their standard deviation."""
    sums, squares = code.variable(0.0), code.variable(0.0)
    with code.repeat(blocks) as block:
        sums.set(sums.lanes + code.load(code.moved(source, (block, LANE_BYTES))))
    mean = sums.lanes.total() / code.count(count)

    def part(block: Any) -> Lanes:
        values = code.load(code.moved(source, (block, LANE_BYTES))) - mean
        return values.below(count, code.builder.mul(block, code.whole(WIDTH, block)))

    with code.repeat(blocks) as block:
        values = part(block)
        squares.set(values.times_plus(values, squares.lanes))
    return part, (squares.lanes.total() / code.count(count) + NORM_EPSILON).inverse_root()


@tile
def stem_tile(
    code: Code, picture: Any, line_step: Any, offsets: Any, counts: Any, weights: Any, norms: Any, out: Any,
    out_step: Any, out_second: Any, out_second_step: Any,
) -> None:  # fmt: skip
    """Both stems of two pixels at half resolution: convolution, normalisation, GELU and pooling of 2 x 2 pixels.

    `weights` are three lists of taps, 16 channels each, `counts` taps long; `offsets` say where in the picture each
    tap reads. The first 16 channels are the first stem (whose pixels are pooled by their largest value), the other 32
    the second (pooled by their mean). `norms`: for each list the bias, the factors and the terms of the normalisation.
    """
    places = [code.moved(picture, (row, line_step), 4 * column) for column in range(4) for row in range(2)]
    sums: list[list[Lanes]] = []
    taken: Any = code.whole(0, picture)
    for part in range(3):
        bias = code.load(code.moved(norms, part * 3 * LANE_BYTES))
        totals = [code.variable(bias) for _ in places]
        number = code.load_offset(code.moved(counts, 8 * part))
        with code.repeat(number) as tap:
            here = code.builder.add(taken, tap)
            offset = code.load_offset(code.moved(offsets, (here, 8)))
            weight = code.load(code.moved(weights, (here, LANE_BYTES)))
            for place, total in zip(places, totals, strict=True):
                total.set(weight.times_plus(code.load_spread(code.moved(place, (offset, 1))), total.lanes))
        taken = code.builder.add(taken, number)
        sums.append([total.lanes for total in totals])
    for pixel in range(2):
        four = range(4 * pixel, 4 * pixel + 4)
        first = [_normed(code, norms, [0], [sums[0][place]])[0] for place in four]
        largest = first[0].at_least(first[1]).at_least(first[2].at_least(first[3]))
        code.store(largest, code.moved(out, (pixel, out_step)))
        second = [_normed(code, norms, [1, 2], [sums[1][place], sums[2][place]]) for place in four]
        for part in range(2):
            mean = _sum([values[part] for values in second]) * 0.25
            code.store(mean, code.moved(out_second, (pixel, out_second_step), part * LANE_BYTES))


def _normed(code: Code, norms: Any, parts: list[int], values: list[Lanes]) -> list[Lanes]:
    """Layer normalisation of a pixel whose channels are all in registers, and GELU."""
    share = 1.0 / (WIDTH * len(parts))
    mean = _sum(values).total() * share
    centred = [value - mean for value in values]
    weight = (_sum([value * value for value in centred]).total() * share + NORM_EPSILON).inverse_root()
    results = []
    for part, value in zip(parts, centred, strict=True):
        factor = code.load(code.moved(norms, (3 * part + 1) * LANE_BYTES)) * weight
        results.append(gelu(value.times_plus(factor, code.load(code.moved(norms, (3 * part + 2) * LANE_BYTES)))))
    return results


def _sum(values: list[Lanes]) -> Lanes:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


@tile
def copy_tile(code: Code, source: Any, blocks: Any, out: Any) -> None:
    """Blocks of 16 numbers as they are."""
    with code.repeat(blocks) as block:
        code.store(code.load(code.moved(source, (block, LANE_BYTES))), code.moved(out, (block, LANE_BYTES)))
