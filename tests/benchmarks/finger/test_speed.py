"""Timing beside another interpreter, which here runs a stand-in that takes a known time."""

import json
import os
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks.finger import speed as fingerprint_speed
from biometrics.finger.synthesis import generate

STAND_IN = """
import sys, time
import numpy as np
print("ready", flush=True)
for line in sys.stdin:
    grey = np.load(line.strip())
    assert grey.dtype == np.uint8 and grey.shape == (374, 388)
    print(1e5, flush=True)
"""


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "prints"
    folder.mkdir()
    for finger in (1, 2):
        for impression in (1, 2):
            Image.fromarray(generate(finger, impression)).save(folder / f"{finger}_{impression}.png")
    return folder


def test_both_are_timed_on_the_same_pictures(
    captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fingerprint_speed, "PEER", STAND_IN)
    before = os.sched_getaffinity(0)
    results = fingerprint_speed.run(captures, Path(sys.executable), 3, tmp_path / "speed.json")
    found = {result.metric: result for result in results}
    assert os.sched_getaffinity(0) == before
    assert {result.n for result in results} == {3}
    assert found["afis_ms"].value == pytest.approx(1e5)
    assert 0 < found["extract_ms"].value < 1e4
    assert found["times_faster"].value == pytest.approx(1e5 / found["extract_ms"].value)
    low, high = found["times_faster"].low, found["times_faster"].high
    assert low is not None
    assert high is not None
    assert low <= found["times_faster"].value <= high
    assert json.loads((tmp_path / "speed.json").read_text())["results"]
    assert "times_faster" in capsys.readouterr().out


def test_an_interpreter_without_afis_is_a_clear_error(captures: Path) -> None:
    app = typer.Typer()
    app.command()(fingerprint_speed.main)
    result = CliRunner().invoke(app, ["--data", str(captures), "--afis", sys.executable])
    assert result.exit_code == 2
    assert "afis ended with exit code 1" in result.output
