"""Pictures as chips hold them: which they are, and that their views are cleaner and of the same face."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.face import FaceEngine
from biometrics.face.cleaning import cleaned, small
from tests.biometrics.face.conftest import Group


def as_in_a_chip(portrait: NDArray[np.uint8], size: tuple[int, int] = (102, 126)) -> NDArray[np.uint8]:
    stream = BytesIO()
    tiny = Pillow.fromarray(portrait).resize(size, Pillow.Resampling.LANCZOS)
    tiny.save(stream, "JPEG2000", quality_mode="rates", quality_layers=[19], irreversible=True)
    return np.asarray(Pillow.open(BytesIO(stream.getvalue())).convert("RGB"))


@pytest.mark.parametrize(("size", "expected"), [((126, 102), True), ((160, 120), True), ((161, 120), False)])
def test_small_is_what_no_camera_takes(size: tuple[int, int], expected: bool) -> None:
    assert small(np.zeros((*size, 3), np.uint8)) is expected
    assert small(np.zeros((size[1], size[0], 3), np.uint8)) is expected


def test_specks_and_wrong_colours_go_and_light_stays() -> None:
    flat = np.full((40, 40, 3), 128, np.uint8)
    tinted = flat.copy()
    tinted[10:12, 10:12] = (150, 117, 128)  # about as light as the rest
    specks = flat.copy()
    specks[20, 20] = specks[30, 5] = 255
    calm, _ = cleaned(tinted)
    assert np.ptp(calm.astype(int), axis=2).max() < np.ptp(tinted.astype(int), axis=2).max() / 3
    _, smooth = cleaned(specks)
    np.testing.assert_array_equal(smooth, flat)
    step = np.repeat(np.where(np.arange(40) < 20, 60, 200)[None, :, None], 40, axis=0).repeat(3, axis=2)
    for view in cleaned(step.astype(np.uint8)):
        np.testing.assert_allclose(view, step, atol=1)


def test_a_chips_picture_is_embedded_by_all_its_views_and_a_cameras_by_one(engine: FaceEngine, group: Group) -> None:
    portrait = group.portrait(3)
    chip = as_in_a_chip(portrait)
    made = engine.extract_pixels(chip)
    lone = engine.extract_pixels(np.pad(chip, ((0, 60), (0, 60), (0, 0))))
    assert engine.compare(made, engine.extract_pixels(portrait)) > 0.5
    assert 0.7 < engine.compare(made, lone) < 0.999, "the padded picture is no chip's, and has one view"


def test_on_the_mean_the_views_bring_a_chips_picture_nearer_to_the_person(engine: FaceEngine, group: Group) -> None:
    gains = []
    for index in range(6):
        portrait = group.portrait(index)
        good = engine.extract_pixels(portrait)
        chip = as_in_a_chip(portrait)
        edge = ((0, 161 - chip.shape[0]), (0, 0), (0, 0))
        bare = engine.extract_pixels(np.pad(chip, edge, mode="edge"))  # one pixel too long to count as small
        gains.append(engine.compare(engine.extract_pixels(chip), good) - engine.compare(bare, good))
    assert np.mean(gains) > 0
