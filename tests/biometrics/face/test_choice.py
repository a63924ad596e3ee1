from __future__ import annotations

import numpy as np
import pytest

from biometrics.errors import NotAssessable
from biometrics.face import Face
from biometrics.face.choice import choose, off_centre

WIDTH, HEIGHT = 640, 480


def face(x: float, y: float, size: float) -> Face:
    """A square face whose middle is at (x, y), as shares of the picture."""
    left, top = x * WIDTH - size / 2, y * HEIGHT - size / 2
    return Face(np.array([left, top, size, size], np.float32), np.zeros((5, 2), np.float32), 0.9)


def reason(faces: list[Face]) -> str:
    with pytest.raises(NotAssessable) as caught:
        choose(faces, WIDTH, HEIGHT)
    return caught.value.reason


def test_the_only_face_is_taken_wherever_it_is() -> None:
    for x, y in ((0.5, 0.5), (0.3, 0.6), (0.05, 0.9)):
        only = face(x, y, 100)
        assert choose([only], WIDTH, HEIGHT) is only


def test_no_face() -> None:
    assert reason([]) == "no_face"


def test_the_face_at_the_centre_wins_over_larger_and_more_confident_ones_at_the_side() -> None:
    holder = face(0.52, 0.5, 150)
    assert choose([face(0.9, 0.5, 200), holder, face(0.1, 0.4, 180)], WIDTH, HEIGHT) is holder


def test_small_faces_behind_the_holder_do_not_count_even_when_more_central() -> None:
    holder = face(0.45, 0.55, 200)
    assert choose([face(0.5, 0.5, 40), holder, face(0.6, 0.4, 60)], WIDTH, HEIGHT) is holder


def test_two_side_by_side_are_two_plausible_holders() -> None:
    assert reason([face(0.35, 0.5, 150), face(0.65, 0.5, 140)]) == "multiple_faces"
    assert reason([face(0.5, 0.5, 150), face(0.58, 0.5, 150)]) == "multiple_faces"
    assert reason([face(0.35, 0.5, 150), face(0.65, 0.5, 140), face(0.95, 0.5, 150)]) == "multiple_faces"


def test_one_clearly_nearer_the_centre_is_the_holder() -> None:
    holder = face(0.5, 0.5, 150)
    assert choose([holder, face(0.7, 0.5, 150)], WIDTH, HEIGHT) is holder


def test_where_nobody_is_central_the_nearest_is_taken_unless_there_are_two() -> None:
    nearest = face(0.2, 0.5, 150)
    assert choose([face(0.95, 0.5, 150), nearest], WIDTH, HEIGHT) is nearest
    assert reason([face(0.2, 0.5, 150), face(0.8, 0.5, 150)]) == "multiple_faces"


def test_distance_from_the_centre_is_the_larger_share() -> None:
    assert off_centre(face(0.5, 0.5, 10), WIDTH, HEIGHT) == pytest.approx(0, abs=1e-6)
    assert off_centre(face(0.6, 0.8, 10), WIDTH, HEIGHT) == pytest.approx(0.3, abs=1e-6)
    assert off_centre(face(0.1, 0.45, 10), WIDTH, HEIGHT) == pytest.approx(0.4, abs=1e-6)
