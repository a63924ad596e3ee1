"""Polarity: negatives are noticed and turned, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from biometrics.finger import FingerEngine
from biometrics.finger.blocks import blocks_of
from biometrics.finger.polarity import dark_on_light, is_inverted
from biometrics.finger.synthesis import generate

REAL = Path(__file__).parents[4] / "shared" / "data" / "fingerprints"


def prints() -> list[NDArray[np.uint8]]:
    return [generate(seed, 0) for seed in range(1, 7)]


def turned(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return dark_on_light(grey, blocks_of(grey))


def inverted(grey: NDArray[np.uint8]) -> bool:
    return is_inverted(grey, blocks_of(grey))


def test_a_negative_is_turned_and_a_print_is_not() -> None:
    for grey in prints():
        assert turned(grey) is grey
        np.testing.assert_array_equal(turned(255 - grey), grey)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_frame_says_nothing(value: int) -> None:
    for grey in prints():
        assert not inverted(np.pad(grey, 40, constant_values=value))
        assert inverted(np.pad(255 - grey, 40, constant_values=value))


@pytest.mark.parametrize("shape", [(1, 1), (16, 200), (31, 31), (374, 388)])
@pytest.mark.parametrize("value", [0, 255])
def test_without_ridges_nothing_is_said(shape: tuple[int, int], value: int) -> None:
    flat = np.full(shape, value, np.uint8)
    assert not inverted(flat)
    flat[0, 0] = 255 - value
    assert not inverted(flat)


def test_a_finger_that_fills_the_picture_is_left_as_it_is() -> None:
    lines = np.tile((128 + 90 * np.sin(2 * np.pi * np.arange(300) / 9)).astype(np.uint8), (300, 1))
    assert not inverted(lines)
    assert not inverted(255 - lines)


def test_the_engine_makes_one_template_of_both_polarities() -> None:
    engine = FingerEngine.open()
    grey = generate(2, 0)
    assert engine.extract_pixels(255 - grey).to_bytes() == engine.extract_pixels(grey).to_bytes()


@pytest.mark.shared_data
@pytest.mark.skipif(not REAL.is_dir(), reason=f"NOT RUN: the fingerprint sets are not there ({REAL})")
def test_real_prints_of_five_sensors() -> None:
    paths = [path for folder in sorted(REAL.iterdir()) for path in sorted(folder.glob("*_[1-4].png"))[::3]]
    assert len(paths) > 100
    pictures = [np.asarray(Image.open(path).convert("L")) for path in paths]
    assert not any(inverted(grey) for grey in pictures)
    assert np.mean([inverted(255 - grey) for grey in pictures]) > 0.95
