"""`renzheng evaluate`: rates that can be worked out by hand, and what it says of files that are none."""

import gzip
import json
from pathlib import Path

import pytest

from api.evaluation import engines
from api.evaluation.engines import Engine
from biometrics.errors import NotAssessable
from tests.api.cli.conftest import CommandLine
from tests.api.cli.score_rows import HEADER, drawn_rows, figures, rows_with_eer_of_5_percent


def test_the_rates_of_scores(renzheng: CommandLine) -> None:
    scores = renzheng.file("site-7.csv", HEADER + "\n".join(rows_with_eer_of_5_percent()))
    target = renzheng.folder / "new" / "rates.json"
    result = renzheng("evaluate", "--scores", scores, "--json", str(target))
    assert result.exit_code == 0, result.output
    assert "site-7: 20 mated and 20 non-mated comparisons of 21 subjects" in result.stdout
    found = figures(target)
    assert list(found) == ["eer", "zerofmr"], "20 non-mated comparisons say nothing about an FMR of 1 %"
    assert found["eer"]["value"] == pytest.approx(0.05)
    assert found["zerofmr"]["value"] == pytest.approx(0.05)
    low, high = found["eer"]["low"], found["eer"]["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert low < 0.05 < high
    assert found["eer"] | {"low": 0, "high": 0, "value": 0} == {
        "set": "site-7", "metric": "eer", "value": 0, "low": 0, "high": 0, "unit": "fraction", "n": 20,
    }  # fmt: skip
    content = json.loads(target.read_text())
    assert content.keys() == {"benchmark", "command", "when", "machine", "versions", "results"}
    row = next(line for line in result.stdout.splitlines() if "eer" in line)
    assert "5.000" in row


def test_the_threshold_stands_beside_its_rate(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "\n".join(rows_with_eer_of_5_percent()))
    row = next(line for line in renzheng("evaluate", "--scores", scores).stdout.splitlines() if "zerofmr" in line)
    assert "5" in row.split()


def test_distances_give_the_same_rates(renzheng: CommandLine) -> None:
    turned = [f"{row.rpartition(',')[0]},{-float(row.rpartition(',')[2])}" for row in rows_with_eer_of_5_percent()]
    files = [
        renzheng.file("a.csv", HEADER + "\n".join(rows_with_eer_of_5_percent())),
        renzheng.file("b.csv", HEADER + "\n".join(turned)),
    ]
    targets = [renzheng.folder / "a.json", renzheng.folder / "b.json"]
    assert renzheng("evaluate", "--scores", files[0], "--json", str(targets[0])).exit_code == 0
    assert renzheng("evaluate", "--scores", files[1], "--distances", "--json", str(targets[1])).exit_code == 0
    one, other = (figures(target) for target in targets)
    for metric, figure in one.items():
        assert figure | {"set": ""} == other[metric] | {"set": ""}


def test_failures_are_counted_apart_and_as_rejections(renzheng: CommandLine) -> None:
    rows = [*rows_with_eer_of_5_percent(), "20_1,20_2,1,fta", "21_1,21_2,1,fte", "22_1,22_2,1,-inf"]
    target = renzheng.folder / "rates.json"
    result = renzheng("evaluate", "--scores", renzheng.file("s.csv", HEADER + "\n".join(rows)), "--json", str(target))
    assert result.exit_code == 0, result.output
    assert "3 comparisons failed" in result.stderr
    found = figures(target)
    assert found["zerofmr"]["value"] == pytest.approx(4 / 23)
    samples = 23 * 2
    assert found["fta"]["n"] == found["fte"]["n"] == samples
    assert found["fta"]["value"] == found["fte"]["value"] == pytest.approx(1 / samples)


def test_names_that_do_not_tell_the_subject(renzheng: CommandLine) -> None:
    scores = renzheng.file("s.csv", HEADER + "all/1_1,all/1_2,1,3\nx/1,y/1,1,2\nall/1_1,all/2_1,0,1\n")
    result = renzheng("evaluate", "--scores", scores, "--modality", "finger")
    assert "1 mated pairs have two subjects" in result.stderr
    assert "non-mated pairs have" not in result.stderr
    result = renzheng("evaluate", "--scores", scores, "--modality", "face")
    assert "1 non-mated pairs have one subject by their names" in result.stderr


class TestFingersInFolders:
    """`set/101_1.png`: a folder is a data set, and no subject."""

    @pytest.fixture
    def scores(self, renzheng: CommandLine) -> str:
        rows = []
        for row in drawn_rows(0.0):
            reference, probe, *rest = row.split(",")
            rows.append(",".join([f"db1/{reference}", f"db1/{probe}", *rest]))
        return renzheng.file("s.csv", HEADER + "\n".join(rows))

    def test_the_engine_beside_the_scores_tells_how_names_are_read(self, renzheng: CommandLine, scores: str) -> None:
        renzheng.file("s.csv.json", json.dumps({"engine": "leader-edges-1"}))
        result = renzheng("evaluate", "--scores", scores)
        assert result.exit_code == 0, result.output
        assert "of 30 subjects" in result.stdout
        assert "do not trust" not in result.stderr

    def test_else_the_column_mated_does_and_it_is_said(self, renzheng: CommandLine, scores: str) -> None:
        result = renzheng("evaluate", "--scores", scores)
        assert result.exit_code == 0, result.output
        assert "of 30 subjects" in result.stdout
        assert "read as those of fingers" in result.stderr

    def test_what_is_said_is_believed_and_its_contradictions_are_told(self, renzheng: CommandLine, scores: str) -> None:
        result = renzheng("evaluate", "--scores", scores, "--modality", "face")
        assert "of 1 subjects" in result.stdout
        assert "3,915 non-mated pairs have one subject" in result.stderr

    def test_where_both_would_do_it_is_asked(self, renzheng: CommandLine) -> None:
        rows = "p1/left_1,p1/left_2,1,3\np1/right_1,p2/left_1,0,0\n"
        result = renzheng("evaluate", "--scores", renzheng.file("s.csv", HEADER + rows))
        assert result.exit_code == 3
        assert "Say --modality" in result.stderr


def test_thin_data_are_said_to_be_thin(renzheng: CommandLine) -> None:
    result = renzheng("evaluate", "--scores", renzheng.file("s.csv", HEADER + "\n".join(rows_with_eer_of_5_percent())))
    assert "21 subjects are few" in result.stderr
    assert "Fewer than 30 errors stand behind eer (1), zerofmr (1)" in result.stderr
    many = "\n".join(f"{one}_1,{one}_2,1,{one % 7}\n{one}_1,{(one + 1) % 400}_1,0,{one % 5 - 3}" for one in range(400))
    assert "few" not in renzheng("evaluate", "--scores", renzheng.file("m.csv", HEADER + many)).stderr.replace(
        "Fewer than 30 errors stand behind fmr100 (4)", ""
    )


def test_few_people_with_mated_comparisons_are_told(renzheng: CommandLine) -> None:
    rows = "\n".join(f"{one}_1,{(one + 1) % 60}_1,0,0" for one in range(60))
    told = renzheng(
        "evaluate", "--scores", renzheng.file("s.csv", f"{HEADER}{rows}\n1_1,1_2,1,9\n2_1,2_2,1,9\n")
    ).stderr
    assert "Only 2 of 60 subjects have a mated comparison" in told


def test_a_rate_without_an_error_has_no_bare_0_in_its_row(renzheng: CommandLine) -> None:
    rows = "\n".join(f"{one}_1,{one}_2,1,9\n{one}_1,{(one + 1) % 300}_1,0,0" for one in range(300))
    out = renzheng("evaluate", "--scores", renzheng.file("s.csv", HEADER + rows)).stdout
    row = next(line for line in out.splitlines() if "zerofmr" in line)
    assert "< 1" in row
    assert "0 – 1.000" in row
    assert "0.000" not in out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (HEADER + "a,b,1,0.5\na,c,0,much\n", "s.csv, line 3: score must be a number"),
        ("a,b\n1,2\n", "line 1: the header must name the columns"),
        (HEADER, "no mated pair"),
        (HEADER + "a,b,1,1\n", "no non-mated pair"),
        (b"\x89PNG\r\n\x1a\n\0\0", "s.csv"),
    ],
)
def test_a_file_that_is_none_is_a_failure(renzheng: CommandLine, content: str | bytes, complaint: str) -> None:
    result = renzheng("evaluate", "--scores", renzheng.file("s.csv", content))
    assert result.exit_code == 3
    assert complaint in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give --scores FILE, or --images DIR with --modality, or --evidence URL|FILE"),
        (["--scores", "nowhere.csv"], "there is no file nowhere.csv"),
        (["--scores", "PAIRS", "--images", "."], "--images needs --modality"),
        (["--scores", "PAIRS", "--dpi", "500"], "--dpi goes with --images"),
        (["--evidence", "PAIRS"], "--evidence needs --report"),
        (["--evidence", "PAIRS", "--report", ".", "--scores", "PAIRS"], "--evidence needs --report"),
        (["--pairs", "PAIRS", "--images", "."], "--pairs needs --images and --modality"),
        (["--pairs", "PAIRS", "--modality", "face"], "--pairs needs --images and --modality"),
        (["--pairs", "PAIRS", "--modality", "iris", "--images", "."], "iris"),
        (["--pairs", "nowhere.csv", "--modality", "face", "--images", "."], "nowhere.csv"),
    ],
)
def test_mistaken_options_are_usage(renzheng: CommandLine, arguments: list[str], complaint: str) -> None:
    pairs = renzheng.file("pairs.csv", HEADER)
    result = renzheng("evaluate", *(pairs if word == "PAIRS" else word for word in arguments))
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """An engine that compares words instead of pictures; gives what it was opened for."""
    opened: list[tuple[str, float | None]] = []

    def extract(image: bytes) -> str:
        if image == b"low_quality":
            raise NotAssessable("low_quality")
        return image.decode()

    def opening(modality: str, home: Path, *, dpi: float | None = None) -> Engine:
        opened.append((modality, dpi))
        return Engine("words-1", extract, str, lambda probe, reference: float(probe == reference))

    monkeypatch.setattr(engines, "open_engine", opening)
    return opened


def test_an_engine_is_run_over_pairs(renzheng: CommandLine, words: list[tuple[str, float | None]]) -> None:
    folder = renzheng.folder / "prints"
    folder.mkdir()
    for name, word in (("1_1", "a"), ("1_2", "a"), ("2_1", "b"), ("2_2", "low_quality")):
        (folder / f"{name}.png").write_text(word)
    lines = ["1_1.png,1_2.png,1", "2_1.png,2_2.png,1", "1_1.png,2_1.png,0", "1_2.png,2_1.png,0"]
    pairs = renzheng.file("pairs.csv", "reference,probe,mated\n" + "\n".join(lines))
    scores, target = renzheng.folder / "out" / "scores.csv", renzheng.folder / "rates.json"
    run = ["evaluate", "--modality", "finger", "--pairs", pairs, "--images", str(folder), "--dpi", "508"]
    result = renzheng(*run, "--scores", str(scores), "--json", str(target))
    assert result.exit_code == 0, result.output
    assert words == [("finger", 508.0)]
    assert "1 of 4 images: low_quality (fte)" in result.stderr
    assert scores.read_text().splitlines() == [
        "reference,probe,mated,score", "1_1.png,1_2.png,1,1", "2_1.png,2_2.png,1,-inf", "1_1.png,2_1.png,0,0",
        "1_2.png,2_1.png,0,0",
    ]  # fmt: skip
    found = figures(target)
    assert found["eer"]["set"] == "prints"
    assert (found["zerofmr"]["value"], found["fta"]["value"], found["fte"]["value"]) == (0.5, 0.0, 0.25)
    again = renzheng("evaluate", "--modality", "finger", "--scores", str(scores), "--json", str(target))
    assert again.exit_code == 0
    assert figures(target)["zerofmr"]["value"] == 0.5


def test_images_that_are_not_there_are_a_failure(renzheng: CommandLine, words: list[tuple[str, float | None]]) -> None:
    pairs = renzheng.file("pairs.csv", "reference,probe,mated\na,b,1\na,c,0\n")
    run = ["evaluate", "--modality", "face", "--pairs", pairs, "--images", str(renzheng.folder)]
    result = renzheng(*run)
    assert result.exit_code == 3
    assert "3 of 3 listed images are not in" in result.stderr


def test_a_missing_pack_is_a_failure_that_says_the_remedy(renzheng: CommandLine) -> None:
    renzheng.environment["RENZHENG_HOME"] = str(renzheng.folder / "home")
    pairs = renzheng.file("pairs.csv", "reference,probe,mated\na,b,1\na,c,0\n")
    run = ["evaluate", "--modality", "face", "--pairs", pairs, "--images", str(renzheng.folder)]
    result = renzheng(*run)
    assert result.exit_code == 3
    assert "renzheng models pull" in result.stderr


def leaf(terminal: str, decision: str, llr: float | None, reason: str | None = None) -> str:
    part = {"modality": "face", "status": "assessed" if llr is not None else "not_assessed", "llr": llr, "fmr": None}
    body = {
        "v": 2, "kind": "verification", "at": "2026-11-22T00:00:00+00:00", "decision": decision, "terminal": terminal,
        "institution": "bank", "channel": "counter", "purpose": "account", "engines": ["sface-1"],
        "policy_version": "1", "person": {"llr": llr, "modalities": [part | ({"reason": reason} if reason else {})]},
    }  # fmt: skip
    return json.dumps({"seq": 1, "leaf": json.dumps(body)})


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_site_is_shown_by_its_own_evidence(renzheng: CommandLine, ending: str) -> None:
    rows = [leaf("till-1", "PASS", 9.0)] * 8 + [leaf("till-2", "REFUSE", -4.0)] * 3
    rows += [leaf("till-2", "REVIEW", None, "no_face"), json.dumps({"leaf": json.dumps({"kind": "administration"})})]
    content = "\n".join(rows).encode() + b"\n"
    path = renzheng.file(f"leaves.{ending}", gzip.compress(content) if ending.endswith("gz") else content)
    folder = renzheng.folder / "out"
    result = renzheng("evaluate", "--evidence", path, "--report", str(folder))
    assert result.exit_code == 0, result.output
    assert "12 verifications" in result.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    for cell in ("till-1", "till-2", "no_face", "66.67<small>(39.06 – 86.19)</small>", "&lt; 37.5", "sface-1 (12)"):
        assert cell in page, cell
    assert (folder / "stated.svg").is_file()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{}\n", "no leaf of a verification"),
        ("nonsense\n", "line 1"),
        ("[1]\n", "line 1"),
        ('{"leaf": "{\\"kind\\": \\"verification\\"}"}\n', "line 1: not a verification"),
    ],
)
def test_what_is_no_evidence_is_refused_by_its_line(renzheng: CommandLine, content: str, complaint: str) -> None:
    path = renzheng.file("leaves.jsonl", content)
    result = renzheng("evaluate", "--evidence", path, "--report", str(renzheng.folder / "out"))
    assert result.exit_code == 3
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_without_pairs_is_compared_whole(renzheng: CommandLine, words: list[tuple[str, float | None]]) -> None:
    folder = renzheng.folder / "prints"
    folder.mkdir()
    for name, word in (("1_1", "a"), ("1_2", "a"), ("2_1", "b"), ("2_2", "b")):
        (folder / f"{name}.png").write_text(word)
    scores = renzheng.folder / "scores.csv"
    result = renzheng("evaluate", "--modality", "finger", "--images", str(folder), "--scores", str(scores))
    assert result.exit_code == 0, result.output
    assert sorted(scores.read_text().splitlines()[1:]) == [
        "1_1.png,1_2.png,1,1", "1_1.png,2_1.png,0,0", "1_1.png,2_2.png,0,0", "1_2.png,2_1.png,0,0",
        "1_2.png,2_2.png,0,0", "2_1.png,2_2.png,1,1",
    ]  # fmt: skip
    assert json.loads((renzheng.folder / "scores.csv.json").read_text()) == {"engine": "words-1"}


def test_pairs_that_are_listed_twice_are_told(renzheng: CommandLine) -> None:
    rows = rows_with_eer_of_5_percent()
    result = renzheng("evaluate", "--scores", renzheng.file("s.csv", HEADER + "\n".join([*rows, *rows[:3]])))
    assert result.exit_code == 0, result.output
    assert "3 pairs are listed more than once" in result.stderr


@pytest.mark.parametrize("mark", [";", "\t"])
def test_another_separator_is_named(renzheng: CommandLine, mark: str) -> None:
    rows = HEADER + "\n".join(rows_with_eer_of_5_percent())
    result = renzheng("evaluate", "--scores", renzheng.file("s.csv", rows.replace(",", mark)))
    assert result.exit_code == 3
    assert "separated by commas" in result.stderr


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(renzheng: CommandLine) -> None:
    rows = HEADER + "\n".join(rows_with_eer_of_5_percent()) + "\n"
    plain = renzheng("evaluate", "--scores", renzheng.file("s.csv", rows))
    other = renzheng("evaluate", "--scores", renzheng.file("s.csv", ("\ufeff" + rows).replace("\n", "\r\n")))
    assert plain.exit_code == 0
    assert plain.stdout == other.stdout


def test_a_run_that_is_interrupted_says_so_and_ends_in_the_same_bytes(
    renzheng: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = renzheng.folder / "prints"
    folder.mkdir()
    for finger in range(6):
        for impression in range(2):
            (folder / f"{finger}_{impression}.png").write_text(f"{finger}{' ' * impression}")
    read: list[bytes] = []
    stop_at = 7

    def extract(image: bytes) -> int:
        if len(read) == stop_at:
            raise KeyboardInterrupt
        read.append(image)
        return int(image)

    def opening(modality: str, home: Path, *, dpi: float | None = None) -> Engine:
        return Engine("numbers-1", extract, int, lambda one, two: float(one == two), lambda one: b"%d" % one, int)

    monkeypatch.setattr(engines, "open_engine", opening)
    monkeypatch.setenv("RENZHENG_COMPUTE_THREADS", "1")
    run = ["evaluate", "--modality", "finger", "--images", str(folder), "--scores"]
    result = renzheng(*run, str(renzheng.folder / "a.csv"))
    assert result.exit_code not in {0, 1, 3}
    assert "Templates of 7 images are kept; the same command goes on from there" in result.stderr
    assert not (renzheng.folder / "a.csv").exists()
    stop_at = 100
    result = renzheng(*run, str(renzheng.folder / "a.csv"))
    assert result.exit_code == 0, result.output
    assert "Templates of 7 images are there from an interrupted run, which goes on" in result.stderr
    assert len(read) == 12, "no image twice"
    assert renzheng(*run, str(renzheng.folder / "b.csv")).exit_code == 0
    assert (renzheng.folder / "a.csv").read_text().count(",1,1\n") == 6, "what was kept is compared"
    assert (renzheng.folder / "a.csv").read_bytes() == (renzheng.folder / "b.csv").read_bytes()
    assert not [path.name for path in renzheng.folder.iterdir() if "unfinished" in path.name or "part" in path.name]
