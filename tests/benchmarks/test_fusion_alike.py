"""Sets alike to what is published: drawn the same each time, and told apart by their distance."""

import numpy as np
import pytest

from benchmarks import fusion_alike
from benchmarks.fusion_alike import FARTHEST, FOUR, GAINS, PUBLISHED, TWO, distance, people, published


def test_what_is_published_is_at_no_distance_but_for_the_gains() -> None:
    exact = {name: value for name, (value, _) in PUBLISHED.items()}
    assert distance(exact) == pytest.approx(0, abs=1e-9)
    assert distance(exact | {"face_c": 75.0}) == pytest.approx(1)
    assert distance(exact | {"face_c": 0.0}) == pytest.approx(FARTHEST), "one figure alone does not decide"
    assert set(GAINS) == {TWO, FOUR}


def test_a_set_is_the_same_each_time_and_has_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion_alike, "PEOPLE", 200)
    drawn = people(3009)
    assert np.array_equal(drawn.scores, people(3009).scores)
    assert not np.array_equal(drawn.scores, people(3010).scores)
    figures = published(drawn, 1)
    assert set(PUBLISHED) <= set(figures)
    assert all(0 < value <= 100 for value in figures.values())
    assert figures["eer/finger_ri"] < 20
