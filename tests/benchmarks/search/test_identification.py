"""The identification benchmark's rates are those that can be counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from benchmarks.commands import app
from benchmarks.search import identification
from benchmarks.search.gallery_vectors import Floats, Scatter
from benchmarks.search.identification import Searches, figures
from biometrics.gallery.threshold import hit_threshold
from biometrics.scoring import Calibration

PEOPLE = 1_800


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """1,800 drawn people in two halves; every third has a second picture, of whom one is quite unlike the first."""
    draw, scatter = np.random.default_rng(1), Scatter.load()
    persons = scatter.persons_of(draw, PEOPLE, 128)
    twice = np.arange(0, PEOPLE, 3)
    cosines = np.full(len(twice), 0.8)
    cosines[0] = 0.0
    mates = scatter.mates_of(draw, persons[twice], cosines)
    names = [f"p{number:04}/1.jpg" for number in range(PEOPLE)] + [f"p{number:04}/2.jpg" for number in twice]
    half = np.concatenate([np.arange(PEOPLE) % 2, twice % 2])
    path = tmp_path / "v.npz"
    rows = np.concatenate([persons, mates])
    np.savez(path, names=np.array(names), vectors=rows, half=half, engine=np.array("sface-2"))
    return path


def test_the_command_from_file_to_figures(vectors: Path, tmp_path: Path) -> None:
    out = tmp_path / "i.json"
    command = ["identification", "--vectors", str(vectors), "--size", "2000", "--size", "600", "--json", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    found = {(one["set"], one["metric"]): one for one in json.loads(out.read_text())["results"]}
    for size in ("600", "2,000"):
        # Of 600 pairs one is of people who do not look alike.
        assert found[size, "rank_1_miss"]["value"] == pytest.approx(1 / 600)
        assert found[size, "fnir_at_fpir_0.01"]["value"] == pytest.approx(1 / 600)
        assert found[size, "fnir_at_fpir_0.01"]["n"] == 600
        assert found[size, "fpir_at_target_0.01"]["n"] == PEOPLE
        assert found[size, "fpir_at_target_0.01"]["value"] < 0.04


def test_a_gallery_smaller_than_its_people_is_refused(vectors: Path) -> None:
    done = CliRunner().invoke(app, ["identification", "--vectors", str(vectors), "--size", "300"])
    assert done.exit_code == 0
    many = CliRunner().invoke(app, ["identification", "--vectors", str(vectors), "--size", "299"])
    assert many.exit_code == 2


def test_rates_by_hand() -> None:
    calibration = Calibration.load("sface-2")
    score = hit_threshold(calibration, 0.01, 1_000).score
    mate = np.full(100, score + 0.1, np.float32)
    mate[:7] = score - 0.1
    rival = np.full(100, 0.1, np.float32)
    rival[:3] = 0.9
    stranger = np.linspace(0, score - 0.001, 400).astype(np.float32)
    stranger[:8] = score + 0.01
    found = {one.metric: one for one in figures(1_000, [Searches(mate, rival, stranger)], [calibration], calibration)}
    assert found["rank_1_miss"].value == pytest.approx(0.03)
    assert found["fnir_at_target_0.01"].value == pytest.approx(0.07)
    assert found["fpir_at_target_0.01"].value == pytest.approx(8 / 400)
    # Four of 400 non-mated searches may reach it: the eight highest are equal, so it lies above them.
    assert found["fnir_at_fpir_0.01"].value == pytest.approx(0.07)
    low, high = found["fnir_at_target_0.01"].low, found["fnir_at_target_0.01"].high
    assert low is not None
    assert high is not None
    assert 0.01 < low < 0.07 < high < 0.14


def test_none_lost_is_not_zero() -> None:
    calibration = Calibration.load("sface-2")
    ones = np.ones(60, np.float32)
    found = {
        one.metric: one for one in figures(1_000, [Searches(ones, 0 * ones, 0 * ones)], [calibration], calibration)
    }
    assert found["fnir_at_target_0.01"].value == 0
    assert found["fnir_at_target_0.01"].high == pytest.approx(3 / 60)


def test_nobody_is_searched_for_whom_the_calibration_has_seen(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    searched: list[set[str]] = []
    fitted_on, search_half = identification.fitted_on, identification.search_half

    def fitted(rows: Floats, people: NDArray[np.str_], engine: str) -> Calibration:
        seen.append(set(people.tolist()))
        return fitted_on(rows, people, engine)

    def search(rows: Floats, people: NDArray[np.str_], sizes: list[int], seed: int) -> list[Searches]:
        searched.append(set(people.tolist()))
        return search_half(rows, people, sizes, seed)

    monkeypatch.setattr(identification, "fitted_on", fitted)
    monkeypatch.setattr(identification, "search_half", search)
    found = {one.metric: one for one in identification.run(vectors, [600], None)}
    assert [len(one) for one in seen] == [len(one) for one in searched] == [PEOPLE / 2] * 2
    assert not any(mine & theirs for mine, theirs in zip(seen, searched, strict=True))
    assert found["threshold_0.01"].n == 2
    assert found["threshold_0.01"].low != found["threshold_0.01"].high, "each half has its own"


def test_a_calibration_on_a_half_takes_two_pictures_of_a_person_and_all_pairs_of_two() -> None:
    draw, scatter = np.random.default_rng(4), Scatter.load()
    persons = scatter.persons_of(draw, 300, 128)
    again = [scatter.mates_of(draw, persons, np.full(300, cosine)) for cosine in (0.7, 0.2)]
    # Person by person mixed up, the first two pictures being those that are alike.
    rows = np.concatenate([persons, *again])
    people = np.array([f"p{number}" for number in [*range(300)] * 3])
    made = identification.fitted_on(rows, people, "sface-2")
    assert (made.provenance["mated"], made.provenance["non_mated"]) == (300, 9 * 300 * 299 // 2)
    assert float(made.llr_of(0.7)) > 3, "what mates reach"


def test_drawn_faces_scatter_as_those_they_are_drawn_like() -> None:
    persons = Scatter.load().persons_of(np.random.default_rng(2), 3_000, 128) @ np.diag(np.linspace(0.5, 2, 128))
    persons = (persons / np.linalg.norm(persons, axis=1, keepdims=True)).astype(np.float32)
    drawn = identification._drawn_like(persons, np.random.default_rng(3))(20_000)
    assert np.cov(drawn.T) == pytest.approx(np.cov(persons.T), abs=0.003)
