"""A second frame: other pixels, the same scene."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from api.demo.shots import another_shot
from api.matching.digests import digest_of
from biometrics.images import decode
from tests.api.pictures import written

ROWS, COLUMNS = np.mgrid[0:96, 0:80].astype(np.float32)
SCENE = np.rint(128 + 60 * np.sin(ROWS / 9) * np.cos(COLUMNS / 7)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("colours", [True, False])
def test_a_shot_is_another_capture_of_the_same_scene(kind: str, colours: bool) -> None:
    picture = written(Image.fromarray(np.repeat(SCENE[..., None], 3, axis=2) if colours else SCENE), kind)
    shots = [decode(another_shot(picture)) for _ in range(3)]
    before = decode(picture)
    assert len({digest_of(one.rgb) for one in (before, *shots)}) == 4
    for shot in shots:
        assert shot.pixels.shape == before.pixels.shape
        assert np.abs(shot.pixels.astype(int) - before.pixels).mean() < 1.5


def test_without_compression_no_value_is_off_by_more_than_one() -> None:
    flat = np.full((64, 64), 255, np.uint8)
    shot = decode(another_shot(written(Image.fromarray(flat), "PNG")))
    assert set(np.unique(shot.pixels)) == {254, 255}, "white stays white or loses one level, and never turns round"


def test_the_resolution_stays() -> None:
    picture = written(Image.fromarray(SCENE), "PNG", dpi=(500, 500))
    assert decode(another_shot(picture)).dpi == pytest.approx(500, abs=0.1)
    assert Image.open(BytesIO(another_shot(picture))).format == "PNG"
