"""Sets alike to what is published: drawn the same each time, and told apart by their distance."""

import numpy as np
import pytest

from benchmarks.scores import fusion_alike
from benchmarks.scores.fusion_alike import (
    ABSURD,
    FARTHEST,
    FOUR,
    GAINS,
    PUBLISHED,
    TWO,
    distance,
    gains,
    judge,
    people,
    published,
    spoilt,
)


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


@pytest.mark.long
def test_absurd_scores_cost_the_joint_rule_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """25 of 39,800 non-mated scores of face C and two of 200 mated ones are 1e9; each half has 9,900 and 100."""
    monkeypatch.setattr(fusion_alike, "PEOPLE", 200)
    clean = people(3009)
    broken = spoilt(clean, 25, 2)
    assert (broken.scores[0] == ABSURD).sum() == 27
    assert (np.diagonal(broken.scores[0]) == ABSURD).sum() == 2
    assert np.array_equal(broken.scores[1:], clean.scores[1:])
    before, after = judge(clean, 2), judge(broken, 2)
    for name in (TWO, FOUR):
        assert after[f"{name}/joint"] >= before[f"{name}/joint"] - 0.01 - 0.005
    assert after[f"{TWO}/linear"] < before[f"{TWO}/linear"] - 0.05, "what is plain is broken by them"


def test_gains_are_points_above_the_quadratic_regression_set_by_set() -> None:
    found = {"face_c": [0.7, 0.8], f"{TWO}/quadratic": [0.97, 0.98], f"{TWO}/joint": [0.98, 0.975]}
    (gain,) = gains(found)
    assert (gain.set, gain.metric, gain.unit, gain.n) == (f"{TWO}/joint", "gain", "points", 2)
    assert [gain.value, gain.low, gain.high] == pytest.approx([0.25, -0.5, 1.0])
