from __future__ import annotations

import numpy as np
import pytest

from biometrics.errors import IncompatibleTemplates
from biometrics.face import FaceEngine, FaceTemplate, Transform
from biometrics.face.template import similarity, transform_of

ONE, OTHER = Transform("one", bytes(range(32))), Transform("other", bytes(range(1, 33)))


def templates(count: int, dimensions: int = 128) -> list[FaceTemplate]:
    drawn = np.random.default_rng(5).standard_normal((count, dimensions))
    # As networks make them, and with numbers near 0, where half precision has no figures to spare.
    drawn[:, ::3] *= np.random.default_rng(6).uniform(0, 1e-3, (count, 1))
    drawn[:, 1], drawn[:, 2] = 0.0, -0.0
    return [FaceTemplate.of("sface-2", one, 60) for one in drawn]


@pytest.mark.parametrize("dimensions", [128, 512])
def test_scores_stay_what_they_are(dimensions: int) -> None:
    plain = templates(60, dimensions)
    turned = [FaceTemplate.from_bytes(ONE.turn(one).to_bytes()) for one in plain]
    for first, first_turned in zip(plain, turned, strict=True):
        for second, second_turned in zip(plain, turned, strict=True):
            assert abs(similarity(first, second) - similarity(first_turned, second_turned)) < 1e-6


@pytest.mark.parametrize("dimensions", [128, 512])
def test_a_turned_template_is_as_far_from_its_own_as_from_anybodys(dimensions: int) -> None:
    for one in templates(200, dimensions):
        bound = 8 / np.sqrt(dimensions)
        assert abs(float(ONE.turn(one).vector @ one.vector)) < bound
        assert abs(float(ONE.turn(one).vector @ OTHER.turn(one).vector)) < bound


@pytest.mark.parametrize("dimensions", [32, 128, pytest.param(512, marks=pytest.mark.long)])
def test_turned_back_it_is_what_it_was_to_the_last_bit(dimensions: int) -> None:
    for one in templates(300, dimensions):
        stored = one
        for transform in (ONE, OTHER, Transform("third", b"t" * 32)):
            stored = FaceTemplate.from_bytes(transform.turn(stored).to_bytes())
            stored = transform.back(stored)
            assert stored.to_bytes() == one.to_bytes()


def test_the_matrix_is_orthogonal_and_of_its_secret_and_engine() -> None:
    own = ONE.matrix("sface-2", 128)
    assert np.abs(own @ own.T - np.eye(128)).max() < 1e-12
    assert own is ONE.matrix("sface-2", 128), "computed once"
    np.testing.assert_array_equal(own, Transform("another name", ONE.secret).matrix("sface-2", 128))
    for other in (OTHER.matrix("sface-2", 128), ONE.matrix("other-1", 128)):
        assert np.abs((own * other).sum(axis=1)).max() < 0.6
    assert not own.flags.writeable
    assert "matrices" not in repr(ONE)
    assert "secret" not in repr(ONE)


def test_the_matrix_is_the_same_in_every_version() -> None:
    """Stored templates rest on it: who changes these numbers makes everybody a stranger."""
    matrix = ONE.matrix("sface-2", 128)
    expected = [0.0729646479, -0.1123700062, -0.0119951161, -0.0203589282, -0.0574992851, 0.0449366745, -0.0504024271]
    np.testing.assert_allclose([*matrix[0, :3], matrix[64, 64], *matrix[127, 125:]], expected, atol=1e-9)


def test_templates_under_two_transforms_do_not_compare() -> None:
    one, other = templates(2)
    engine = FaceEngine.__new__(FaceEngine)
    engine.engine = "sface-2"
    assert engine.compare(ONE.turn(one), ONE.turn(other)) == pytest.approx(engine.compare(one, other), abs=1e-6)
    for probe, reference in ((one, ONE.turn(one)), (OTHER.turn(one), ONE.turn(one))):
        with pytest.raises(IncompatibleTemplates):
            engine.compare(probe, reference)


def test_who_turns_what_is_turned_is_told() -> None:
    (one,) = templates(1)
    turned = ONE.turn(one)
    assert ONE.turn(turned) is turned
    with pytest.raises(ValueError, match="another transform"):
        OTHER.turn(turned)
    for not_under in (one, OTHER.turn(one)):
        with pytest.raises(ValueError, match="not under this"):
            ONE.back(not_under)


def test_a_stored_form_names_its_transform() -> None:
    (one,) = templates(1)
    assert transform_of(one.to_bytes()) == ""
    assert transform_of(ONE.turn(one).to_bytes()) == "one"
    assert transform_of(b"words of a comparer's own") is None
