from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from biometrics.face import FaceEngine
from biometrics.face.alignment import align, placement, resolution
from biometrics.face.quality import Quality, measure
from tests.biometrics.face.conftest import Group


def crop_of(group: Group, index: int) -> tuple[NDArray[np.uint8], float]:
    matrix = placement(group.faces[index].points)
    return align(group.rgb, matrix), resolution(matrix)


def test_good_faces_have_good_quality(group: Group) -> None:
    for index in range(6):
        assert measure(*crop_of(group, index)).value >= 80


def test_components_measure_what_they_say(group: Group) -> None:
    crop, scale = crop_of(group, 3)
    good = measure(crop, scale)
    assert good.resolution == scale
    darker = measure((crop * 0.5).astype(np.uint8), scale)
    assert darker.luma == pytest.approx(good.luma / 2, abs=1)
    assert darker.contrast == pytest.approx(good.contrast / 2, abs=1)
    assert darker.sharpness == pytest.approx(good.sharpness, rel=0.15)  # it does not depend on contrast
    flat = measure(np.full((112, 112, 3), 90, np.uint8), scale)
    assert (flat.contrast, flat.sharpness, flat.luma) == pytest.approx((0, 0, 90), abs=1e-3)


def test_quality_falls_with_blur_darkness_and_size(group: Group) -> None:
    crop, scale = crop_of(group, 3)

    def blurred(radius: float) -> NDArray[np.uint8]:
        return np.asarray(Pillow.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))

    for qualities in (
        [measure(blurred(radius), scale).value for radius in (0, 2, 3, 8)],
        [measure((crop * share).astype(np.uint8), scale).value for share in (1, 0.3, 0.15, 0.03)],
        [measure(crop, pixels).value for pixels in (1, 0.5, 0.3, 0.1)],
    ):
        assert qualities == sorted(qualities, reverse=True)
        assert qualities[0] >= 80
        assert qualities[-1] == 0


def test_the_worst_component_counts() -> None:
    best = {"resolution": 1.0, "contrast": 40.0, "sharpness": 9.0, "luma": 120.0}
    assert Quality(**best).value == 100
    assert Quality(**best | {"resolution": 0.45}).value == 50
    assert Quality(**best | {"contrast": 10.0}).value == 50
    assert Quality(**best | {"sharpness": 3.3}).value == 50
    assert Quality(**best | {"luma": 25.0}).value == 50
    assert Quality(**best | {"luma": 220.0}).value == 50
    assert Quality(**best | {"luma": 9.0, "contrast": 10.0}).value == 0
    assert Quality(**best | {"resolution": 0.2005}).value == 1  # 0 is kept for what is not to be judged


def test_every_face_of_the_group_is_assessed_at_any_reasonable_size(engine: FaceEngine, group: Group) -> None:
    portrait = Pillow.fromarray(group.portrait(2))
    qualities = [
        engine.extract_pixels(np.asarray(portrait.resize((side, side), Pillow.Resampling.BICUBIC))).quality
        for side in (60, 120, 250)
    ]
    assert qualities == sorted(qualities)
    assert qualities[0] < 60 < 80 <= qualities[-1]
