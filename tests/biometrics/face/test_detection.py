from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.face import FaceEngine
from biometrics.face.cells import ROW, confident, suppress
from biometrics.face.detection import detect
from biometrics.images import decode
from tests.biometrics.face.conftest import Group, group_photograph

# Middles of the six faces, marked by eye, in pixels of the 1280 x 886 photograph.
FACES = ((102, 337), (317, 208), (524, 345), (795, 410), (955, 126), (1175, 337))


def resized(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Pillow.fromarray(rgb).resize((side, side), Pillow.Resampling.BICUBIC))


@pytest.mark.parametrize("side", [640, 960, 1280])
def test_all_six_faces_are_found_and_nothing_else(engine: FaceEngine, group: Group, side: int) -> None:
    faces = sorted(detect(engine._detector, group.rgb, side=side), key=lambda face: float(face.box[0]))
    assert len(faces) == 6
    for face, middle in zip(faces, FACES, strict=True):
        assert np.abs(face.centre - middle).max() < 25
        assert 85 < face.size < 165


def test_landmarks_are_eyes_nose_and_mouth_in_order(group: Group) -> None:
    for face in group.faces:
        left_eye, right_eye, nose, left_corner, right_corner = face.points
        assert left_eye[0] < right_eye[0]
        assert left_corner[0] < right_corner[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_corner[1], right_corner[1])
        assert 25 < face.eye_distance < 60
        assert (face.points > face.box[:2] - 5).all()
        assert (face.points < face.box[:2] + face.box[2:] + 5).all()


def test_faces_come_most_confident_first(engine: FaceEngine, group: Group) -> None:
    confidences = [face.confidence for face in detect(engine._detector, group.rgb, side=640)]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0.6 < confidence <= 1 for confidence in confidences)


@pytest.mark.parametrize("size", [(33, 400), (400, 33), (97, 61), (126, 102), (250, 250), (480, 640), (1301, 977)])
def test_any_size_is_taken_and_coordinates_are_the_pictures(
    engine: FaceEngine, group: Group, size: tuple[int, int]
) -> None:
    """A portrait in a grey field of any size: found where it was put, if it fits."""
    height, width = size
    side = min(height, width)
    canvas = np.full((height, width, 3), 128, np.uint8)
    portrait = resized(group.portrait(3), side)
    top, left = height - side, width - side
    canvas[top:, left:] = portrait
    faces = engine.detect(canvas)
    if side >= 61:
        assert len(faces) == 1
        assert np.abs(faces[0].centre - (left + side / 2, top + side / 2)).max() < 0.06 * side
        assert faces[0].size == pytest.approx(side / 2.2, rel=0.15)


def test_a_picture_without_a_face_gives_none(engine: FaceEngine, group: Group) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    table = group.rgb[640:880, 380:1000]  # glasses, chips and cards
    for picture in (np.zeros((480, 640, 3), np.uint8), np.full((300, 200, 3), 255, np.uint8), noise):
        assert engine.detect(picture) == []
    assert all(face.confidence < 0.75 for face in engine.detect(table))


def test_a_small_face_is_found_on_the_second_try(engine: FaceEngine, group: Group) -> None:
    canvas = np.full((1080, 1920, 3), 128, np.uint8)
    canvas[500:620, 900:1020] = resized(group.portrait(3), 120)
    assert detect(engine._detector, canvas, side=256) == []
    (face,) = engine.detect(canvas)
    assert np.abs(face.centre - (960, 560)).max() < 10


def test_the_group_photograph_decoded_small_has_its_faces_in_the_same_places(engine: FaceEngine) -> None:
    small = decode(group_photograph(), sufficient_side=640).rgb
    assert small.shape[:2] == (443, 640)
    faces = sorted(detect(engine._detector, small, side=640), key=lambda face: float(face.box[0]))
    assert len(faces) == 6
    assert all(np.abs(face.centre * 2 - middle).max() < 25 for face, middle in zip(faces, FACES, strict=True))


def test_suppression_keeps_the_best_of_overlapping_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [20, 0, 10, 10], [0, 6, 10, 10], [5, 0, 10, 10]], np.float32)
    found = np.zeros((5, ROW), np.float32)
    found[:, 0], found[:, 1:5] = [0.9, 0.8, 0.7, 0.65, 0.6], boxes
    # Overlaps with the first: 0.68, 0, 0.25 and 0.33 of the union.
    assert suppress(found).tolist() == [0, 2, 3]
    assert suppress(np.empty((0, ROW), np.float32)).tolist() == []
    found[1, 3] = np.nan
    assert suppress(found).tolist() == [0, 2, 3], "a box that is none is left out"


def test_a_confident_cell_is_a_face_in_pixels_from_its_corner() -> None:
    classes, objects = np.full((1, 12, 1), 0.5, np.float32), np.full((1, 12, 1), 0.5, np.float32)
    classes[0, 6], objects[0, 6] = 0.81, 1.7  # more than certain counts as certain
    classes[0, 7], objects[0, 7] = -2.0, -2.0
    boxes, points = np.zeros((1, 12, 4), np.float32), np.zeros((1, 12, 10), np.float32)
    boxes[0, 6] = [0.5, 0.25, np.log(2), np.log(3)]
    points[0, 6] = np.arange(10) / 10
    # Four cells a line: the seventh is the third of the second line, its corner at (16, 8).
    (row,) = confident(classes, objects, boxes, points, 8, 4)
    assert row[0] == np.float32(0.9)
    assert row[1:5] == pytest.approx([20 - 8, 10 - 12, 16, 24])
    assert row[5:] == pytest.approx(np.tile([16, 8], 5) + 8 * np.arange(10) / 10)
    assert confident(classes[:, :6], objects[:, :6], boxes[:, :6], points[:, :6], 8, 4).shape == (0, ROW)
