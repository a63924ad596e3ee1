"""A section of RESULTS.md holds what the JSON holds."""

import json
from pathlib import Path

import pytest

from benchmarks.common import markdown
from benchmarks.common.report import FRACTION, Result, write_json


def test_section_names_command_date_machine_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.json"
    rows = [
        Result("a", "eer", 0.0123, 0.01, 0.02, FRACTION, 2800),
        Result("a", "extract_ms", 12.5, None, None, "ms", 10),
    ]
    write_json(path, "face", rows, command="python -m benchmarks face")
    markdown.run(path, None)
    text = capsys.readouterr().out
    body = json.loads(path.read_text())
    assert "`python -m benchmarks face`" in text
    assert body["when"] in text
    assert body["machine"]["cpu"] in text
    assert f"numpy {body['versions']['numpy']}" in text
    assert "| a | eer | 1.230 | 1.000 .. 2.000 | % | 2,800 |" in text
    assert "| a | extract_ms | 12.5 | - | ms | 10 |" in text
    markdown.run(path, ["eer"])
    assert "extract_ms" not in capsys.readouterr().out
