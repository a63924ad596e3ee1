"""The figures of the overload benchmark, from arrivals that are made up."""

import pytest

from benchmarks.service.load import Answered
from benchmarks.service.overload import REFUSED, Phase, recovery_s, summarise


def phase(name: str, began: float, outcomes: list[float | None], seconds: float = 10.0) -> Phase:
    """Arrivals at even times, each decided after so many seconds, or refused after a tenth."""
    rate = len(outcomes) / seconds
    arrivals = [
        Answered(at, at + 0.1, None, REFUSED) if took is None else Answered(at, at + took, "PASS")
        for at, took in ((began + number / rate, took) for number, took in enumerate(outcomes))
    ]
    return Phase(name, rate, began, seconds, arrivals)


CALM = phase("calm", 0.0, [0.2] * 20)
OVER = phase("over", 10.0, [1.5, None, None, None] * 20)


def figures(after: Phase) -> dict[tuple[str, str], float | None]:
    return {(one.set, one.metric): one.value for one in summarise("x", 4.0, [CALM, OVER, after])}


def test_the_figures_of_the_phases() -> None:
    told = figures(phase("after", 20.0, [0.2] * 20))
    assert told["x", "capacity_per_s"] == 4.0
    assert told["x/over", "arrivals_per_s"] == 8.0
    assert told["x/over", "goodput_per_s"] == 2.0
    assert told["x/over", "refused_share"] == 0.75
    assert told["x/over", "other"] == 0
    assert told["x/over", "accepted_p50_ms"] == pytest.approx(1500)
    assert told["x/over", "refused_p99_ms"] == pytest.approx(100)
    assert told["x/calm", "accepted_p99_ms"] == pytest.approx(200)
    assert ("x/calm", "refused_p99_ms") not in told
    assert told["x", "goodput_over_capacity"] == 0.5
    assert told["x", "recovery_s"] == 0.0


def test_recovery_is_when_nobody_is_refused_and_answers_are_quick_again() -> None:
    after = phase("after", 20.0, [1.5, None, 1.2, None, 1.0, 0.9, 0.8, *[0.2] * 13])
    assert recovery_s(CALM, after) == pytest.approx(2.5), "the window from the sixth on has its median below 0.4 s"
    assert recovery_s(CALM, phase("after", 20.0, [1.5] * 20)) is None
    assert recovery_s(CALM, phase("after", 20.0, [None] * 20)) is None


def test_what_is_neither_is_told() -> None:
    wrong = [Answered(0.0, 0.1, "REFUSE"), Answered(0.0, 0.1, None, "internal"), Answered(0.0, 0.1, "PASS")]
    assert [one.decision or one.error for one in Phase("x", 1, 0, 1, wrong).others] == ["REFUSE", "internal"]
