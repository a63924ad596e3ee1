"""Error versus discard with a quality that knows all, one that knows nothing, and ties."""

import math

import numpy as np
import pytest

from biometrics.scoring.discard import error_versus_discard


def test_a_perfect_quality_has_the_ideal_area() -> None:
    wrong = np.arange(10_000) < 500
    found = error_versus_discard(np.where(wrong, 0.0, 1.0), np.where(wrong, 0, 1) + np.linspace(0, 0.5, 10_000), 0.5)
    assert found.fnmr[0] == pytest.approx(0.05)
    assert found.fnmr[found.discarded >= 0.0501].max() == 0
    assert found.area == pytest.approx(found.ideal, rel=0.12)


def test_a_quality_that_knows_nothing_leaves_the_rate() -> None:
    random = np.random.default_rng(1)
    found = error_versus_discard(random.random(50_000), random.random(50_000), 0.1)
    assert found.fnmr == pytest.approx(np.full(len(found.fnmr), 0.1), abs=0.006)
    assert found.area == pytest.approx(0.2 * 0.1, rel=0.05)
    assert found.ideal < found.area


def test_equal_qualities_go_together() -> None:
    found = error_versus_discard([0, 1, 0, 1, 1], [1, 1, 2, 3, 3], 0.5, most=0.6)
    assert found.discarded.tolist() == [0.0, 0.4, 0.6]
    assert found.fnmr.tolist() == pytest.approx([0.4, 1 / 3, 0.0])


def test_failures_are_errors_at_every_threshold() -> None:
    found = error_versus_discard([-math.inf, 1.0], [0.0, 1.0], -math.inf, most=0.5)
    assert found.fnmr.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(("quality", "most"), [([1.0], 0.2), ([1.0, math.nan], 0.2), ([1.0, 2.0], 0.0)])
def test_what_does_not_fit_is_refused(quality: list[float], most: float) -> None:
    with pytest.raises(ValueError, match=r"quality|discarded"):
        error_versus_discard([1.0, 2.0], quality, 0.5, most=most)
