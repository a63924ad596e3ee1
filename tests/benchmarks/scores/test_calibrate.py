"""From score files to a calibration that the service can read, judged on held-out people; fused on chimeric ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common.report import ScoreRow, write_scores
from benchmarks.scores import calibrate, chimeric
from benchmarks.scores.held_out import held_out_results
from benchmarks.scores.score_sets import cross_scores, describe, read_set
from biometrics.scoring import Calibration, held_out
from biometrics.scoring.fit import fit
from biometrics.scoring.held_out import restricted
from tests.biometrics.scoring.samples import gaussian_set, normal_tail, true_llr

FINGERS = 24


def write_fingers(path: Path, *, seed: int, persons: bool = False) -> Path:
    """Gaussian scores of FINGERS fingers x 4 impressions; with `persons` four fingers belong to one."""
    random = np.random.default_rng(seed)
    names = [f"{number // 4}_{number % 4}" if persons else f"{number}" for number in range(FINGERS)]
    samples = [(finger, f"{finger}_{impression}") for finger in names for impression in range(1, 5)]
    rows = []
    for place, (finger, reference) in enumerate(samples):
        for other, probe in samples[place + 1 :]:
            mated = finger == other
            rows.append(ScoreRow(reference, probe, mated, float(random.normal(3.0 if mated else 0.0, 1))))
    write_scores(path, rows)
    return path


@pytest.fixture
def score_files(tmp_path: Path) -> list[Path]:
    return [write_fingers(tmp_path / f"scores_{name}.csv", seed=seed) for seed, name in enumerate(("one", "two"))]


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "REPLICATES", 20)


def test_calibrate_writes_what_the_service_reads(tmp_path: Path, score_files: list[Path]) -> None:
    out, figures = tmp_path / "gauss-1.json", tmp_path / "figures.json"
    calibrate.run("gauss-1", score_files, None, 0.0, "sface", "a remark", out, figures)
    calibration = Calibration.from_json(out.read_text(encoding="utf-8"), "gauss-1")
    assert calibration.assess(1.0).fmr == pytest.approx(normal_tail(1.0), rel=0.1)
    assert calibration.assess(2.0).llr == pytest.approx(true_llr(2.0), abs=0.8)
    facts = calibration.provenance
    assert [one["set"] for one in facts["sets"]] == ["one", "two"]
    assert all(one["subjects"] == FINGERS and one["mated"] == FINGERS * 6 for one in facts["sets"])
    assert facts["note"] == "a remark"
    assert {"name", "version", "yunet", "sface"} <= set(facts["pack"])
    body = json.loads(figures.read_text())
    assert body["benchmark"] == "calibrate"
    measured = {(row["set"], row["metric"]): row["value"] for row in body["results"]}
    for name in ("one/subjects", "two/subjects", "one/other_sets", "two/other_sets"):
        assert measured[name, "cllr_min"] <= measured[name, "cllr"] < 0.45
        assert measured[name, "fmr_at_stated_1e-2"] == pytest.approx(1e-2, abs=8e-3)


def test_held_out_people_are_in_no_fit(monkeypatch: pytest.MonkeyPatch, score_files: list[Path]) -> None:
    """Each fold's fit and judgement share no subject, though together the folds judge everybody."""
    seen: list[set[int]] = []
    judged: list[set[int]] = []
    real_fit, real_judge = fit, held_out.judge

    def spy_fit(engine, sets, *, label_noise):  # type: ignore[no-untyped-def]
        seen.append(set(sets[0].comparisons.non_mated_subjects.ravel().tolist()))
        return real_fit(engine, sets, label_noise=label_noise)

    def spy_judge(calibration, one):  # type: ignore[no-untyped-def]
        judged.append(set(one.comparisons.mated_subject.tolist()))
        return real_judge(calibration, one)

    monkeypatch.setattr(held_out, "fit", spy_fit)
    monkeypatch.setattr(held_out, "judge", spy_judge)
    sets = [read_set(path) for path in score_files[:1]]
    held_out.by_subjects("gauss-1", sets, label_noise=0.0)
    assert len(seen) == len(judged) == held_out.FOLDS
    assert all(not here & there for here, there in zip(seen, judged, strict=True))
    assert set.union(*judged) == set(range(FINGERS))


def test_cross_scores_are_all_pairs_of_different_people() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(700, 8)).astype(np.float32)  # more than one block
    subject = random.integers(40, size=700).astype(np.int32)
    scores, pairs = cross_scores(vectors, subject)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, columns = np.triu_indices(700, 1)
    different = subject[rows] != subject[columns]
    expected = np.sum(unit[rows[different]] * unit[columns[different]], axis=1)
    assert np.sort(scores) == pytest.approx(np.sort(expected), abs=1e-5)
    assert np.all(pairs[:, 0] != pairs[:, 1])


def test_vectors_take_the_place_of_listed_non_mated_scores(tmp_path: Path) -> None:
    listed = tmp_path / "scores_faces.csv"
    rows = [ScoreRow("a/a_1.jpg", "a/a_2.jpg", True, 0.8), ScoreRow("a/a_1.jpg", "b/b_1.jpg", False, 0.9)]
    write_scores(listed, rows)
    names = np.array(["a/a_1.jpg", "a/a_2.jpg", "b/b_1.jpg"])
    vectors = np.array([[1, 0], [1, 1], [0, 2]], np.float32)
    np.savez(tmp_path / "v.npz", names=names, vectors=vectors)
    found = read_set(listed, vectors=tmp_path / "v.npz")
    assert found.name == "faces"
    assert found.comparisons.mated.tolist() == pytest.approx([0.8])
    assert sorted(found.comparisons.non_mated.tolist()) == pytest.approx([0.0, 0.5**0.5])


def test_restriction_drops_pairs_across(score_files: list[Path]) -> None:
    whole = read_set(score_files[0])
    keep = np.arange(FINGERS) < 6
    part = restricted(whole, keep)
    assert len(part.comparisons.mated) == 6 * 6
    assert len(part.comparisons.non_mated) == 15 * 16
    assert describe([part])[0]["subjects"] == 6


def test_fused_rates_hold_for_chimeric_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score_files: list[Path]
) -> None:
    monkeypatch.setattr(chimeric, "ROUNDS", 2)
    monkeypatch.setattr(chimeric, "DRAWS", 50_000)
    persons = write_fingers(tmp_path / "scores_persons.csv", seed=5, persons=True)
    figures = tmp_path / "chimeric.json"
    results = chimeric.run(score_files[0], None, [score_files[1], persons], 0.0, figures)
    rate = {(result.set, result.metric): result.value for result in results}
    for name in chimeric.COMBINATIONS:
        assert rate[name, "fmr_at_stated_1e-2"] < 0.03
        assert rate[name, "fnmr_at_stated_1e-2"] < 0.4
    assert rate["face+2 fingers", "fnmr_at_stated_1e-2"] < rate["face", "fnmr_at_stated_1e-2"] / 4
    assert abs(rate["persons/2 real fingers", "llr_correlation"]) < 0.1
    assert json.loads(figures.read_text())["benchmark"] == "chimeric"


def test_two_real_fingers_are_paired_within_the_same_two_people() -> None:
    rows = [
        ScoreRow("1_a_1", "2_a_1", False, 1.0),
        ScoreRow("1_b_1", "2_b_1", False, 2.0),
        ScoreRow("1_c_1", "2_c_1", False, 3.0),
        ScoreRow("1_a_1", "2_b_1", False, 9.0),  # different fingers
        ScoreRow("1_a_1", "1_b_1", False, 9.0),  # one person
        ScoreRow("1_a_1", "1_a_2", True, 9.0),
        ScoreRow("1_a_1", "3_a_1", False, 9.0),  # no second finger of that person
    ]
    first, second = chimeric.two_fingers(rows)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(1.0, 2.0), (1.0, 3.0), (2.0, 3.0)]


def test_gaussian_sets_judge_themselves_fairly() -> None:
    sets = [gaussian_set(2000, 60_000, seed=1, name="a"), gaussian_set(2000, 60_000, seed=2, name="b")]
    (judged, _) = held_out.by_sets("gauss-1", sets, label_noise=0.0)
    rates = {result.metric: result.value for result in held_out_results([judged], "other_sets")}
    assert rates["fmr_at_stated_1e-2"] == pytest.approx(1e-2, rel=0.15)
    assert rates["fmr_at_stated_1e-3"] == pytest.approx(1e-3, rel=0.4)
    assert rates["cllr"] - rates["cllr_min"] < 0.03
