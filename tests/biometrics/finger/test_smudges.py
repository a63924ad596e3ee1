"""What lies on a scanner and is no finger: smears, drops, ghosts of the last print. None of it becomes a template."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from biometrics.errors import InvalidImage, NotAssessable
from biometrics.finger import FingerEngine
from biometrics.finger.synthesis import generate

SHAPE = (374, 388)


@pytest.fixture(scope="module")
def engine() -> FingerEngine:
    return FingerEngine.open()


def _noise(seed: int, level: float) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.0, level, SHAPE)


def _blob(depth: float) -> NDArray[np.float64]:
    down, across = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depths: NDArray[np.float64] = depth / (
        1.0 + np.exp(12.0 * (np.hypot((down - 190) / 130, (across - 190) / 95) - 1.0))
    )
    return depths


def _picture(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    return grey.clip(0, 255).astype(np.uint8)


def blurred() -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(generate(1, 0)).filter(ImageFilter.GaussianBlur(7)))


def wet_finger() -> NDArray[np.uint8]:
    return _picture(235 - _blob(190) + _noise(1, 6))


def smear() -> NDArray[np.uint8]:
    """A finger wiped across the platen: no ridge is left across the movement."""
    grey = generate(2, 0).astype(np.float64)
    return _picture(np.repeat(grey.mean(axis=1, keepdims=True), SHAPE[1], axis=1) + _noise(2, 4))


def drops() -> NDArray[np.uint8]:
    random, grey = np.random.default_rng(3), np.full(SHAPE, 230.0)
    down, across = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for _ in range(60):
        y, x, radius = random.uniform(0, SHAPE[0]), random.uniform(0, SHAPE[1]), random.uniform(4, 25)
        grey -= 45 * (1 - np.tanh((np.hypot(down - y, across - x) - radius) / 1.5))
    return _picture(grey + _noise(3, 3))


def ghost() -> NDArray[np.uint8]:
    """What the last finger left: its print with a contrast of a few grey levels, below the noise."""
    return _picture(235 - (255 - generate(3, 0).astype(np.float64)) * 0.02 + _noise(4, 3))


@pytest.mark.parametrize("made", [blurred, wet_finger, smear, drops, ghost])
def test_a_smudge_is_no_template(engine: FingerEngine, made: object) -> None:
    assert callable(made)
    for grey in (made(), 255 - made()):
        with pytest.raises(NotAssessable) as raised:
            engine.extract_pixels(grey)
        assert raised.value.reason in {"no_finger", "low_quality", "wrong_dpi"}


@pytest.mark.parametrize("shape", [(1500, 1600), (750, 3200), (2000, 4100)])
def test_a_slap_of_four_fingers_is_refused_before_it_costs_anything(
    engine: FingerEngine, shape: tuple[int, int]
) -> None:
    """Megapixels at 500 dpi: FBI slaps are 1600 x 1500, others are wider. Nothing is searched for in them."""
    one = generate(1, 0)
    slap = np.tile(one, (shape[0] // SHAPE[0] + 1, shape[1] // SHAPE[1] + 1))[: shape[0], : shape[1]]
    with pytest.raises(InvalidImage) as raised:
        engine.extract_pixels(slap)
    assert raised.value.code == "image_larger_than_finger"
    assert f"{shape[1]} x {shape[0]} at 500 dpi" in raised.value.detail
