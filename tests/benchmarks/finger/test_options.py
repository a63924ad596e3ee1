"""The arithmetic of the fingerprint benchmarks: what is discarded, who is searched for, what meets an enrolment."""

from __future__ import annotations

import dataclasses
import io
import math

import numpy as np
import pytest
from PIL import Image

from benchmarks.common.report import FRACTION, Result
from benchmarks.common.resampling import share_interval
from benchmarks.finger.enrolment import enrolments
from benchmarks.finger.fill import touch
from benchmarks.finger.quality import DRAWN, best_finger, curve, discarded, draw, means, ranks
from benchmarks.finger.search import search_all
from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.search import Gallery
from biometrics.finger.synthesis.impression import Touch
from tests.biometrics.finger.points import captured_again, random_finger

CAPTURES = [f"{finger}_{impression}" for finger in ("7_1", "7_2", "8_1") for impression in range(1, 5)]


class Scorer:
    """What the benchmark uses of an engine, without a network."""

    def compare(self, probe: PreparedFinger, reference: FingerTemplate) -> float:
        return matcher.score(probe, PreparedFinger.of(reference))


def qualities(**quality: int) -> dict[str, FingerTemplate]:
    return {name: dataclasses.replace(random_finger(0, 8), quality=value) for name, value in quality.items()}


def test_the_worst_are_discarded_and_equals_by_name() -> None:
    own = qualities(a_1=50, a_2=20, b_1=20, b_2=90, c_1=70)
    assert discarded(own, 0) == set()
    assert discarded(own, 20) == {"a_2"}
    assert discarded(own, 59) == {"a_2", "b_1"}
    assert discarded(own, 100) == set(own)


def test_error_falls_with_what_is_discarded_where_quality_tells() -> None:
    own = qualities(a_1=10, a_2=80, a_3=90, b_1=70, b_2=75)
    mated = {("a_1", "a_2"): 5.0, ("a_1", "a_3"): 50.0, ("a_2", "a_3"): 60.0, ("b_1", "b_2"): 40.0}
    found = {one.metric: one for one in curve("set", own, mated, 30.0)}
    assert found["fnmr_discard_0"].value == 0.25
    assert found["fnmr_discard_20"].value == 0.0
    assert found["fnmr_discard_20"].n == 2
    assert found["rank_correlation"].value == pytest.approx(np.corrcoef([0.5, 0.5, 3, 2], [0, 2, 3, 1])[0, 1])


def test_the_cut_is_that_of_the_mean_over_sets() -> None:
    rows = [
        Result(name, f"fnmr_discard_{share}", value, None, None, FRACTION, 10)
        for name, values in (("x", (0.04, 0.01)), ("y", (0.02, 0.02)))
        for share, value in zip((0, 10), values, strict=True)
    ]
    assert next(one for one in means(rows) if one.metric == "cut_10").value == pytest.approx(0.5)


def test_the_curves_are_drawn() -> None:
    falling = [0.03 * (1 - share / 40) for share in DRAWN]
    low, high = (
        np.asarray(Image.open(io.BytesIO(draw({"x": falling, "y": level}))).convert("L"), np.float64)
        for level in ([0.0] * len(DRAWN), falling)
    )
    assert min(low.shape) > 500
    assert not np.array_equal(low, high), "the picture does not depend on the curves"


def test_ranks_share_ties() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_the_best_finger_of_each_person_with_several() -> None:
    own = qualities(**{"7_1_1": 40, "7_1_2": 99, "7_2_1": 60, "7_2_2": 1, "8_1_1": 99, "8_1_2": 99})
    mated = {("7_1_1", "7_1_2"): 10.0, ("7_2_1", "7_2_2"): 30.0, ("8_1_1", "8_1_2"): 90.0}
    found = {one.metric: one.value for one in best_finger("set", own, mated)}
    assert found == {"score_best_finger": 30.0, "score_any_finger": 20.0, "score_worst_finger": 10.0}
    assert best_finger("set", {name: own[name] for name in ("8_1_1", "8_1_2")}, mated) == []


def test_intervals_hold_groups_together() -> None:
    values, groups = np.array([1.0] * 10 + [0.0] * 10), ["a"] * 10 + ["b"] * 10
    assert share_interval(values, groups) == (0.0, 1.0)
    assert share_interval(np.ones(4), ["a", "a", "b", "b"]) is None
    low, high = share_interval(values, [str(number) for number in range(20)]) or (0.0, 0.0)
    assert 0.2 < low < 0.5 < high < 0.8


def test_every_impression_begins_an_enrolment_and_the_rest_follow_in_turn() -> None:
    turns = enrolments({name: random_finger(0, 8) for name in CAPTURES})
    assert len(turns) == len(CAPTURES)
    assert turns["7_2", 2] == ["7_2_3", "7_2_4", "7_2_1", "7_2_2"]
    assert enrolments({name: random_finger(0, 8) for name in CAPTURES[:3]}) == {}, "none is left for a probe"


def test_a_search_counts_others_above_each_mate() -> None:
    finger = random_finger(1, 30)
    others = [random_finger(seed, 30) for seed in range(50, 60)]
    scrap = captured_again(finger, keep=np.arange(30) < 6)
    gallery = Gallery.of([finger, captured_again(finger, jitter=0.5, seed=3), scrap, *others])
    fingers = np.array(["a"] * 3 + [f"o{number}" for number in range(10)])
    probe = PreparedFinger.of(finger)
    likeness = gallery.likenesses(probe)
    found = search_all(Scorer(), probe, 0, likeness, fingers, gallery)  # type: ignore[arg-type]
    assert [one.finger for one in found] == ["a", "a"]
    assert found[0].above == 0
    assert found[0].first
    assert found[1].above == np.count_nonzero(likeness[3:] >= likeness[2])


def test_a_touch_keeps_what_lies_under_it_and_turns_it() -> None:
    whole = random_finger(2, 60)
    how = Touch(math.pi / 2, (0.0, 0.0), (200.0, 200.0, 90.0, 120.0), (0.0, 0.0), 0.0)
    seen = touch(whole, how, np.random.default_rng(0))
    under = (np.abs(whole.x - 200) / 90) ** 2.4 + (np.abs(whole.y - 200) / 120) ** 2.4 < 1
    assert 0.7 * under.sum() <= len(seen) <= under.sum()
    pairs = matcher.compare(PreparedFinger.of(seen), PreparedFinger.of(whole)).tree
    assert len(pairs) > 0.9 * len(seen)
    turned = seen.direction[pairs[:, 0]] - whole.direction[pairs[:, 1]]
    assert np.median(np.mod(turned, 2 * math.pi)) == pytest.approx(math.pi / 2, abs=0.05)
