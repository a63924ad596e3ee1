"""Smooth random fields and resampling: the small change of every stage of the generator."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Field = NDArray[np.float32]


def generator(*key: int) -> np.random.Generator:
    """A PCG64 generator of its own for each key, so that no stage's draws shift those of another."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def smooth_field(rng: np.random.Generator, height: int, width: int, grid: float) -> Field:
    """A smooth random field of mean 0 and deviation about 1, (height, width); features are about `grid` pixels wide."""
    nodes = rng.standard_normal((int(height / grid) + 5, int(width / grid) + 5), dtype=np.float32)
    offset = rng.random(2, dtype=np.float32)
    field: Field = _spline(nodes, height, width, np.float32(1.0 / grid), offset)
    return field


@njit(cache=True)
def _weights(t, out):  # type: ignore[no-untyped-def]
    """Uniform cubic B-spline weights at `t` in [0, 1)."""
    s = 1.0 - t
    out[0] = s * s * s / 6.0
    out[1] = (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0
    out[2] = (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0
    out[3] = t * t * t / 6.0


@njit(cache=True)
def _spline(nodes, height, width, step, offset):  # type: ignore[no-untyped-def]
    """Uniform cubic B-spline surface through `nodes`, brought to about unit deviation."""
    weights = np.empty(4, np.float32)
    columns = np.empty((nodes.shape[0], width), np.float32)
    for x in range(width):
        at = x * step + offset[1] * 0.999
        cell = int(at)
        _weights(at - cell, weights)
        for row in range(nodes.shape[0]):
            columns[row, x] = (
                weights[0] * nodes[row, cell]
                + weights[1] * nodes[row, cell + 1]
                + weights[2] * nodes[row, cell + 2]
                + weights[3] * nodes[row, cell + 3]
            )
    out = np.empty((height, width), np.float32)
    for y in range(height):
        at = y * step + offset[0] * 0.999
        cell = int(at)
        _weights(at - cell, weights)
        # The mean energy of the B-spline weights is 0.479 an axis: 1 / 0.479 makes the field's variance one.
        a, b, c, d = weights[0] / 0.479, weights[1] / 0.479, weights[2] / 0.479, weights[3] / 0.479
        for x in range(width):
            out[y, x] = (
                a * columns[cell, x] + b * columns[cell + 1, x] + c * columns[cell + 2, x] + d * columns[cell + 3, x]
            )
    return out


@njit(cache=True)
def sample(image, x, y):  # type: ignore[no-untyped-def]
    """Bilinear values of `image` at the points (x, y), float32 of their shape; the border repeats."""
    height, width = image.shape
    out = np.empty(x.shape, np.float32)
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            at_x = min(max(x[row, column], np.float32(0.0)), np.float32(width - 1.001))
            at_y = min(max(y[row, column], np.float32(0.0)), np.float32(height - 1.001))
            left, top = int(at_x), int(at_y)
            fx, fy = at_x - left, at_y - top
            upper = image[top, left] * (1 - fx) + image[top, left + 1] * fx
            lower = image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx
            out[row, column] = upper * (1 - fy) + lower * fy
    return out
