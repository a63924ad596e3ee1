"""What `quality-side` reads: pairs are drawn among one half's different people, and files are as it reads them."""

from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from benchmarks.commands import app
from benchmarks.common.report import ScoreRow, write_scores
from benchmarks.face.gallery import Templates, subject_of
from benchmarks.scores.quality_inputs import draw, write_quality
from benchmarks.scores.quality_side import gather

runner = CliRunner()


def made_of(people: int, pictures: int, *, halves: bool) -> Templates:
    """Names only: nothing is compared."""
    names = [f"p{person}/{picture}.jpg" for person in range(people) for picture in range(pictures)]
    half = {name: int(subject_of(name)[1:]) % 2 for name in names} if halves else None
    return Templates(cast(Any, None), dict.fromkeys(names, cast(Any, None)), half)


@pytest.mark.parametrize("halves", [True, False])
def test_drawn_pairs_are_of_two_people_of_one_half_each_once(halves: bool) -> None:
    made = made_of(20, 3, halves=halves)
    side = made.half or dict.fromkeys(made.of, 0)
    possible = {
        (one, other)
        for one, other in combinations(sorted(made.of), 2)
        if subject_of(one) != subject_of(other) and side[one] == side[other]
    }
    drawn = draw(made, 200)
    assert len(drawn) == len(set(drawn)) == 200
    assert set(drawn) < possible
    assert draw(made, 200) == drawn, "the same at every run"
    assert set(draw(made, 10_000)) == possible


def test_quality_side_reads_what_is_written(tmp_path: Path) -> None:
    write_quality(tmp_path / "q.csv", {"b/2.jpg": 63.0, "a/1.jpg": 44.25})
    assert (tmp_path / "q.csv").read_text(encoding="utf-8") == "sample,quality\na/1.jpg,44.25\nb/2.jpg,63\n"
    rows = [ScoreRow("a/1.jpg", "b/2.jpg", False, 0.1), ScoreRow("b/2.jpg", "b/2.jpg", True, 0.9)]
    write_scores(tmp_path / "scores_set.csv", rows)
    found = gather([tmp_path / "scores_set.csv"], [tmp_path / "q.csv"])
    assert found.mated.tolist() == [False, True]
    assert found.quality.tolist() == [-1.0, 1.0]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    nothing = runner.invoke(app, ["quality-inputs", "--out", str(tmp_path)])
    assert nothing.exit_code == 2
    half = runner.invoke(app, ["quality-inputs", "--out", str(tmp_path), "--images", str(tmp_path)])
    assert half.exit_code == 2
    assert "pairs" in half.output
    empty = runner.invoke(app, ["quality-inputs", "--out", str(tmp_path), "--fingers", str(tmp_path)])
    assert empty.exit_code == 2
