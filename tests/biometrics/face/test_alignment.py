from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biometrics.face import parameters
from biometrics.face.alignment import align, placement, resolution, similarity, warp

TARGET = np.array(parameters.ARCFACE_POINTS)


def known(scale: float, degrees: float, x: float, y: float) -> NDArray[np.float64]:
    """The (2, 3) matrix of a similarity."""
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, x], [s, c, y]])


def moved(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def waves(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth colour field on the plane of the crop, 0..255."""
    return np.stack(
        [128 + 100 * np.sin(x / 9) * np.cos(y / 11), 128 + 90 * np.cos((x + y) / 13), 128 + 110 * np.sin(y / 7)],
        axis=-1,
    )


def seen_through(matrix: NDArray[np.float64], height: int, width: int) -> NDArray[np.uint8]:
    """The picture in which the crop that `matrix` places shows `waves`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    shifted = np.stack([x, y], axis=-1) - matrix[:, 2]
    back = shifted @ np.linalg.inv(matrix[:, :2]).T
    return np.round(waves(back[..., 0], back[..., 1])).astype(np.uint8)


@given(
    scale=st.floats(0.05, 40),
    degrees=st.floats(-180, 180),
    x=st.floats(-3000, 3000),
    y=st.floats(-3000, 3000),
)
@settings(deadline=None)
def test_a_known_similarity_is_recovered(scale: float, degrees: float, x: float, y: float) -> None:
    matrix = known(scale, degrees, x, y)
    assert np.allclose(similarity(TARGET, moved(matrix, TARGET)), matrix, atol=1e-6)
    found = placement(moved(matrix, TARGET).astype(np.float32))
    assert np.allclose(found, matrix, rtol=1e-3, atol=2e-3)
    assert resolution(found) == pytest.approx(scale, rel=1e-3)


def test_the_fit_is_least_squares_without_reflection() -> None:
    """No similarity near the found one fits noisy points better; a mirrored set is not mirrored back."""
    rng = np.random.default_rng(3)
    noisy = moved(known(1.7, 20, 5, -4), TARGET) + rng.normal(0, 2, TARGET.shape)
    best = similarity(TARGET, noisy)
    error = np.sum((moved(best, TARGET) - noisy) ** 2)
    for _ in range(200):
        a, b, x, y = rng.normal(0, 0.01, 4) * (1, 1, 100, 100)
        other = best + np.array([[a, -b, x], [b, a, y]])
        assert np.sum((moved(other, TARGET) - noisy) ** 2) >= error
    mirrored = TARGET * (-1, 1)
    assert np.linalg.det(similarity(TARGET, mirrored)[:, :2]) > 0


def test_landmarks_in_one_place_do_not_break_it() -> None:
    matrix = placement(np.full((5, 2), 50, np.float32))
    assert np.isfinite(matrix).all()
    assert align(np.zeros((60, 60, 3), np.uint8), matrix).shape == (112, 112, 3)


@pytest.mark.parametrize(("scale", "degrees"), [(0.6, 0), (1.0, 0), (1.0, 33), (1.7, -15), (2.6, 10), (5.3, -170)])
def test_the_crop_shows_what_the_placement_says(scale: float, degrees: float) -> None:
    """Through any turn and size, averaged down or not, the crop shows the same field, right to a tenth of a pixel."""
    matrix = known(scale, degrees, 0, 0)
    matrix[:, 2] = 400 - moved(matrix, np.array([[55.5, 55.5]]))[0]
    crop = align(seen_through(matrix, 800, 800), matrix)
    y, x = np.mgrid[0:112, 0:112].astype(np.float64)
    here = np.abs(crop - waves(x, y)).mean()
    shifted = np.abs(waves(x + 0.1, y + 0.1) - waves(x, y)).mean()
    assert crop.dtype == np.uint8
    assert here < max(shifted, 1.0)


def test_what_lies_outside_the_picture_is_black() -> None:
    white = np.full((50, 50, 3), 255, np.uint8)
    crop = align(white, known(1, 0, -40, -40))
    assert crop[:39, :].max() == 0
    assert crop[:, :39].max() == 0
    assert (crop[40:90, 40:90] == 255).all()
    assert crop[91:].max() == 0
    assert align(white, known(1, 0, 1000, 1000)).max() == 0
    assert align(white, known(7, 0, -2000, 900)).max() == 0


def test_warping_at_whole_pixels_copies() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    np.testing.assert_array_equal(warp(rgb, known(1, 0, 7, 11), 40), rgb[11:51, 7:47])
    half = warp(rgb, known(1, 0, 7.5, 11), 40).astype(int)
    mean = (rgb[11:51, 7:47].astype(int) + rgb[11:51, 8:48]) / 2
    assert np.abs(half - mean).max() <= 0.5
