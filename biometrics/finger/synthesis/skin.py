"""What a fingertip bears besides its ridges: sweat pores on the ridge lines and creases across them."""

import numpy as np
from numba import njit

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field


def draw_pores(rng: np.random.Generator, ridges: Field) -> Field:
    """Pores about `PORE_SPACING` apart, each on the crest nearest to its draw; 0 (skin) .. 1 (middle of a pore)."""
    height, width = ridges.shape
    rows, columns = int(height / p.PORE_SPACING), int(width / p.PORE_SPACING)
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    spots = (grid + rng.random(grid.shape)) * p.PORE_SPACING
    radius = rng.uniform(0.7, 1.3, len(spots))
    pores = np.zeros_like(ridges)
    _pores(pores, ridges, spots, radius)
    return pores


def draw_strokes(rng: np.random.Generator, height: int, width: int, mean: float) -> Field:
    """A Poisson number of slightly bent lines anywhere on a canvas, 0 .. 1 (middle of a line)."""
    canvas = np.zeros((height, width), dtype=np.float32)
    for _ in range(int(rng.poisson(mean))):
        start = rng.random(2) * (width, height)
        angle, length = rng.uniform(0, np.pi), rng.uniform(35.0, 190.0)
        _stroke(canvas, start, angle, length, rng.normal(0.0, 0.0015), rng.uniform(0.8, 1.7), rng.uniform(0.5, 1.0))
    return canvas


@njit(cache=True)
def _pores(pores, ridges, spots, radius):  # type: ignore[no-untyped-def]
    height, width = pores.shape
    for k in range(len(spots)):
        y0, x0 = int(spots[k, 0]), int(spots[k, 1])
        best, best_y, best_x = np.float32(0.5), -1, -1
        for y in range(max(y0 - 4, 0), min(y0 + 5, height)):
            for x in range(max(x0 - 4, 0), min(x0 + 5, width)):
                if ridges[y, x] > best:
                    best, best_y, best_x = ridges[y, x], y, x
        if best_y < 0:
            continue
        for y in range(max(best_y - 4, 0), min(best_y + 5, height)):
            for x in range(max(best_x - 4, 0), min(best_x + 5, width)):
                distance = ((y - best_y) ** 2 + (x - best_x) ** 2) / radius[k] ** 2
                pores[y, x] = max(pores[y, x], np.float32(np.exp(-distance / 2)))


@njit(cache=True)
def _stroke(canvas, start, angle, length, bend, breadth, depth):  # type: ignore[no-untyped-def]
    """A line of `length` from `start`, bent by `bend` (1 / pixel), tapering to both ends."""
    height, width = canvas.shape
    cos, sin = np.cos(angle), np.sin(angle)
    for y in range(height):
        for x in range(width):
            along = (x - start[0]) * cos + (y - start[1]) * sin
            if along < 0.0 or along > length:
                continue
            across = (y - start[1]) * cos - (x - start[0]) * sin - bend * along * (length - along)
            if abs(across) > 4.0 * breadth:
                continue
            taper = min(1.0, 4.0 * min(along, length - along) / length)
            value = depth * taper * np.exp(-((across / breadth) ** 2) / 2)
            canvas[y, x] = max(canvas[y, x], np.float32(value))
