"""Every index of the comparison finds what is easily found, and the exact one loses nothing."""

import json
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.commands import app


def test_each_index_of_a_small_gallery(tmp_path: Path) -> None:
    out = tmp_path / "i.json"
    done = CliRunner().invoke(app, ["gallery-indexes", "--size", "2000", "--probes", "20", "--json", str(out)])
    assert done.exit_code == 0, done.output
    figures = {(one["set"], one["metric"]): one["value"] for one in json.loads(out.read_text())["results"]}
    names = {name for name, _ in figures}
    assert len(names) == 9
    assert figures["exact, 32 bits", "recall_mated"] == figures["exact, 32 bits", "recall_cosine 0.40"] == 1
    assert figures["exact, 32 bits", "bytes_per_entry"] > 512
    assert figures["this gallery's codes", "bytes_per_entry"] == 32
    for name in names:
        assert figures[name, "recall_mated"] >= 0.8
        assert 0 < figures[name, "cpu_p50_ms"] <= figures[name, "cpu_p99_ms"]
