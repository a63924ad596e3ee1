"""Score matrices: read as they are told, halved without a subject on both sides, and fused better than the best."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.commands import app
from benchmarks.scores import fusion
from benchmarks.scores.fusion_matrices import Matrices, comparisons, fit_half, read_matrices
from benchmarks.scores.fusion_simulation import MATCHERS, People, World, locate, mated, non_mated, simulate

SUBJECTS = 90
runner = CliRunner()


def write_matrix(path: Path, subjects: list[str], scores: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    rows = [",".join(["", *subjects])]
    rows += [",".join([name, *(f"{score:.17g}" for score in row)]) for name, row in zip(subjects, scores, strict=True)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two independent matchers; every file lists the subjects in its own order, some comparisons failed."""
    random = np.random.default_rng(3)
    names = [f"s{number:03d}" for number in range(SUBJECTS)]
    for place, matcher in enumerate(("finger", "face")):
        scores = random.normal(0, 1, (SUBJECTS, SUBJECTS)) + 3 * np.eye(SUBJECTS)
        scores[place * 10, :] = -1
        order = random.permutation(SUBJECTS)
        write_matrix(tmp_path / f"{matcher}.csv", [names[one] for one in order], scores[order][:, order])
    return tmp_path


def test_matrices_are_put_in_one_order_with_failures_marked(folder: Path) -> None:
    found = read_matrices(folder)
    assert found.matchers == ("face", "finger")
    assert found.name == "face+finger"
    assert sorted(found.subjects) == sorted(found.subjects, key=lambda name: int(name[1:]))
    finger, face = found.subjects.index("s000"), found.subjects.index("s010")
    assert np.isnan(found.scores[1, finger]).all()
    assert np.isnan(found.scores[0, face]).all()
    assert np.isnan(found.mated()).sum() == 2
    assert found.mated().shape == (SUBJECTS, 2)
    assert found.non_mated().shape == (SUBJECTS * (SUBJECTS - 1), 2)
    assert np.nanmean(found.mated()) == pytest.approx(3, abs=0.3)
    assert read_matrices(folder, ["finger"]).matchers == ("finger",)


def test_a_row_is_a_probe_and_a_column_a_reference(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("x,a,b,c\na,1,2,3\nc,7,8,9\nb,4,5,6\n", encoding="utf-8")
    found = read_matrices(tmp_path)
    assert found.subjects == ("a", "b", "c")
    assert found.scores[0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert found.non_mated()[:, 0].tolist() == [2, 3, 4, 6, 7, 8]
    part = found.part(np.array([True, False, True]))
    assert part.scores[0].tolist() == [[1, 3], [7, 9]]
    rows = comparisons(found.mated()[:, 0], found.non_mated()[:, 0])
    assert rows.non_mated_subjects[2].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not a matrix"),
        ("x,a,b\na,1,2\n", "same subjects"),
        ("x,a,b\na,1,2\nb,1\n", "not square"),
        ("x,a,b\na,1,2\nb,1,word\n", "no number"),
        ("x,a,a\na,1,2\na,1,2\n", "same subjects"),
    ],
)
def test_what_is_no_matrix_is_refused_by_name(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "odd.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=word) as refused:
        read_matrices(tmp_path)
    assert "odd.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("scores", "warned"),
    [("-1,2\nb,3,0.5", False), ("-1,2\nb,3,-0.5", True), ("-1,-2\nb,3,0", True), ("-3.5,-2\nb,0.2,-1.5", False)],
)
def test_a_failure_that_may_be_a_score_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scores: str, warned: bool
) -> None:
    """-1 is a failure whatever else is there; beside other negative scores a reader has to know."""
    (tmp_path / "llr.csv").write_text(f"x,a,b\na,{scores}\n", encoding="utf-8")
    found = read_matrices(tmp_path).scores
    assert np.isnan(found).sum() == (1 if scores.startswith("-1") else 0)
    told = capsys.readouterr().err
    assert ("llr.csv: 1 scores are -1 and count as failures" in told) == warned


def test_no_error_in_any_split_is_bounded_by_the_rule_of_3() -> None:
    found = {row.metric: row for row in fusion.summary("m", [{"zerofmr": 0.0, "tar_at_fmr_1e-3": 1.0}] * 2, 150)}
    same = fusion.summary("m", [{"eer": 0.0038610038610038611}] * 3, 150)
    assert same[1].value == 0
    assert (found["zerofmr"].low, found["zerofmr"].high) == (0, 0.02)
    assert (found["tar_at_fmr_1e-3"].low, found["tar_at_fmr_1e-3"].high) == (0.98, 1)


def test_other_subjects_and_missing_matchers_are_refused(folder: Path) -> None:
    (folder / "other.csv").write_text("x,a,b\na,1,2\nb,1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"other.csv: the subjects are not those"):
        read_matrices(folder)
    wrong = runner.invoke(app, ["fusion", "--scores", str(folder), "--matchers", "face,toe"])
    assert wrong.exit_code == 2
    assert "toe" in wrong.output


def test_halves_are_disjoint_alike_in_size_and_of_names_not_places() -> None:
    names = [f"s{number}" for number in range(517)]
    halves = [fit_half(names, split) for split in range(20)]
    assert all(half.sum() == 258 for half in halves)
    assert len({half.tobytes() for half in halves}) == 20
    assert 0.4 < np.mean(halves) < 0.6
    assert np.all((np.mean(halves, axis=0) > 0) & (np.mean(halves, axis=0) < 1)), "everybody is judged, and fitted on"
    backwards = fit_half(names[::-1], 7)[::-1]
    assert backwards.tolist() == halves[7].tolist()


def _finite_or(other: float) -> Callable[[float], float]:
    return lambda one: one if np.isfinite(one) else other


def test_nobody_is_fitted_on_and_judged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule sees scores of one half only, and is asked about the other's."""
    seen: list[tuple[set[float], set[float]]] = []

    def spy(mates, others):  # type: ignore[no-untyped-def]
        fitted = set(np.concatenate([mates, others])[:, 0].tolist())
        # Scores beyond all that was fitted count as its ends, on the scale that the cohort makes.
        fitted -= {max(fitted, key=_finite_or(-np.inf)), min(fitted, key=_finite_or(np.inf))}

        def judge(scores):  # type: ignore[no-untyped-def]
            seen.append((fitted, set(scores[:, 0].tolist())))
            return scores[:, 0]

        return judge

    monkeypatch.setattr(fusion, "joint_llr", spy)
    fusion.run(folder, 3, None, None)
    assert len(seen) == 12, "with a cohort and without, mated and non-mated"
    for fitted, judged in seen:
        assert not {one for one in fitted & judged if np.isfinite(one)}


def test_a_cohort_sees_nothing_of_what_two_judged_people_are_to_each_other(folder: Path) -> None:
    """Whatever their own scores are, what is taken off one of them is the same; and nobody's of the fitted changes."""
    whole = read_matrices(folder)
    half = fit_half(whole.subjects, 0)
    changed = whole.scores.copy()
    first, second = np.flatnonzero(~half)[:2]
    changed[:, first, second] += 0.25
    before, after = (Matrices(whole.matchers, whole.subjects, one).less_people(half) for one in (whole.scores, changed))
    moved = np.argwhere(~np.isclose(before.scores, after.scores, equal_nan=True))
    assert {tuple(place) for place in moved.tolist()} <= {(0, first, second), (1, first, second)}
    assert len(moved)
    across = np.ix_(half, ~half)
    assert np.isnan(after.scores[:, half][:, :, ~half]).all()
    assert after.scores[0][across].shape == whole.scores[0][across].shape


def test_figures_are_means_and_deviations_over_splits(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "f.json"
    done = runner.invoke(app, ["fusion", "--scores", str(folder), "--splits", "3", "--json", str(target)])
    assert done.exit_code == 0, done.output
    body = json.loads(target.read_text())
    assert body["benchmark"] == "fusion"
    rate = {(row["set"], row["metric"]): row for row in body["results"]}
    assert {name for name, _ in rate} == {"face", "finger", "face+finger", "face+finger/scores_only"}
    fused, best = rate["face+finger", "eer"]["value"], min(rate[one, "eer"]["value"] for one in ("face", "finger"))
    assert fused < best
    one = rate["face", "tar_at_fmr_1e-3"]
    singles = read_matrices(folder, ["face"])
    values = []
    for split in range(3):
        part = singles.part(~fit_half(singles.subjects, split))
        curve = comparisons(part.mated()[:, 0], part.non_mated()[:, 0]).curve()
        values.append(1 - curve.fnmr_at_fmr(1e-3))
    assert one["value"] == pytest.approx(np.mean(values))
    assert rate["face", "tar_at_fmr_1e-3_sd"]["value"] == pytest.approx(np.std(values, ddof=1))
    assert ("face", "tar_at_fmr_1e-4") not in rate, "1,980 comparisons do not speak of 1e-4"


def test_the_simulation_has_the_strengths_it_states() -> None:
    world = World.of(32)
    location = locate(world)
    random = np.random.default_rng(1)
    people = People.draw(4000, random)
    probe = random.integers(4000, size=400_000)
    others = non_mated(world, people, probe, (probe + 1) % 4000, random)
    reached = np.mean(mated(world, people, location, random) > np.quantile(others, 1 - 1e-4, axis=0), axis=0)
    assert reached == pytest.approx(world.strength, abs=0.06)
    mates, pairs = simulate(world, location, 30, random)
    assert mates.shape == (30, len(MATCHERS))
    assert pairs.shape == (30 * 29, len(MATCHERS))
    assert np.all(mates[:, 2:] == np.floor(mates[:, 2:]))
    assert np.corrcoef(mates[:, 0], mates[:, 1])[0, 1] > 0.2 or np.corrcoef(pairs[:, 0], pairs[:, 1])[0, 1] > 0.1
