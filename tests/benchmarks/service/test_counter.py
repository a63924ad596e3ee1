"""The measurement of the counter's page: what it says of the answers that it saw."""

import pytest

from benchmarks.service.counter import Seen, summarise


def test_only_answers_that_passed_are_timed() -> None:
    seen = [Seen("PASS", 300, 250), Seen("PASS", 500, 470), Seen("REVIEW", 9000, 8000)]
    figures = {one.metric: one for one in summarise(seen, 0.25)}
    assert figures["pass_share"].value == pytest.approx(2 / 3)
    assert figures["latency_p50_ms"].value == 400
    assert figures["latency_p99_ms"].value == pytest.approx(498)
    assert figures["latency_p50_ms"].n == 2
    assert figures["page_ms"].value == 40
    assert figures["cores_of_others"].value == 0.25


def test_without_an_answer_that_passed_nothing_is_timed() -> None:
    assert [one.metric for one in summarise([Seen("no answer", 0, 0)], 0.0)] == ["pass_share"]
