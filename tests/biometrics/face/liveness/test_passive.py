from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from biometrics.face.liveness import Outcome, PassiveDetector
from biometrics.face.liveness.passive import SCALES, SIDE, cut
from models import install
from models.errors import PackMissing
from tests.biometrics.face.conftest import Group

SHARED = Path(__file__).resolve().parents[5] / "shared" / "models" / "minifasnet"


@pytest.fixture(scope="module")
def passive(tmp_path_factory: pytest.TempPathFactory) -> PassiveDetector:
    if not SHARED.is_dir():
        pytest.skip("MiniFASNet's files are not beside the checkout: the passive networks are not tested")
    home = tmp_path_factory.mktemp("home")
    install.add(SHARED, home)
    return PassiveDetector.open(home)


def test_without_the_pack_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="renzheng models add DIR"):
        PassiveDetector.open(tmp_path)


@pytest.mark.shared_data
def test_a_face_of_a_photograph_has_a_probability(passive: PassiveDetector, group: Group) -> None:
    for face in group.faces:
        score = passive.score(group.rgb, face)
        assert 0 <= score <= 1
        verdict = passive.judge(group.rgb, face)
        assert verdict.score == pytest.approx(score)
        assert verdict.outcome is (Outcome.LIVE if score >= 0.5 else Outcome.ATTACK)


@pytest.mark.shared_data
def test_a_printed_face_held_before_the_camera_scores_lower(passive: PassiveDetector, group: Group) -> None:
    """A simulation: the picture of the group as a print in somebody's hands, with its edges in sight."""
    lower = 0
    for index, face in enumerate(group.faces):
        portrait = Pillow.fromarray(group.portrait(index, 1.6)).convert("L").convert("RGB")
        scene = Pillow.new("RGB", (640, 480), (150, 140, 120))
        scene.paste(portrait.resize((200, 200)), (220, 140))
        printed = type(face)(np.array([257, 177, 126, 126], np.float32), face.points, 0.9)
        lower += passive.score(np.asarray(scene), printed) < passive.score(group.rgb, face)
    assert lower >= 5


def test_the_part_is_scaled_about_the_face_and_kept_inside() -> None:
    rgb = np.zeros((200, 300, 3), np.uint8)
    rgb[90:110, 140:160] = 255
    middle = cut(rgb, np.array([140, 90, 20, 20], np.float32), 4.0)
    assert middle.shape == (SIDE, SIDE, 3)
    bright = np.argwhere(middle[:, :, 0] > 128)
    assert bright.mean(axis=0) == pytest.approx([39.5, 39.5], abs=1)
    assert 18 <= np.ptp(bright[:, 0]) <= 22
    corner = cut(rgb, np.array([0, 0, 20, 20], np.float32), 4.0)
    np.testing.assert_array_equal(corner, 0)
    for scale in SCALES.values():  # larger than the picture: as much as there is
        assert cut(rgb, np.array([50, 20, 200, 170], np.float32), scale).shape == (SIDE, SIDE, 3)
    assert cut(rgb, np.array([-30, -30, 5, 5], np.float32), 2.7).shape == (SIDE, SIDE, 3)


def test_the_grain_of_a_large_part_is_kept_as_in_the_training() -> None:
    """Each pixel is made of four, however much the part shrinks: averaging would leave a fifth of the grain."""
    rgb = np.random.default_rng(1).normal(128, 30, (480, 480, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
    part = cut(rgb, np.array([200, 200, 80, 80], np.float32), 4.0)
    assert 0.4 * rgb.std() < part.std() < 0.8 * rgb.std()


def test_a_part_as_large_as_the_networks_input_is_taken_as_it_is() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    part = cut(rgb, np.array([130, 130, 79 / 4, 79 / 4], np.float32), 4.0)
    left = int(130 + 79 / 8 - 79 / 2)
    np.testing.assert_array_equal(part, rgb[left : left + 80, left : left + 80])
