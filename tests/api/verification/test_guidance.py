"""Guidance for a live picture: what it says, and what it does not."""

import threading
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.matching.comparison import CaptureInvalid
from api.matching.guidance import Guidance, GuidanceBusy, Guide
from biometrics.face import FaceEngine
from biometrics.face.detection import Face
from tests.api.bodies import encoded
from tests.api.http.answers import assert_error
from tests.api.pictures import BROKEN, sound, written

FRAME = "/v1/captures/guidance"


def ask(terminal: TestClient, word: str) -> Any:
    return terminal.post(FRAME, json={"image": encoded(word)})


def test_a_good_picture_is_ready(terminal: TestClient) -> None:
    answer = ask(terminal, "person:a")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["ready"], told["advice"]) == (True, [])
    assert told["box"] == {"left": 0.3, "top": 0.2, "width": 0.4, "height": 0.5}
    assert set(told) == {"ready", "box", "advice"}, "no score, no name"


def test_what_to_do_better_comes_in_both_languages(terminal: TestClient) -> None:
    told = ask(terminal, "no_face_seen").json()
    assert (told["ready"], told["box"]) == (False, None)
    (advice,) = told["advice"]
    assert advice["code"] == "no_face_seen"
    assert advice["message"] == {"zh": "未检测到人脸，请面对镜头", "en": "No face seen: please face the camera"}


def test_what_is_no_picture(terminal: TestClient) -> None:
    assert_error(ask(terminal, "image_not_an_image"), 422, "image_not_an_image")
    assert_error(terminal.post(FRAME, json={"image": "?"}), 422, "base64_invalid")


class Detecting(FaceEngine):
    """Sees faces where it is told, and nothing of the picture."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)
        self.entered, self.leave = threading.Event(), threading.Event()
        self.leave.set()

    def detect(self, rgb: Any) -> list[Face]:
        self.entered.set()
        assert self.leave.wait(10)
        return self.faces

    def landmarks(self, rgb: Any, face: Face) -> Any:
        return face.points


def face(x: float, side: float) -> Face:
    points = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    box = np.array([x - side / 2, 240 - side / 2, side, side], np.float32)
    return Face(box=box, points=box[:2] + points * side, confidence=0.95)


def room() -> bytes:
    from PIL import Image

    return written(Image.fromarray(np.full((480, 640, 3), 128, np.uint8)), "JPEG")


def test_no_face_and_two_faces() -> None:
    assert Guide(Detecting(), 1).look(room()) == Guidance(None, ("no_face_seen",))
    two = Detecting(face(220, 150), face(420, 150))
    assert Guide(two, 1).look(room()) == Guidance(None, ("one_person_only",))


def test_a_small_face_is_asked_nearer_and_its_place_is_told() -> None:
    told = Guide(Detecting(face(320, 40)), 1).look(room())
    assert told.box == pytest.approx((300 / 640, 220 / 480, 40 / 640, 40 / 480))
    assert told.advice[0] == "come_closer"
    assert "come_closer" not in Guide(Detecting(face(320, 300)), 1).look(room()).advice


def test_broken_pictures_are_refused_by_name() -> None:
    for raw, code in BROKEN.values():
        with pytest.raises(CaptureInvalid) as refused:
            Guide(Detecting(), 1).look(raw)
        assert refused.value.code in {code, "image_too_large"}


def test_a_frame_has_a_megapixel_at_most() -> None:
    from PIL import Image

    with pytest.raises(CaptureInvalid, match="image_too_many_pixels"):
        Guide(Detecting(), 1).look(written(Image.new("RGB", (1600, 1200)), "PNG"))


def test_only_so_many_are_looked_at_at_once() -> None:
    """Who comes when all places are taken is not kept waiting, and holds up no verification."""
    slow = Detecting()
    slow.leave.clear()
    guide = Guide(slow, 1)
    first = threading.Thread(target=guide.look, args=(sound(),))
    first.start()
    assert slow.entered.wait(10)
    with pytest.raises(GuidanceBusy):
        guide.look(sound())
    slow.leave.set()
    first.join(10)
    assert guide.look(sound()).advice == ("no_face_seen",)
