"""Where a decision's time goes: the stages' clock, and the figures of made-up runs."""

import json
import threading
import time
from pathlib import Path

import pytest

from api.client.simulator import Visit
from benchmarks.common.report import Result
from benchmarks.service import stages
from benchmarks.service.share import Moment, Run, read_stages, rest_of, stage_table, summarise
from benchmarks.service.staged import StagedSession, written
from benchmarks.service.stages import PLACES, Clock, Spent, place


def test_a_stage_is_without_the_stages_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    used = iter([1.0, 1.25, 1.75, 2.0, 3.5, 4.5])
    monkeypatch.setattr(time, "thread_time", lambda: next(used))
    with clock.stage("outer"), clock.stage("inner"):
        pass
    with clock.stage("next"):
        pass
    assert [(one.stage, one.cpu_s) for one in clock.spent] == [("inner", 0.5), ("outer", 0.5), ("next", 1.0)]
    assert {one.thread for one in clock.spent} == {threading.get_native_id()}


def test_a_stage_that_fails_is_timed_and_leaves_nothing_open() -> None:
    clock = Clock()
    with pytest.raises(KeyError), clock.stage("outer"):
        clock.wrapped("inner", dict[str, int]().__getitem__)("a")
    assert [one.stage for one in clock.spent] == ["inner", "outer"]
    with clock.stage("next"):
        pass
    assert clock.spent[-1].cpu_s >= 0


def test_every_place_is_there_and_is_itself_again_afterwards() -> None:
    before = [getattr(place(where), name) for _, where, name in PLACES]
    with (clock := Clock()).watching():
        assert json.loads('{"a": 1}') == {"a": 1}
        thread = threading.Thread(target=time.sleep, args=(0.0,), name="compare_7")
        thread.start()
        thread.join()
    assert [getattr(place(where), name) for _, where, name in PLACES] == before
    assert "json" in {one.stage for one in clock.spent}
    assert {"main", "compare_7"} <= set(clock.threads.values())


def test_a_networks_run_is_a_stage_and_what_is_written_is_read(tmp_path: Path) -> None:
    class Session:
        name = "yunet"

        def run(self, *_: object) -> list[int]:
            return [1]

    clock = Clock()
    session = StagedSession(Session(), "yunet", clock)
    assert session.run(None, {}) == [1]
    assert session.name == "yunet"
    clock.threads[5] = "sequencer"
    (tmp_path / "noted").write_text(written(clock))
    assert read_stages(tmp_path / "noted") == ({5: "sequencer"}, clock.spent)


def moment(at_s: float, threads: dict[int, float]) -> Moment:
    return Moment(at_s, threads, database=at_s / 100, client=at_s / 50, machine=2 * at_s)


MADE_UP = Run(
    [moment(0, {1: 0, 2: 0, 3: 0}), moment(1, {1: 0.1, 2: 0.7, 3: 0.1}), moment(2, {1: 0.2, 2: 1.4, 3: 0.2, 4: 0.1})],
    [Visit(0.1, at, "PASS") for at in (0.5, 0.9, 1.2, 1.9)] + [Visit(0.1, 1.5, None, "service_busy")],
    {1: "main", 2: "compare_0", 3: "sequencer", 4: "webhooks"},
    [
        Spent("leader", 2, 0.5, 0.5),
        Spent("leader", 2, 1.5, 0.5),
        Spent("yunet", 2, 1.6, 0.06),
        Spent("json", 1, 1.0, 0.05),
        Spent("database", 3, 1.0, 0.02),
        Spent("leader", 2, 2.5, 9.0),
    ],
)


def test_the_stages_of_a_run_add_up_to_the_process() -> None:
    table = {stage: each.tolist() for stage, each in stage_table(MADE_UP).items()}
    assert table["leader"] == [0.5, 0.5], "what ended after the run is no part of it"
    assert table["json"] == [0.0, 0.05]
    assert table["http"] == pytest.approx([0.1, 0.05])
    assert table["engines"] == pytest.approx([0.2, 0.14])
    assert table["sequencer"] == pytest.approx([0.1, 0.1]), "with its own statements"
    assert table["background"] == pytest.approx([0.0, 0.1])
    assert "database" not in table, "only the sequencer's"
    assert sum(map(sum, table.values())) == pytest.approx(0.2 + 1.4 + 0.2 + 0.1)


def test_figures_are_of_the_decisions() -> None:
    found = {result.metric: result for result in summarise("made/counter", MADE_UP)}
    share = found["model_share"]
    assert share.value == pytest.approx(1.06 / 1.9)
    assert share.n == 4
    assert share.low is not None
    assert share.high is not None
    assert share.low <= share.value <= share.high
    assert found["decision_ms"].value == pytest.approx(1900 / 4)
    assert found["leader_ms"].value == pytest.approx(1000 / 4)
    assert found["postgres_ms"] == Result("made/counter", "postgres_ms", 5.0, None, None, "ms", 4)
    assert found["terminal_ms"].value == pytest.approx(10)
    assert found["cores_of_others"].value == pytest.approx((4 - 1.9 - 0.02 - 0.04) / 2)
    silent = Run(MADE_UP.moments, [Visit(0, 1, None, "gone")], MADE_UP.names, MADE_UP.spent)
    assert summarise("made", silent) == []


def test_threads_are_told_apart_by_their_names() -> None:
    names = ("main", "request-3", "AnyIO worker thread", "compare_1", "sequencer", "")
    assert [rest_of(name) for name in names] == ["http", "requests", "requests", "engines", None, None]
    assert len({stage for stage, _, _ in stages.PLACES} & {"http", "requests", "engines"}) == 0
