"""The fingerprint benchmark on synthetic sets: which pairs it makes, what it reports, and what failures count as."""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common.report import Result, read_scores
from benchmarks.finger import accuracy as fingerprint
from benchmarks.finger.sets import find_sets
from benchmarks.finger.weights import as_json, chance_of, logistic
from biometrics.finger.score import WEIGHTS
from biometrics.finger.synthesis import generate

FINGERS, IMPRESSIONS = ("7_a", "7_b", "9_a"), (1, 2, 10)
ALL = {"eer", "fmr100", "fmr1000", "zerofmr", "fta", "fte", "extract_ms", "compare_ms", "compare_prepared_ms"}
ALL |= {"template_bytes"}


@pytest.fixture(scope="module")
def prints() -> dict[str, NDArray[np.uint8]]:
    names = [(seed, finger, impression) for seed, finger in enumerate(FINGERS, 1) for impression in IMPRESSIONS]
    return {f"{finger}_{impression}": generate(seed, impression) for seed, finger, impression in names}


def write(folder: Path, prints: dict[str, NDArray[np.uint8]], kind: str = "png") -> Path:
    folder.mkdir(parents=True)
    for name, grey in prints.items():
        Image.fromarray(grey).save(folder / f"{name}.{kind}")
    return folder


@pytest.fixture(autouse=True)
def few_timed_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "TIMED_PAIRS", 10)


def figures(results: Sequence[Result], name: str) -> dict[str, Result]:
    return {row.metric: row for row in results if row.set == name}


def test_the_fingers_name_is_all_before_the_last_underscore(
    tmp_path: Path, prints: dict[str, NDArray[np.uint8]]
) -> None:
    folder = write(tmp_path / "set", prints)
    (folder / "README.txt").write_text("no capture")
    (found,) = find_sets(folder)
    assert found.name == "set"
    assert found.fingers == list(FINGERS)
    assert list(found.files)[:3] == ["7_a_1", "7_a_2", "7_a_10"]
    assert found.first_impressions() == ["7_a_1", "7_b_1", "9_a_1"]
    assert found.mated()[:3] == [("7_a_1", "7_a_2"), ("7_a_1", "7_a_10"), ("7_a_2", "7_a_10")]
    assert len(found.mated()) == 9
    assert len(found.non_mated()) == 27
    assert not set(found.mated()) & set(found.non_mated())
    assert [one.name for one in find_sets(tmp_path)] == ["set"]


def test_folders_without_fingers_and_two_files_of_one_name_are_refused(
    tmp_path: Path, prints: dict[str, NDArray[np.uint8]]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no captures"):
        find_sets(tmp_path / "empty")
    with pytest.raises(typer.BadParameter):
        fingerprint.run(tmp_path / "empty", None, None)
    folder = write(tmp_path / "set", prints)
    Image.fromarray(prints["7_a_1"]).save(folder / "7_a_1.bmp")
    with pytest.raises(ValueError, match="one name"):
        find_sets(folder)


def test_one_set_gives_every_figure_and_every_score(tmp_path: Path, prints: dict[str, NDArray[np.uint8]]) -> None:
    folder = write(tmp_path / "set", prints)
    results = fingerprint.run(folder, tmp_path / "scores.csv", tmp_path / "results.json")
    found = figures(results, "set")
    assert set(found) == ALL
    assert found["eer"].value == 0.0
    assert found["fta"].value == found["fte"].value == 0.0
    assert found["eer"].n == 9
    assert found["fta"].n == 9
    assert found["template_bytes"].value > 100
    assert found["compare_ms"].value >= found["compare_prepared_ms"].value > 0
    assert set(figures(results, "set/fvc")) == {"eer", "fmr100", "fmr1000", "zerofmr"}
    assert {row.set for row in results} == {"set", "set/fvc"}
    rows = read_scores(tmp_path / "scores.csv")
    assert len(rows) == 36
    assert min(row.score for row in rows if row.mated) > max(row.score for row in rows if not row.mated)
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["benchmark"] == "fingerprint"
    assert len(written["results"]) == len(results)


def test_failures_are_counted_apart_and_rejected(tmp_path: Path, prints: dict[str, NDArray[np.uint8]]) -> None:
    folder = write(tmp_path / "set", prints, "bmp")
    (folder / "7_a_1.bmp").write_bytes(b"no picture")
    Image.fromarray(np.full((300, 300), 240, np.uint8)).save(folder / "7_b_1.bmp")
    scrap = np.full_like(prints["9_a_1"], 240)
    for side in range(48, 120, 8):  # the smallest scrap in which something, but too little is found
        scrap[150 : 150 + side, 150 : 150 + side] = prints["9_a_1"][150 : 150 + side, 150 : 150 + side]
        Image.fromarray(scrap).save(folder / "9_a_1.bmp")
        results = fingerprint.run(folder, tmp_path / "scores.csv", None)
        if figures(results, "set")["fte"].value:
            break
    found = figures(results, "set")
    assert found["fta"].value == pytest.approx(2 / 9)
    assert found["fte"].value == pytest.approx(1 / 9)
    assert found["zerofmr"].value == pytest.approx(6 / 9)
    assert found["extract_ms"].n == 6
    scores = {(row.reference, row.probe): row.score for row in read_scores(tmp_path / "scores.csv")}
    assert len(scores) == 36
    failed = {"7_a_1", "7_b_1", "9_a_1"}
    assert all(score == 0.0 for pair, score in scores.items() if failed & set(pair))
    assert scores["7_a_2", "7_a_10"] > 40


def test_several_sets_get_means(tmp_path: Path, prints: dict[str, NDArray[np.uint8]]) -> None:
    two = {name: grey for name, grey in prints.items() if name.endswith(("_1", "_2"))}
    for name in ("fvc_one", "fvc_two", "other"):
        write(tmp_path / "data" / name, two)
    spoilt = tmp_path / "data" / "other" / "7_a_1.png"
    spoilt.write_bytes(b"")
    results = fingerprint.run(tmp_path / "data", tmp_path / "scores.csv", None)
    assert set(figures(results, "mean")) == ALL
    assert figures(results, "mean")["fta"].value == pytest.approx(1 / 6 / 3)
    assert figures(results, "mean/fvc200x")["fta"].value == 0.0
    assert figures(results, "mean")["zerofmr"].value == pytest.approx(1 / 3 / 3)
    rows = read_scores(tmp_path / "scores.csv")
    assert len(rows) == 45
    assert rows[0].reference == "fvc_one_7_a_1"


def test_the_fit_finds_what_tells_two_classes_apart() -> None:
    rng = np.random.default_rng(0)
    mated = rng.uniform(size=20_000) < 0.2
    evidence = rng.normal(size=(20_000, 3)) * [1.0, 10.0, 1.0]
    evidence[:, 0] += 2.0 * mated
    evidence[:, 1] += 10.0 * mated
    weights = logistic(evidence, mated, 1e-6)
    # Normal classes with equal spread: the true log-likelihood ratio has the weights d / s^2.
    assert weights[:3] == pytest.approx([2.0, 0.1, 0.0], abs=0.05)
    assert weights[3] == pytest.approx(-2.5, abs=0.1)


def test_chance_is_measured_by_size() -> None:
    rng = np.random.default_rng(0)
    size = rng.uniform(4.0, 9.0, 400_000)
    total = 3.0 * size - 0.1 * size**2 + rng.exponential(1.0, size.size) / np.log(10.0)
    level, decade = np.split(chance_of(size, total), 2)
    for at in (4.5, 6.0, 8.5):
        powers = [1.0, at, at * at]
        assert level @ powers == pytest.approx(3.0 * at - 0.1 * at**2 + 2.0, abs=0.15)
        assert decade @ powers == pytest.approx(1.0, abs=0.1)


def test_the_shipped_weights_are_what_the_script_writes() -> None:
    """Its form, that is; the numbers it makes of the set it was given."""
    shipped = (resources.files("biometrics.finger") / "weights.json").read_text("utf-8")
    assert json.loads(as_json("neuro_uareu", WEIGHTS)) == json.loads(shipped)
