"""What the benchmark `faults` says of a run, and how it ends; the run itself is tested in `tests/faults/replicas`."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

from benchmarks.service import faults
from benchmarks.service.faults import summarise
from tests.faults.replicas.campaign import Run, StateOfAnotherRun, Totals
from tests.faults.replicas.checker import AFTER_REPORT, Violation
from tests.faults.replicas.clients import Keys


def totals() -> Totals:
    return Totals(
        operations=1000,
        chunks=2,
        seconds=5.0,
        calls=Counter(verification=800, reported_lost=200),
        answers=Counter(PASS=500, REFUSE=290, card_reported_lost=200, none=10),
        faults=Counter(kill_replica=4, kill_everything=1, pause_replica=3),
        violations=0,
    )


@dataclass
class Done:
    """A campaign that has its operations already."""

    run: Run = field(default_factory=lambda: Run(1, "", Keys([], []), totals=totals()))

    def go_on(self, operations: int, tell: Callable[[int], None]) -> None:
        tell(operations)


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> Done:
    made = Done()

    @contextmanager
    def opened(folder: Path, seed: int, pause_s: float) -> Iterator[Done]:
        assert pause_s == 1.0
        if seed != 1:
            raise StateOfAnotherRun(f"{folder} holds a run with the seed 1")
        yield made

    monkeypatch.setattr(faults, "open_campaign", opened)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return made


def test_the_figures() -> None:
    values = {result.metric: result.value for result in summarise("seed 1", totals())}
    assert values == {
        "operations": 1000,
        "answered": 990,
        "passed": 500,
        "refused": 290,
        "violations": 0,
        "operations_per_s": 200,
        "kills": 5,
        "kill_everything": 1,
        "kill_replica": 4,
        "pause_replica": 3,
    }


def test_a_kept_promise_is_written_down(campaign: Done, tmp_path: Path) -> None:
    faults.run(1000, 1, 1.0, tmp_path / "state", tmp_path / "faults.json")
    written = json.loads((tmp_path / "faults.json").read_text())
    assert written["benchmark"] == "faults"
    assert {row["metric"] for row in written["results"]} >= {"operations", "kills", "violations"}


def test_a_violation_is_shown_and_fails_the_run(
    campaign: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign.run.totals.violations = 1
    campaign.run.violations.append(Violation(AFTER_REPORT, "the act", "PASS, and lost before"))
    with pytest.raises(typer.Exit) as ended:
        faults.run(1000, 1, 1.0, tmp_path, tmp_path / "faults.json")
    assert ended.value.exit_code == 1
    assert "the act: PASS, and lost before" in capsys.readouterr().err
    assert (tmp_path / "faults.json").exists()


def test_the_state_of_another_run_is_not_touched(campaign: Done, tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ended:
        faults.run(1000, 2, 1.0, tmp_path)
    assert ended.value.exit_code == 2
