"""Intervals over subjects: right width, right weights, and the short way for many scores is the long way."""

import math

import numpy as np
import pytest

from biometrics.scoring import Curve
from biometrics.scoring import bootstrap as module
from biometrics.scoring.bootstrap import Comparisons, intervals
from tests.biometrics.scoring.samples import gaussian_comparisons

FNMR = {"fnmr": lambda curve: float(curve.fnmr(1.5)), "eer": Curve.eer}


def test_rows_become_comparisons_with_numbered_subjects() -> None:
    rows = [("ann", "ann", True, 9.0), ("ann", "bob", False, 1.0), ("bob", "bob", True, -math.inf)]
    found = Comparisons.of(rows)
    assert found.mated.tolist() == [9.0, -math.inf]
    assert found.mated_subject.tolist() == [0, 1]
    assert found.non_mated_subjects.tolist() == [[0, 1]]
    assert found.subjects == 2


def test_comparisons_need_their_subjects() -> None:
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="subjects"):
        Comparisons(one, one, np.zeros(2, np.int32), np.zeros((1, 2), np.int32))
    with pytest.raises(ValueError, match="no mated"):
        Comparisons(one[:0], one, np.zeros(0, np.int32), np.zeros((1, 2), np.int32))


def test_interval_of_independent_subjects_is_the_binomial_one() -> None:
    # 1,000 subjects with one mated comparison each: the FNMR's standard error is sqrt(p (1 - p) / n).
    random = np.random.default_rng(2)
    mated = np.where(random.random(1000) < 0.1, -1.0, 1.0).astype(np.float32)
    pairs = np.array([[0, 1], [2, 3]], np.int32)
    sample = Comparisons(mated, np.zeros(2, np.float32), np.arange(1000, dtype=np.int32), pairs)
    share = float(np.mean(mated < 0))
    found = intervals(sample, {"fnmr": lambda curve: float(curve.fnmr(0.5))}, replicates=1000)["fnmr"]
    assert found is not None
    half = 1.96 * math.sqrt(share * (1 - share) / 1000)
    assert found[0] == pytest.approx(share - half, abs=0.004)
    assert found[1] == pytest.approx(share + half, abs=0.004)


def test_interval_is_wider_when_the_comparisons_of_a_subject_fail_together() -> None:
    # The same 10 % of failures, but they are all those of one subject in ten.
    together = np.repeat(np.where(np.arange(20) < 2, -1.0, 1.0), 50).astype(np.float32)
    subject = np.repeat(np.arange(20), 50).astype(np.int32)
    pairs = np.array([[0, 1], [2, 3]], np.int32)
    sample = Comparisons(together, np.zeros(2, np.float32), subject, pairs)
    found = intervals(sample, {"fnmr": lambda curve: float(curve.fnmr(0.5))}, replicates=500)["fnmr"]
    assert found is not None
    assert found[1] - found[0] > 0.2


def test_interval_holds_the_estimate_and_is_the_same_for_the_same_seed() -> None:
    sample = gaussian_comparisons(600, 5000)
    once, again = (intervals(sample, FNMR, replicates=200, seed=7) for _ in range(2))
    assert once == again
    for name, statistic in FNMR.items():
        bounds = once[name]
        assert bounds is not None
        assert bounds[0] < statistic(sample.curve()) < bounds[1]


def test_a_rate_without_errors_has_no_interval() -> None:
    sample = gaussian_comparisons(100, 300, separation=40)
    assert intervals(sample, FNMR, replicates=50) == {"fnmr": None, "eer": None}


def test_many_scores_take_the_short_way_to_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two fingers of one person are there too: such a pair weighs its person once.
    sample = gaussian_comparisons(400, 40_000, subjects=30)
    sample.non_mated_subjects[:500, 1] = sample.non_mated_subjects[:500, 0]
    statistics = {"eer": Curve.eer, "fmr1000": lambda curve: curve.fnmr_at_fmr(1e-3)}
    long_way = intervals(sample, statistics, replicates=50)
    monkeypatch.setattr(module, "WHOLE", 1000)
    short_way = intervals(sample, statistics, replicates=50)
    for name, bounds in long_way.items():
        assert bounds is not None
        assert short_way[name] == pytest.approx(bounds, rel=1e-6)


def test_weights_count_drawn_subjects() -> None:
    weight = np.array([2, 0, 3])
    pairs = np.array([[0, 1], [0, 2], [2, 2]], np.int32)
    assert module._pair_weight(weight, pairs).tolist() == [0, 6, 3]
