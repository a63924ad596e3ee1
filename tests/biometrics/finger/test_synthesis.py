"""The fingerprint generator: repeatable, varied, with ridges as wide apart as skin has them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from biometrics.finger.synthesis import generate, master, write_set


def test_prints_are_grey_pictures_of_the_asked_size() -> None:
    default = generate(1, 0)
    assert default.dtype == np.uint8
    assert default.shape == (374, 388)
    assert generate(1, 0, height=300, width=256).shape == (300, 256)


def test_the_same_seed_gives_the_same_print() -> None:
    first = generate(2, 1)
    master.cache_clear()
    np.testing.assert_array_equal(first, generate(2, 1))


def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_other_fingers_and_other_impressions_are_other_pictures() -> None:
    prints = [generate(3, 0), generate(3, 1), generate(4, 0)]
    assert max(correlation(prints[i], prints[j]) for i, j in ((0, 1), (0, 2), (1, 2))) < 0.7
    first, second = master(3).ridges, master(4).ridges
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(("seed", "impression"), [(-1, 0), (1, -1)])
def test_negative_seeds_are_refused(seed: int, impression: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        generate(seed, impression)


def test_tiny_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        generate(1, 0, height=31, width=388)


def main_period(pixels: NDArray[np.uint8]) -> float:
    """The wave length (pixels) that holds most of the power of the ridges."""
    window = np.hanning(pixels.shape[0])[:, None] * np.hanning(pixels.shape[1])
    power = np.abs(np.fft.fft2((pixels - pixels.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(pixels.shape[0])[:, None], np.fft.fftfreq(pixels.shape[1]))
    rings = np.arange(1 / 20, 1 / 4, 1 / 200)
    energy = [power[(frequency >= ring) & (frequency < ring + 1 / 200)].sum() for ring in rings]
    return float(1 / (rings[int(np.argmax(energy))] + 1 / 400))


@pytest.mark.parametrize("seed", range(5, 11))
def test_ridges_are_as_far_apart_as_at_500_dpi(seed: int) -> None:
    assert 7.0 <= main_period(generate(seed, 0)) <= 12.0


def test_a_set_is_written_as_benchmarks_read_it(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    paths = write_set(tmp_path, 2, 2, lambda done, total: seen.append((done, total)), first_seed=5)
    assert [path.name for path in paths] == ["1_1.png", "1_2.png", "2_1.png", "2_2.png"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with Image.open(paths[2]) as picture:
        assert picture.mode == "L"
        assert picture.info["dpi"] == pytest.approx((500, 500), abs=0.1)
        np.testing.assert_array_equal(np.asarray(picture), generate(6, 0))
