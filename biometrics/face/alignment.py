"""Turning, scaling and shifting a face to where the recogniser expects it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.kernels.compiled import kernel

from . import parameters

_TARGET = np.array(parameters.ARCFACE_POINTS, np.float64)


def placement(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where the crop lies in the picture: the (2, 3) matrix from the crop's (x, y) to the picture's.

    It brings the landmarks `points`, (5, 2), to their places in the crop. The fit is least squares in the crop, as in
    the recogniser's training: fitted the other way round, faces would come out about one per cent larger.
    """
    return _inverse(similarity(points.astype(np.float64), _TARGET))


def resolution(matrix: NDArray[np.float64]) -> float:
    """Pixels of the picture for one of the crop that `matrix` places."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def align(rgb: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The crop that `matrix`, (2, 3), places in `rgb`, uint8 (H, W, 3): uint8 (112, 112, 3), black outside.

    Where the picture has more than two pixels for one of the crop it is averaged down first, so that fine detail does
    not alias.
    """
    factor = int(resolution(matrix))
    if factor < 2:
        return warp(rgb, matrix, parameters.CROP)
    reduced, corner = _reduce_around(rgb, matrix, factor)
    within = matrix.copy()
    within[:, 2] += 0.5 - corner  # to the coordinates of pixel corners, which scale without a shift
    within /= factor
    within[:, 2] -= 0.5
    return warp(reduced, within, parameters.CROP)


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation, scaling and shift that brings `source` nearest to `target`, both (n, 2): a (2, 3) matrix.

    Least squares without reflection (Umeyama, PAMI 13(4), 1991), which in the plane is a regression of complex
    numbers: a turn with scaling is a factor, a shift an addend. A source without extent gives a mere shift.
    """
    start, end = source @ (1, 1j), target @ (1, 1j)
    spread = start - start.mean()
    power = float(np.vdot(spread, spread).real)
    factor = np.vdot(spread, end - end.mean()) / power if power > 0 else 1.0 + 0j
    shift = end.mean() - factor * start.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity that undoes `matrix`, whose scale is taken for at least 3e-5."""
    square = matrix[:, :2]
    back = square.T / max(float(np.linalg.det(square)), 1e-9)
    return np.column_stack([back, -back @ matrix[:, 2]])


def _reduce_around(
    rgb: NDArray[np.uint8], matrix: NDArray[np.float64], factor: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the picture that the crop takes in, reduced by `factor`; and its (x, y) in the picture."""
    side = parameters.CROP - 1
    outline = matrix @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    size = np.array([rgb.shape[1], rgb.shape[0]])
    first = np.clip(np.floor(outline.min(axis=1)).astype(int) - 2 * factor, 0, size - 1)
    last = np.clip(np.ceil(outline.max(axis=1)).astype(int) + 2 * factor, first + 1, size)
    part = Pillow.fromarray(rgb[first[1] : last[1], first[0] : last[0]])
    return np.asarray(part.reduce(factor)), first.astype(np.float64)


@kernel
def warp(rgb: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Samples `rgb`, uint8 (H, W, 3), bilinearly: uint8 (side, side, 3), black where the picture ends.

    `matrix` (2, 3) maps the (x, y) of a pixel of the result to the place in the picture; pixel middles are integers.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    out = np.zeros((side, side, 3), np.uint8)
    for row in range(side):
        for column in range(side):
            x = matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2]
            y = matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2]
            if not (-1.0 < x < width and -1.0 < y < height):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            if 0 <= left < width - 1 and 0 <= top < height - 1:
                across, down = x - left, y - top
                for channel in range(3):
                    upper = rgb[top, left, channel] * (1 - across) + rgb[top, left + 1, channel] * across
                    lower = rgb[top + 1, left, channel] * (1 - across) + rgb[top + 1, left + 1, channel] * across
                    out[row, column, channel] = np.uint8(0.5 + upper * (1 - down) + lower * down)
                continue
            for channel in range(3):
                value = 0.5
                for j in range(2):
                    for i in range(2):
                        if 0 <= left + i < width and 0 <= top + j < height:
                            share = (1 - abs(x - left - i)) * (1 - abs(y - top - j))
                            value += share * rgb[top + j, left + i, channel]
                out[row, column, channel] = np.uint8(value)
    return out
