"""Films made of a still: what moves as a head does, what as a print does, and that the whole check tells them apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.face import film_trials as trials
from benchmarks.face import films
from benchmarks.face.enrolment import _mean, _single
from biometrics.face import Face, FaceEngine, FaceTemplate
from biometrics.face.choice import choose
from biometrics.face.liveness import Outcome
from tests.biometrics.face.conftest import Group, engine, group  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def still(engine: FaceEngine, group: Group) -> trials.Still:  # noqa: F811
    rgb = np.asarray(Pillow.fromarray(group.portrait(3, 2.6)).resize((240, 240), Pillow.Resampling.BICUBIC))
    face = choose(engine.detect(rgb), 240, 240)
    exact = Face(face.box, engine.landmarks(rgb, face), face.confidence)
    vector = engine.vector_at(rgb, exact.points)
    assert vector is not None
    return rgb, exact, vector


def landmarks(engine: FaceEngine, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:  # noqa: F811
    return engine.landmarks(rgb, choose(engine.detect(rgb), rgb.shape[1], rgb.shape[0]))


def nose_off_the_middle(points: NDArray[np.float32]) -> float:
    """How far the nose is to the right of the middle of the eyes and the mouth, in eye distances."""
    middle = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2
    return float((points[2] - middle)[0] / np.hypot(*(points[1] - points[0])))


def test_what_is_not_moved_is_the_still(still: trials.Still) -> None:
    rgb, face, _ = still
    for depth in (films.solid, films.flat, films.bent):
        seen = films.frame(rgb, face, (0.0, 0.0, 1.0), depth)
        assert np.abs(seen.astype(int) - rgb)[4:-4, 4:-4].mean() < 1


def test_only_a_heads_nose_leaves_the_plane(engine: FaceEngine, still: trials.Still) -> None:  # noqa: F811
    rgb, face, _ = still
    straight = nose_off_the_middle(face.points)
    head, print_ = (
        nose_off_the_middle(landmarks(engine, films.frame(rgb, face, (20.0, 0.0, 1.0), depth))) - straight
        for depth in (films.solid, films.flat)
    )
    assert head > 0.08
    assert abs(print_) < 0.04


def test_what_comes_nearer_grows(engine: FaceEngine, still: trials.Still) -> None:  # noqa: F811
    rgb, face, _ = still
    grown = landmarks(engine, films.frame(rgb, face, (0.0, 0.0, 1.3), films.solid))
    assert np.hypot(*(grown[1] - grown[0])) / face.eye_distance == pytest.approx(1.3, abs=0.1)


@pytest.mark.long
def test_the_whole_check_tells_a_head_from_prints(engine: FaceEngine, still: trials.Still) -> None:  # noqa: F811
    outcomes = {kind: trials.FILMS[kind](engine, [still], 0) for kind in ("still_print", "turned_print", "bent_print")}
    # A print that cannot be judged does not pass either.
    assert Outcome.LIVE not in outcomes.values()
    assert Outcome.ATTACK in outcomes.values()


def test_simulated_prints_and_screens_are_pictures_of_their_own(still: trials.Still) -> None:
    for make in (films.printed, films.replayed):
        made = make(still[0], np.random.default_rng(1))
        assert made.dtype == np.uint8
        assert made.shape == (384, 384, 3)
        assert not np.array_equal(make(still[0], np.random.default_rng(2)), made)


def test_references_are_averaged_as_directions() -> None:
    some = [FaceTemplate.of("sface-2", row, 50) for row in np.eye(128)[:2]]
    assert _single(some).shape == (2, 128)
    np.testing.assert_allclose(_mean(some)[0, :3], [0.7071, 0.7071, 0], atol=1e-3)
