"""The benchmark of galleries: drawn faces scatter as real ones, and what it says of a gallery is so."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.commands import app
from benchmarks.search import gallery, gallery_vectors
from benchmarks.search.gallery_vectors import Scatter, cosines_of_others

ORDER = ["mated", "cosine 0.40", "strangers", "valid tenth", "worn", "rebuilt", "loaded"]


def test_drawn_strangers_are_as_unlike_as_real_ones() -> None:
    scatter = Scatter.load()
    drawn = cosines_of_others(scatter.persons_of(np.random.default_rng(1), 3_000, 128))
    assert drawn == pytest.approx(scatter.others, abs=0.012)
    assert scatter.others[-1] > 0.3


def test_drawn_mates_are_as_alike_as_real_ones() -> None:
    scatter, draw = Scatter.load(), np.random.default_rng(2)
    persons = scatter.persons_of(draw, 4_000, 128)
    wanted = scatter.cosines(draw, 4_000)
    mates = scatter.mates_of(draw, persons, wanted)
    assert np.linalg.norm(mates, axis=1) == pytest.approx(1, abs=1e-5)
    assert (mates * persons).sum(axis=1) == pytest.approx(wanted, abs=1e-5)
    real = np.interp([0.1, 0.5, 0.9], np.linspace(0, 1, len(scatter.mated)), scatter.mated)
    assert np.quantile(wanted, [0.1, 0.5, 0.9]) == pytest.approx(real, abs=0.02)


def test_more_dimensions_than_were_measured() -> None:
    scatter, draw = Scatter.load(), np.random.default_rng(3)
    assert scatter.persons_of(draw, 10, 512).shape == (10, 512)


def test_the_scatter_is_fitted_again_from_templates(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    real = Scatter.load()
    persons = real.persons_of(draw, 1_200, 128)
    mates = real.mates_of(draw, persons, np.full(1_200, 0.7))
    names = [f"p{number}/{picture}.jpg" for number in range(1_200) for picture in "ab"]
    vectors = np.stack([persons, mates], axis=1).reshape(-1, 128)
    half = np.repeat(np.arange(1_200) % 2, 2)
    np.savez(tmp_path / "v.npz", names=np.array(names), vectors=vectors, half=half, engine=np.array("sface-2"))
    out = tmp_path / "scatter.json"
    done = CliRunner().invoke(
        app, ["gallery-scatter", "--vectors", str(tmp_path / "v.npz"), "--source", "drawn", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert (told["persons"], told["pairs"], told["engine"]) == (1_200, 1_200, "sface-2")
    assert told["mated"][100] == pytest.approx(0.7, abs=1e-4)
    assert sum(told["eigenvalues"]) == pytest.approx(1, abs=0.01)
    assert told["others"] == pytest.approx(real.others, abs=0.02)


def test_too_few_people_have_no_covariance(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "v.npz", names=np.array(["a/1.jpg"]), vectors=np.eye(1, 128), half=np.zeros(1), engine=np.array("e")
    )
    done = CliRunner().invoke(
        app, ["gallery-scatter", "--vectors", str(tmp_path / "v.npz"), "--source", "x", "--out", str(tmp_path / "o")]
    )
    assert done.exit_code == 2
    assert not (tmp_path / "o").exists()


def test_all_figures_of_a_small_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "CHANGES", 20)
    monkeypatch.setattr(gallery, "BULK", 50)
    monkeypatch.setattr(gallery, "BLOCK", 700)
    out = tmp_path / "gallery.json"
    done = CliRunner().invoke(app, ["gallery", "--size", "2000", "--probes", "20", "--json", str(out)])
    assert done.exit_code == 0, done.output
    figures = {(one["set"], one["metric"]): one for one in json.loads(out.read_text())["results"]}
    for name in ORDER:
        # So few are all compared exactly: nothing can be lost, and a figure below 1 were the benchmark's own mistake.
        assert figures[name, "recall_at_1"]["value"] == 1
        assert figures[name, "recall_at_1"]["low"] == pytest.approx(1 - 3 / 20)
        assert 0 < figures[name, "cpu_p50_ms"]["value"] <= figures[name, "cpu_p99_ms"]["value"]
        assert 0 < figures[name, "latency_p50_ms"]["value"] <= figures[name, "latency_p99_ms"]["value"]
    assert figures["gallery", "memory_bytes"]["value"] > 2000 * 128 * 2
    assert figures["gallery", "resident_bytes"]["value"] > figures["gallery", "memory_bytes"]["value"]
    told = {"build_s", "adds_per_s", "removes_per_s", "bulk_adds_per_s", "removal_ms", "save_s", "load_s"}
    assert told <= {name for _, name in figures}


def test_a_search_that_loses_mates_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With codes and a shortlist of one, the best entry is often not in it."""
    monkeypatch.setattr("biometrics.gallery.gallery.EXACT_UP_TO", 1_000)
    monkeypatch.setattr("biometrics.gallery.stages.EXACT_UP_TO", 1_000)
    for name in ("SHORTLIST", "SHORTLIST_PER_HIT", "_FLOOD"):
        monkeypatch.setattr(f"biometrics.gallery.codes.{name}", 1)
    monkeypatch.setattr(gallery, "CHANGES", 20)
    results = gallery.run(3_000, 128, 100, 1, None)
    recall = {one.set: one.value for one in results if one.metric == "recall_at_1"}
    assert recall["strangers"] < 1
    lost = {one.set: one.value for one in results if one.metric == "score_lost"}
    assert 0.001 < lost["strangers"] < 0.5


def test_the_committed_scatter_holds_no_person() -> None:
    """Eigenvalues, quantiles and lengths: as many numbers as dimensions, no vector of anybody."""
    told = json.loads(gallery_vectors.FILE.read_text(encoding="utf-8"))
    assert {key for key, value in told.items() if isinstance(value, list)} == {"eigenvalues", "mean", "mated", "others"}
    assert told["eigenvalues"] == sorted(told["eigenvalues"], reverse=True)
    assert max(told["mean"]) < 0.05
