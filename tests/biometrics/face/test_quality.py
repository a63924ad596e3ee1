from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from biometrics.face import Face, FaceEngine, parameters
from biometrics.face.alignment import align, placement, resolution
from biometrics.face.feedback import CODES, _words, feedback, words
from biometrics.face.pose import Pose, pose_of
from biometrics.face.quality import Quality, measure, unified
from biometrics.face.scene import background, blockiness
from biometrics.images import decode
from tests.biometrics.face.conftest import Group
from tests.biometrics.pictures import encode


def crop_of(group: Group, index: int) -> tuple[NDArray[np.uint8], float]:
    matrix = placement(group.faces[index].points)
    return align(group.rgb, matrix), resolution(matrix)


def test_good_faces_are_usable(group: Group) -> None:
    for index in range(6):
        assert measure(*crop_of(group, index)).usability >= 0.8


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


def test_usability_falls_with_blur_darkness_and_size(group: Group) -> None:
    crop, scale = crop_of(group, 3)

    def blurred(radius: float) -> NDArray[np.uint8]:
        return np.asarray(Pillow.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))

    for qualities in (
        [measure(blurred(radius), scale).usability for radius in (0, 2, 3, 8)],
        [measure((crop * share).astype(np.uint8), scale).usability for share in (1, 0.3, 0.15, 0.03)],
        [measure(crop, pixels).usability for pixels in (1, 0.5, 0.3, 0.1)],
    ):
        assert qualities == sorted(qualities, reverse=True)
        assert qualities[0] >= 0.8
        assert qualities[-1] == 0


BEST = Quality(resolution=1.0, contrast=40.0, sharpness=9.0, luma=120.0)


def test_the_worst_component_counts() -> None:
    assert BEST.usability == 1
    for changes in ({"resolution": 0.45}, {"contrast": 10.0}, {"sharpness": 3.3}, {"luma": 25.0}, {"luma": 220.0}):
        assert replace(BEST, **changes).usability == pytest.approx(0.5)  # type: ignore[arg-type]
    assert replace(BEST, luma=9.0, contrast=10.0).usability == 0


def test_unified_quality_is_that_of_the_embedding_unless_the_face_is_unusable() -> None:
    values = [unified(BEST, length) for length in (6.0, 6.5, 8.0, 11.0, 14.0, 15.0, 40.0)]
    assert values == sorted(values)
    assert (values[0], values[1], values[-1]) == (0, 1, 100)  # 0 is kept for what is not to be judged
    assert unified(BEST, 0.0, None) == 100
    assert unified(replace(BEST, contrast=10.0), 0.0, None) == 50
    assert unified(replace(BEST, luma=9.0), 14.0) == 0
    assert unified(replace(BEST, resolution=0.45), 14.0) == unified(BEST, 14.0)


def test_quality_falls_with_what_makes_a_face_hard_to_recognise(engine: FaceEngine, group: Group) -> None:
    portrait = Pillow.fromarray(group.portrait(3)).resize((250, 250), Pillow.Resampling.BICUBIC)

    def quality(picture: Pillow.Image) -> int:
        return engine.extract_pixels(np.asarray(picture)).quality

    good = quality(portrait)
    assert good > 50
    small = [quality(portrait.resize((side, side), Pillow.Resampling.BICUBIC)) for side in (60, 90)]
    assert small[0] < small[1] < good
    blurred = [quality(portrait.filter(ImageFilter.GaussianBlur(radius))) for radius in (2.5, 1.5)]
    assert blurred[0] < blurred[1] < good
    assert quality(with_glasses(portrait, group)) < good


def with_glasses(portrait: Pillow.Image, group: Group) -> Pillow.Image:
    """Dark glasses painted over both eyes of the fourth portrait."""
    painted = portrait.copy()
    face, corner = group.faces[3], group.faces[3].centre - round(group.faces[3].size * 2.2) / 2
    for eye in (face.points[:2] - corner) * (250 / round(face.size * 2.2)):
        reach = 0.45 * face.eye_distance * 250 / round(face.size * 2.2)
        box = [eye[0] - reach, eye[1] - 0.6 * reach, eye[0] + reach, eye[1] + 0.6 * reach]
        ImageDraw.Draw(painted).ellipse([float(edge) for edge in box], fill=(18, 18, 20))
    return painted


def with_mask(portrait: Pillow.Image, group: Group, colour: tuple[int, int, int]) -> Pillow.Image:
    """A mask painted over nose tip, mouth and chin of the fourth portrait."""
    painted = portrait.copy()
    face, corner = group.faces[3], group.faces[3].centre - round(group.faces[3].size * 2.2) / 2
    scale = 250 / round(face.size * 2.2)
    nose, left, right = ((face.points[i] - corner) * scale for i in (2, 3, 4))
    width = 1.2 * float(right[0] - left[0])
    middle = float(left[0] + right[0]) / 2
    box = [middle - width, float(nose[1]), middle + width, float(left[1]) + width]
    ImageDraw.Draw(painted).rounded_rectangle(box, 20, fill=colour)
    return painted


def test_covered_eyes_and_mouths_are_noticed(engine: FaceEngine, group: Group) -> None:
    portrait = Pillow.fromarray(group.portrait(3)).resize((250, 250), Pillow.Resampling.BICUBIC)
    bare = engine.assess(encode(portrait))
    assert bare.components is not None
    assert bare.components.eyes < 0.5
    assert bare.components.mouth < 0.5
    assert "uncover_the_eyes" in engine.assess(encode(with_glasses(portrait, group))).feedback
    for colour in ((110, 170, 215), (20, 20, 22)):  # a white one on a bright face is not noticed (docs/faces.md)
        assert "uncover_the_mouth" in engine.assess(encode(with_mask(portrait, group, colour))).feedback


def test_advice_fits_what_is_wrong() -> None:
    face = Face(np.array([70, 60, 100, 130], np.float32), np.zeros((5, 2), np.float32), 0.9)

    def advice(face: Face = face, **changes: object) -> tuple[str, ...]:
        return feedback(replace(BEST, **changes), face, 240, 250)  # type: ignore[arg-type]

    assert advice() == ()
    assert advice(resolution=0.4) == ("come_closer",)
    assert advice(luma=20.0) == advice(contrast=9.0) == ("more_light",)
    assert advice(luma=230.0) == advice(burnt=0.4) == ("less_light",)
    assert advice(sharpness=3.0) == ("hold_still",)
    assert advice(uneven=0.5) == ("even_light",)
    assert advice(pose=Pose(30, 0, 0)) == advice(pose=Pose(0, -30, 0)) == ("look_into_the_camera",)
    assert advice(pose=Pose(0, 0, -25)) == ("hold_the_head_upright",)
    assert advice(eyes=1.0, mouth=1.0) == ("uncover_the_eyes", "uncover_the_mouth")
    assert advice(mouth_width=1.1) == ("close_the_mouth",)
    aside = Face(face.box + np.array([90, 0, 0, 0], np.float32), face.points, 0.9)
    assert advice(aside) == ("step_back", "move_to_the_centre")


def test_every_piece_of_advice_has_words_in_both_languages() -> None:
    for code in CODES:
        assert re.search("[\u4e00-\u9fff]", words(code).zh)
        assert words(code).en.isascii()
    assert set(_words()) == set(CODES)
    assert words("come_closer").zh == "请靠近一些"
    with pytest.raises(KeyError):
        words("smile")


def test_an_assessment_says_why_nothing_was_made(engine: FaceEngine, group: Group) -> None:
    nobody = engine.assess(encode(np.zeros((200, 200, 3), np.uint8)))
    assert (nobody.faces, nobody.unified, nobody.reason, nobody.feedback) == (0, 0, "no_face", ("no_face_seen",))
    several = engine.assess(encode(group.rgb))
    assert (several.reason, several.feedback, several.unified) == ("multiple_faces", ("one_person_only",), 0)
    assert several.faces >= 5
    tiny = Pillow.fromarray(group.portrait(3)).resize((38, 38), Pillow.Resampling.BOX)
    far = engine.assess(encode(tiny))
    assert (far.reason, far.unified) == ("low_quality", 0)
    assert far.feedback[0] == "come_closer"
    good = engine.assess(encode(group.portrait(3)))
    assert good.reason is None
    assert good.unified == engine.extract(encode(group.portrait(3))).quality


def test_pose_is_that_of_a_turned_head() -> None:
    model = np.array(parameters.FACE_MODEL_MM)
    for yaw, pitch, roll in ((0, 0, 0), (30, 0, 0), (-25, 0, 0), (0, 20, 0), (0, -15, 0), (0, 0, 12), (0, 0, -40)):
        y, p, r = np.radians([yaw, pitch, roll])
        turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
        lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        seen = 1.7 * (model @ (lean @ nod @ turn).T)[:, :2] + 100
        found = pose_of(seen.astype(np.float32))
        assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_background_and_blocks_are_told_from_none(group: Group) -> None:
    portrait = np.asarray(Pillow.fromarray(group.portrait(3)).resize((320, 320), Pillow.Resampling.BICUBIC))
    plain = np.full((520, 520, 3), 200, np.uint8)
    busy = np.random.default_rng(0).integers(0, 256, (520, 520, 3), dtype=np.uint8)
    scale = 320 / group.portrait(3).shape[0]
    face = group.faces[3]
    corner = face.centre - round(face.size * 2.2) / 2
    matrix = placement(((face.points - corner) * scale + 100).astype(np.float32))
    head = np.hypot(*np.mgrid[-160:160, -160:160])[..., None] < 120
    found = []
    for ground in (plain, busy):
        picture = ground.copy()
        picture[100:420, 100:420] = np.where(head, portrait, ground[100:420, 100:420])
        found.append(background(picture, matrix))
    assert found[0] < 2 < 20 < found[1]
    assert np.isnan(background(portrait[80:240, 80:240], matrix + np.array([[0, 0, -180], [0, 0, -180]])))
    box = np.array([80, 60, 160, 200], np.float32)
    blocks = [
        blockiness(decode(encode(portrait, "JPEG", quality=quality, subsampling=0)).rgb, box) for quality in (5, 20, 95)
    ]
    assert blocks[0] > blocks[1] > blocks[2]
    assert blocks[0] > 0.5
    assert abs(blockiness(portrait, box)) < 0.1
