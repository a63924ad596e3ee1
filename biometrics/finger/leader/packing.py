"""The weights of the network in the forms that the tiles read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.lanes import WIDTH
from biometrics.kernels.packing import Floats, Product, padded, product
from biometrics.kernels.tiles import WIDE

Weights: TypeAlias = Mapping[str, Floats]


class Bottleneck(NamedTuple):
    """A block: depthwise 7 x 7 (taps (49, channels)), normalisation, expansion with GELU, both ways to the outputs."""

    channels: int
    outputs: int
    taps: Floats
    expand: Product
    hidden: Product
    direct: Product


class Separable(NamedTuple):
    """A block: depthwise 5 x 5 (taps of 25, channels), product, normalisation and GELU."""

    channels: int
    outputs: int
    taps: Floats
    product: Product
    factors: Floats
    terms: Floats


class Stem(NamedTuple):
    """What `stem_tile` reads: taps' places (line, column) and weights, their counts, and the norms of three vectors."""

    lines: NDArray[np.int64]
    columns: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: Floats
    norms: Floats


class Head(NamedTuple):
    """What makes an answer of a block's four outputs: normalisation, a product with GELU, and a 5 x 5 convolution."""

    block: Bottleneck
    factors: Floats
    terms: Floats
    mix: Floats
    mix_bias: Floats
    last: Floats
    last_bias: Floats


def taps(weights: Floats) -> Floats:
    """A depthwise convolution, float32 (C, 1, size, size), as (size * size, C padded to whole vectors)."""
    channels, _, size, _ = weights.shape
    result = np.zeros((size * size, padded(channels)), np.float32)
    result[:, :channels] = weights.reshape(channels, -1).T
    return result


def lanes(values: Floats) -> Floats:
    """A value for each channel, padded to whole vectors."""
    return np.pad(values, (0, padded(len(values)) - len(values)))


def bottleneck(weights: Weights, name: str, *, panel: int = WIDE) -> Bottleneck:
    """The block `name`."""
    depthwise = weights[f"{name}.depthwise"]
    return Bottleneck(
        len(depthwise),
        len(weights[f"{name}.bias"]),
        taps(depthwise),
        product(weights[f"{name}.expand.weight"], weights[f"{name}.expand.bias"]),
        product(weights[f"{name}.hidden.weight"], weights[f"{name}.bias"], panel=panel),
        product(weights[f"{name}.direct.weight"], panel=panel),
    )


def separable(weights: Weights, name: str) -> Separable:
    """The block `name`."""
    depthwise, matrix = weights[f"{name}.depthwise"], weights[f"{name}.pointwise.weight"]
    return Separable(
        len(depthwise),
        len(matrix),
        taps(depthwise),
        product(matrix, weights[f"{name}.pointwise.bias"]),
        lanes(weights[f"{name}.norm.factor"]),
        lanes(weights[f"{name}.norm.term"]),
    )


def dilated(weights: Weights, name: str, panel: int) -> Product:
    """A 3 x 3 convolution, float32 (N, C, 3, 3), as a product over its nine taps with all their channels."""
    kernel = weights[f"{name}.weight"]
    matrix = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    return product(np.ascontiguousarray(matrix), weights[f"{name}.bias"], panel=panel)


def head(weights: Weights, name: str, panel: int) -> Head:
    """The head `name`."""
    return Head(
        bottleneck(weights, name, panel=panel),
        weights[f"{name}.norm.factor"],
        weights[f"{name}.norm.term"],
        weights[f"{name}.mix.weight"],
        weights[f"{name}.mix.bias"],
        weights[f"{name}.last.weight"],
        weights[f"{name}.last.bias"],
    )


def stem(weights: Weights) -> Stem:
    """Both stems: each has a 5 x 5 convolution and one with every second pixel, side by side in its channels."""
    vectors: list[list[tuple[Floats, int, int]]] = [
        [(weights["stem0.near.weight"], 1, 0), (weights["stem0.far.weight"], 2, 8)],
        [(weights["stem1.near.weight"], 1, 0)],
        [(weights["stem1.far.weight"], 2, 0)],
    ]
    places: list[tuple[int, int]] = []
    columns: list[Floats] = []
    counts = []
    for parts in vectors:
        found: dict[tuple[int, int], Floats] = {}
        for kernel, step, lane in parts:
            for line in range(5):
                for column in range(5):
                    tap = found.setdefault((step * (line - 2), step * (column - 2)), np.zeros(WIDTH, np.float32))
                    tap[lane : lane + len(kernel)] += kernel[:, 0, line, column]
        places.extend(found)
        columns.extend(found.values())
        counts.append(len(found))
    norms = [
        np.stack(
            [np.concatenate([weights["stem0.near.bias"], weights["stem0.far.bias"]]), *_norm(weights, "stem0", 0)]
        ),
        np.stack([weights["stem1.near.bias"], *_norm(weights, "stem1", 0)]),
        np.stack([weights["stem1.far.bias"], *_norm(weights, "stem1", WIDTH)]),
    ]
    at = np.array(places, np.int64)
    return Stem(
        np.ascontiguousarray(at[:, 0]),
        np.ascontiguousarray(at[:, 1]),
        np.array(counts, np.int64),
        np.stack(columns),
        np.stack(norms).astype(np.float32),
    )


def _norm(weights: Weights, name: str, first: int) -> list[Floats]:
    return [weights[f"{name}.norm.{part}"][first : first + WIDTH] for part in ("factor", "term")]
