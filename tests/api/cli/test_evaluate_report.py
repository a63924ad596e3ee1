"""`renzheng evaluate --report`: what the page holds, and what it cannot be made of."""

import json
from xml.etree import ElementTree

import pytest
from PIL import Image

from api.evaluation import dossier
from biometrics.scoring import held_out
from biometrics.scoring.fit import fit
from tests.api.cli.conftest import CommandLine
from tests.api.cli.score_rows import HEADER, drawn_rows, figures, rows_with_eer_of_5_percent
from tests.biometrics.scoring.samples import gaussian_set


@pytest.fixture
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dossier, "REPLICATES", 10)


@pytest.mark.usefixtures("few_replicates")
def test_the_report_holds_all_that_was_asked_for_and_needs_nothing_else(renzheng: CommandLine) -> None:
    scores = renzheng.file("ours.csv", HEADER + "\n".join(drawn_rows(0.0)))
    peer = renzheng.file("theirs.csv", HEADER + "\n".join(drawn_rows(-1.0, seed=2)))
    people = "\n".join(f"f{number},{'left' if number % 2 else 'right'}" for number in range(30))
    groups = renzheng.file("groups.csv", f"subject,hand\n{people}\n")
    qualities = "\n".join(f"f{number}_{one},{number + one}" for number in range(30) for one in range(3))
    quality = renzheng.file("quality.csv", f"sample,quality\n{qualities}\n")
    calibrated = renzheng.file("gauss-1.json", fit("gauss-1", [gaussian_set(2000, 60_000)]).to_json())
    folder = renzheng.folder / "out"
    more = ["--groups", groups, "--quality", quality, "--calibration", calibrated, "--modality", "finger"]
    result = renzheng(
        "evaluate", "--scores", scores, "--peer", f"Their <engine>={peer}", *more, "--report", str(folder)
    )
    assert result.exit_code == 0, result.output
    page = (folder / "report.html").read_text(encoding="utf-8")
    plots = {"det", "scores", "rates", "calibration", "discard", "groups_hand"}
    assert {path.name for path in folder.iterdir()} == {"report.html"} | {
        f"{name}.{kind}" for name in plots for kind in ("svg", "png")
    }
    assert page.count("<svg") == len(plots)
    assert "Their &lt;engine&gt;" in page, "names are escaped in the page and in its drawings"
    assert "Their <engine>" not in page
    for outside in ('src="', "<script", "@import", 'href="http'):
        assert outside not in page
    for word in ("extrapolated", "counted", "rule of 3", "left", "right", "Cllr", "turned away"):
        assert word in page
    for name in plots:
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.width >= 1200
        ElementTree.fromstring((folder / f"{name}.svg").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("few_replicates")
def test_a_calibration_is_of_the_engine_of_the_scores_or_refused(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(drawn_rows(0.0)))
    file = renzheng.file("lobby.json", fit("gauss-1", [gaussian_set(2000, 60_000)]).to_json())
    asked = ["evaluate", "--scores", scores, "--calibration", file, "--report", str(renzheng.folder / "out")]
    result = renzheng(*asked)
    assert result.exit_code == 0, "whatever the file is called"
    assert "do not say which engine they are of; they are taken for gauss-1's" in result.stderr
    renzheng.file("s.csv.json", json.dumps({"engine": "gauss-2"}))
    result = renzheng(*asked)
    assert result.exit_code == 3
    assert "校准文件不可用。\ncalibration_engine_mismatch" in result.stderr, "of no image it is said"
    assert "of the engine 'gauss-1', not of 'gauss-2'" in result.stderr


@pytest.mark.usefixtures("few_replicates")
def test_a_calibration_judged_by_its_own_people_is_told_to_flatter(
    renzheng: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "REPLICATES", 10)
    scores = renzheng.file("s.csv", HEADER + "\n".join(drawn_rows(0.0)))
    renzheng.file("s.csv.json", json.dumps({"engine": "gauss-1"}))
    file = str(renzheng.folder / "own.json")
    assert renzheng("calibrate", "--engine", "gauss-1", "--scores", scores, "--out", file).exit_code == 0
    out = renzheng.folder / "out"
    result = renzheng("evaluate", "--scores", scores, "--calibration", file, "--report", str(out))
    assert result.exit_code == 0, result.output
    said = "was fitted to people of these names: 30 of 30"
    assert said in result.stderr
    assert said in (out / "report.html").read_text(encoding="utf-8")
    others = renzheng.file("o.csv", HEADER + "\n".join(row.replace("f", "g") for row in drawn_rows(0.0, seed=3)))
    result = renzheng("evaluate", "--scores", others, "--calibration", file, "--report", str(out))
    assert "was fitted to people" not in result.stderr


@pytest.mark.usefixtures("few_replicates")
def test_a_rate_has_one_interval_on_the_page_and_in_the_table(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(drawn_rows(-0.5)))
    peer = renzheng.file("p.csv", HEADER + "\n".join(drawn_rows(-1.0, seed=2)))
    target, out = renzheng.folder / "rates.json", renzheng.folder / "out"
    asked = ["--peer", f"peer={peer}", "--json", str(target), "--report", str(out), "--seed", "4"]
    result = renzheng("evaluate", "--scores", scores, *asked)
    assert result.exit_code == 0, result.output
    page = (out / "report.html").read_text(encoding="utf-8")
    for metric in ("eer", "fmr100"):
        found = figures(target)[metric]
        low, high = found["low"], found["high"]
        assert isinstance(low, float)
        assert isinstance(high, float)
        interval = f"{100 * low:.3f} – {100 * high:.3f}"
        assert interval in next(line for line in result.stdout.splitlines() if metric in line)
        assert page.count(interval) == 2, "in the table of rates and beside the peer's"


@pytest.mark.usefixtures("few_replicates")
def test_every_step_of_quality_is_in_its_table(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(drawn_rows(0.0)))
    qualities = "\n".join(f"f{number}_{one},{number}" for number in range(30) for one in range(3))
    quality = renzheng.file("q.csv", f"sample,quality\n{qualities}\n")
    out = renzheng.folder / "out"
    result = renzheng("evaluate", "--scores", scores, "--quality", quality, "--report", str(out))
    assert result.exit_code == 0, result.output
    page = (out / "report.html").read_text(encoding="utf-8")
    table = page[page.index("turned away %") :].partition("</table>")[0]
    # 30 fingers of 3 pairs each, in order of quality: 20 % are six of them.
    shares = [cell.partition("<")[0] for cell in table.split('<tr><td class="n">')[1:]]
    assert shares == ["0.0", "3.3", "6.7", "10.0", "13.3", "16.7", "20.0"]


@pytest.mark.usefixtures("few_replicates")
def test_the_same_seed_gives_the_same_report(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(drawn_rows(0.0)))
    folders = [renzheng.folder / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, ("0", "0", "1"), strict=True):
        assert renzheng("evaluate", "--scores", scores, "--report", str(folder), "--seed", seed).exit_code == 0
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name
    assert (folders[0] / "det.svg").read_bytes() != (folders[2] / "det.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--peer", "theirs"], "NAME=FILE"),
        (["--peer", "theirs=nowhere.csv"], "nowhere.csv"),
        (["--calibration", "nowhere.json"], "nowhere.json"),
        (["--calibration", "nobody-1"], "nobody-1"),
        (["--groups", "SCORES"], "subject"),
        (["--quality", "SCORES"], "quality"),
    ],
)
def test_what_a_report_cannot_be_made_of_is_said(renzheng: CommandLine, arguments: list[str], complaint: str) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(rows_with_eer_of_5_percent()))
    given = [scores if word == "SCORES" else word for word in arguments]
    result = renzheng("evaluate", "--scores", scores, "--report", str(renzheng.folder / "out"), *given)
    assert result.exit_code == 3
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_where_everything_failed_there_is_no_page(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "a_1,a_2,1,fta\na_1,b_1,0,0.5\n")
    result = renzheng("evaluate", "--scores", scores, "--report", str(renzheng.folder / "out"))
    assert result.exit_code == 3
    assert "no scores to draw" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("few_replicates")
def test_whole_transactions_are_shown_where_the_scores_tell_them(renzheng: CommandLine) -> None:
    rows = ["reference,probe,mated,score,transaction,attempt"]
    for person in range(60):
        rows += [f"{person}_1,{person}_2,1,{score},m{person},{one}" for one, score in ((1, person % 4), (2, 9))]
        for other in range(1, 60):
            rows.append(f"{person}_1,{(person + other) % 60}_1,0,{other % 5 / 10},x{person}-{other},1")
    target, out = renzheng.folder / "rates.json", renzheng.folder / "out"
    result = renzheng(
        "evaluate",
        "--scores",
        renzheng.file("s.csv", "\n".join(rows) + "\n"),
        "--json",
        str(target),
        "--report",
        str(out),
    )
    assert result.exit_code == 0, result.output
    assert "Whole transactions" in result.stdout
    found = figures(target)
    assert found["frr_1_at_fmr_1e-2"]["value"] == pytest.approx(0.25)
    assert (found["frr_2_at_fmr_1e-2"]["value"], found["frr_2_at_fmr_1e-2"]["high"]) == (0.0, 3 / 60)
    assert "Whole transactions" in (out / "report.html").read_text(encoding="utf-8")
    torn = renzheng.file("t.csv", "\n".join([*rows, "7_1,8_2,1,3,m1,3"]) + "\n")
    result = renzheng("evaluate", "--scores", torn)
    assert result.exit_code == 3
    assert "one reference, one probe" in result.stderr
