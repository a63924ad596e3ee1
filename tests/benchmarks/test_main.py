"""The command line: every benchmark is there, and a broken one harms itself alone."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.commands import app

COMMANDS = (
    "fingerprint",
    "interchange",
    "face",
    "service",
    "counter",
    "share",
    "scaling",
    "memory",
    "propagation",
    "calibrate",
    "vectors",
    "fusion",
    "fusion-rules",
    "fusion-alike",
    "fitting-lists",
    "quality-inputs",
    "quality-side",
    "chimeric",
    "rates-speed",
    "markdown",
)
runner = CliRunner()


def recorded(monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Any]:
    """Put a module in the benchmark's place that notes what it is called with."""
    calls: dict[str, Any] = {}
    module = ModuleType(f"benchmarks.{name}")
    module.__dict__["run"] = lambda **arguments: calls.update(arguments)
    monkeypatch.setitem(sys.modules, f"benchmarks.{name}", module)
    return calls


@pytest.mark.parametrize("command", COMMANDS)
def test_every_benchmark_says_how_it_is_used(command: str) -> None:
    assert command in runner.invoke(app, ["--help"]).output
    shown = runner.invoke(app, [command, "--help"])
    assert shown.exit_code == 0


def test_face_passes_its_options_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = recorded(monkeypatch, "face.accuracy")
    pairs = tmp_path / "pairs.csv"
    pairs.touch()
    arguments = ["face", "--images", str(tmp_path), "--pairs", str(pairs), "--cross", "--json", "f.json"]
    assert runner.invoke(app, arguments).exit_code == 0
    assert calls == {
        "images": tmp_path,
        "pairs": pairs,
        "cross": True,
        "scores": None,
        "json_path": Path("f.json"),
        "cache": None,
        "pack": "sface",
        "sheet": None,
    }


def test_fingerprint_passes_its_options_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = recorded(monkeypatch, "finger.accuracy")
    assert runner.invoke(app, ["fingerprint", "--data", str(tmp_path), "--scores", "s.csv"]).exit_code == 0
    assert calls == {"data": tmp_path, "scores": Path("s.csv"), "json_path": None}


def test_service_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(monkeypatch, "service.rate")
    assert runner.invoke(app, ["service", "--seconds", "5", "--terminals", "2"]).exit_code == 0
    assert (calls["seconds"], calls["terminals"]) == (5, 2)


def test_a_benchmark_that_cannot_be_imported_says_so_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.service.rate", None)
    broken = runner.invoke(app, ["service"])
    assert broken.exit_code == 3
    assert "'service.rate' cannot be loaded" in broken.output
    calls = recorded(monkeypatch, "finger.accuracy")
    assert runner.invoke(app, ["fingerprint", "--data", str(tmp_path)]).exit_code == 0
    assert calls["data"] == tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["fingerprint", "--data", "no-such-folder"],
        ["fingerprint"],
        ["face", "--images", ".", "--pairs", "no-such-file.csv"],
        ["service", "--terminals", "0"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2
