"""The one form of every benchmark: JSON, table and score files."""

import io
import json
import math
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks.common import machine, report
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, read_scores, write_json, write_scores

RESULTS = [
    Result("set_a", "eer", 0.0123, 0.01, 0.02, FRACTION, 280),
    Result("mean", "compare_ms", 1.5, None, None, "ms", 10),
]


def test_json_has_the_agreed_form(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "figures.json"
    write_json(path, "fingerprint", RESULTS)
    body = json.loads(path.read_text(encoding="utf-8"))
    assert list(body) == ["benchmark", "command", "when", "machine", "versions", "results"]
    assert body["benchmark"] == "fingerprint"
    assert body["command"].startswith("python -m benchmarks")
    assert datetime.fromisoformat(body["when"]).utcoffset() is not None
    assert {"cpu", "cores", "memory_gib"} <= set(body["machine"])
    assert body["machine"]["cores"] >= 1
    assert body["machine"]["memory_gib"] > 0
    assert {"python", "numpy", "onnxruntime", "numba", "renzheng"} <= set(body["versions"])
    assert body["results"][0] == {
        "set": "set_a",
        "metric": "eer",
        "value": 0.0123,
        "low": 0.01,
        "high": 0.02,
        "unit": "fraction",
        "n": 280,
    }
    assert body["results"][1]["low"] is None


def test_the_commit_is_named_where_there_is_one() -> None:
    commit = machine.describe_versions().get("commit")
    if shutil.which("git") and (machine.ROOT / ".git").exists():
        assert commit is not None
        assert re.fullmatch(r"[0-9a-f]{7,}(-dirty)?", commit)
    else:
        assert commit is None


def test_the_command_can_be_run_by_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = str(machine.ROOT / "out" / "a b.csv")
    beside = str(machine.ROOT.parent / "shared" / "data")
    found = report.command_line(["face", "--scores", inside, "--images", beside])
    assert found == "python -m benchmarks face --scores 'out/a b.csv' --images ../shared/data"
    monkeypatch.setattr("sys.argv", ["x", "service", "--seconds", "5"])
    assert report.command_line() == "python -m benchmarks service --seconds 5"


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_what_is_no_figure_was_not_measured(figure: float) -> None:
    with pytest.raises(ValueError, match="no figure"):
        Result("a", "eer", figure, None, None, FRACTION, 1)
    with pytest.raises(ValueError, match="no figure"):
        Result("a", "eer", 0.5, figure, None, FRACTION, 1)


def test_the_table_shows_rates_in_per_cent() -> None:
    out = io.StringIO()
    print_table(RESULTS, title="Title", console=Console(file=out, width=120))
    text = out.getvalue()
    assert "Title" in text
    row = next(line for line in text.splitlines() if "set_a" in line)
    assert [word for word in row.split() if word[0] in "0123456789%"] == ["1.230", "1.000", "2.000", "%", "280"]
    other = next(line for line in text.splitlines() if "compare_ms" in line)
    assert "1.5" in other
    assert " ms " in other
    assert other.count(" - ") == 2


@given(
    st.lists(
        st.builds(
            ScoreRow,
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            st.booleans(),
            st.one_of(st.just(-math.inf), st.floats(-1e6, 1e6, width=32)),
        ),
        max_size=5,
    )
)
def test_scores_there_and_back(tmp_path_factory: pytest.TempPathFactory, rows: list[ScoreRow]) -> None:
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    assert write_scores(path, rows) == len(rows)
    found = read_scores(path)
    assert [(row.reference, row.probe, row.mated) for row in found] == [
        (row.reference, row.probe, row.mated) for row in rows
    ]
    assert [row.score for row in found] == pytest.approx([row.score for row in rows], rel=1e-7, abs=1e-12)


def test_score_files_are_plain_csv(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    write_scores(path, [("a_1", "a_2", True, 12.5), ("a_1", "b_1", False, -math.inf)])
    assert path.read_text() == "reference,probe,mated,score\na_1,a_2,1,12.5\na_1,b_1,0,-inf\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        ("a,b\n1,2\n", "columns"),
        ("reference,probe,mated,score\na,b,yes,1\n", "line 2"),
        ("reference,probe,mated,score\na,b,1,1\na,b,0,high\n", "line 3"),
        ("reference,probe,mated,score\na,b,1,nan\n", "no number"),
        ("reference,probe,mated,score\na,b\n", "line 2"),
    ],
)
def test_a_bad_score_file_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_scores(path)
