"""What accuracy benchmarks report."""

from pathlib import Path

import pytest

from benchmarks.common.report import FRACTION, Result, ScoreRow, value_text
from benchmarks.common.subjects import finger_of, person_of
from benchmarks.scores import rates_speed
from benchmarks.scores.rates import comparisons_of, mean_results, rate_results, supported_metrics
from tests.biometrics.scoring.samples import gaussian_comparisons


@pytest.mark.parametrize(
    ("sample", "finger", "person"),
    [
        ("101_3", "101", "101"),
        ("012_10_1", "012_10", "012"),
        ("Abel_Pacheco/Abel_Pacheco_0001.jpg", "Abel_Pacheco", "Abel_Pacheco"),
        ("x/Abel_Pacheco/1.jpg", "x/Abel_Pacheco", "x/Abel_Pacheco"),
    ],
)
def test_names_tell_whose_a_sample_is(sample: str, finger: str, person: str) -> None:
    assert finger_of(sample) == finger
    assert person_of(sample) == person


def test_rows_become_comparisons_by_subject() -> None:
    rows = [ScoreRow("012_1_1", "012_1_2", True, 50.0), ScoreRow("012_1_1", "012_2_1", False, 3.0)]
    by_finger = comparisons_of(rows, finger_of)
    by_person = comparisons_of(rows, person_of)
    assert by_finger.non_mated_subjects.tolist() == [[0, 1]]
    assert by_person.non_mated_subjects.tolist() == [[0, 0]]


def test_rates_that_no_comparison_stands_for_are_left_out() -> None:
    assert supported_metrics(2880) == ["eer", "fmr100", "fmr1000", "zerofmr", "tar_at_fmr_1e-3"]
    assert supported_metrics(100_000)[-1] == "tar_at_fmr_1e-5"
    assert supported_metrics(50) == ["eer", "zerofmr"]


def test_results_carry_interval_unit_and_number() -> None:
    sample = gaussian_comparisons(500, 2000)
    results = rate_results("set", sample, replicates=100)
    assert [result.metric for result in results] == supported_metrics(2000)
    for result in results:
        assert (result.set, result.unit, result.n) == ("set", FRACTION, 500)
        assert result.low is not None
        assert result.high is not None
        assert result.low <= result.value <= result.high
    by_name = {result.metric: result.value for result in results}
    assert by_name["tar_at_fmr_1e-3"] == pytest.approx(1 - by_name["fmr1000"])
    assert by_name["eer"] == sample.curve().eer()


def test_means_are_of_sets_and_their_intervals_shrink() -> None:
    rows = [
        Result("a", "eer", 0.02, 0.01, 0.05, FRACTION, 280),
        Result("b", "eer", 0.04, 0.01, 0.08, FRACTION, 280),
        Result("a", "fmr100", 0.1, None, None, FRACTION, 280),
        Result("b", "fmr100", 0.2, 0.1, 0.3, FRACTION, 280),
    ]
    eer, fmr100 = mean_results(rows, ["eer", "fmr100", "zerofmr"])
    assert (eer.set, eer.n) == ("mean", 560)
    assert eer.value == pytest.approx(0.03)
    assert eer.low == pytest.approx(0.03 - (0.01**2 + 0.03**2) ** 0.5 / 2)
    assert eer.high == pytest.approx(0.03 + (0.03**2 + 0.04**2) ** 0.5 / 2)
    assert fmr100.value == pytest.approx(0.15)
    assert (fmr100.low, fmr100.high) == (None, None)


def test_the_speed_benchmark_measures_time_and_memory(tmp_path: Path) -> None:
    results = rates_speed.run(20_000, tmp_path / "speed.json")
    measured = {result.metric: result.value for result in results}
    assert set(measured) == {"curve_s", "all_s", "all_wall_s", "scores_mib", "peak_mib"}
    assert 0 < measured["curve_s"] <= measured["all_s"]
    assert measured["scores_mib"] <= measured["peak_mib"]
    assert all(result.n == 20_000 for result in results)


def test_a_rate_without_errors_is_printed_with_its_bound() -> None:
    assert value_text(Result("a", "eer", 0.0, 0.0, 0.03, FRACTION, 100)) == "< 3.000"
    assert value_text(Result("a", "eer", 0.0, None, None, FRACTION, 100)) == "0.000"
    assert value_text(Result("a", "eer", 0.02, 0.0, 0.03, FRACTION, 100)) == "2.000"
    assert value_text(Result("a", "eer_loss", 0.0, -0.01, 0.03, FRACTION, 100)) == "0.000"
