from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from PIL import ImageFilter

from benchmarks.common.report import Result, read_scores
from benchmarks.face import accuracy as benchmark
from benchmarks.face.gallery import Gallery, Templates, extract, pictures_below, subject_of, templates
from benchmarks.face.statistics import halves_of, held_out
from biometrics.errors import NotAssessable
from biometrics.face import Embedded, FaceEngine, FaceTemplate
from biometrics.face.detection import detect
from biometrics.face.fitting import fit
from biometrics.images import decode
from biometrics.scoring.bootstrap import Comparisons
from tests.biometrics.face.conftest import group_photograph

PEOPLE = tuple("abcdef")


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.open()


@pytest.fixture(scope="module")
def photographs(engine: FaceEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people, a folder each with two pictures; of `a` also a black one and one too blurred to judge."""
    folder = tmp_path_factory.mktemp("people")
    rgb = decode(group_photograph()).rgb
    faces = sorted(detect(engine._detector, rgb, side=640), key=lambda face: float(face.box[0]))
    for person, face in zip(PEOPLE, faces, strict=True):
        (folder / person).mkdir()
        left, top = (int(value) for value in face.centre - face.size * 1.1)
        portrait = Pillow.fromarray(rgb).crop((left, top, left + int(2.2 * face.size), top + int(2.2 * face.size)))
        portrait.save(folder / person / "1.jpg", quality=90)
        portrait.resize((126, 126)).save(folder / person / "2.jpg", quality=50)
    Pillow.new("RGB", (200, 200)).save(folder / "a" / "black.png")
    Pillow.open(folder / "d" / "1.jpg").resize((36, 36), Pillow.Resampling.BOX).filter(
        ImageFilter.GaussianBlur(0.3)
    ).save(folder / "a" / "small.png")
    return folder


@pytest.fixture(scope="module")
def pairs(photographs: Path) -> Path:
    """Every mated pair, neighbours as non-mated ones, and the two pictures that fail."""
    rows = [(f"{person}/1.jpg", f"{person}/2.jpg", 1) for person in PEOPLE]
    rows += [(f"{first}/1.jpg", f"{second}/1.jpg", 0) for first, second in itertools.pairwise(PEOPLE)]
    rows += [("a/1.jpg", "a/black.png", 1), ("a/small.png", "a/1.jpg", 1)]
    return written(photographs / "pairs.csv", rows)


def written(path: Path, rows: list[tuple[str, str, int]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("reference", "probe", "mated"), *rows])
    return path


def by_metric(results: list[Result]) -> dict[str, Result]:
    assert len({result.metric for result in results}) == len(results)
    return {result.metric: result for result in results}


def test_listed_pairs_are_measured_and_written(
    engine: FaceEngine, photographs: Path, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, figures = tmp_path / "scores.csv", tmp_path / "face.json"
    results = by_metric(benchmark.run(photographs, pairs, False, scores, figures))
    rows = read_scores(scores)
    assert len(rows) == 13
    assert [row.score for row in rows[-2:]] == [-np.inf, -np.inf]
    first = engine.extract((photographs / "a/1.jpg").read_bytes())
    second = engine.extract((photographs / "a/2.jpg").read_bytes())
    assert rows[0].score == pytest.approx(engine.compare(first, second), abs=1e-6)
    # 14 pictures are listed; one has no face, one is too poor. Two of eight mated pairs are lost with them.
    assert results["ftd"].value == results["fte"].value == pytest.approx(1 / 14)
    assert results["fta"].value == results["multiple_faces"].value == 0
    assert results["eer"].value == pytest.approx(0.25)
    assert results["eer"].n == 8
    assert results["extract_ms"].value > 1
    assert 0 < results["compare_ms"].value < results["extract_ms"].value
    assert results["template_bytes"].value == 272
    assert not {"accuracy", "tar_at_fmr_1e-3"} & set(results)  # six people and five non-mated pairs allow neither
    body = json.loads(figures.read_text(encoding="utf-8"))
    assert body["benchmark"] == "face"
    assert {row["metric"]: row["value"] for row in body["results"]}["eer"] == results["eer"].value
    # Six people are too few for statistics of their own: only those that ship are tested.
    assert {row["set"] for row in body["results"]} == {photographs.name, f"{photographs.name}/shipped"}
    assert "extract_ms" in capsys.readouterr().out


def test_which_failure_is_which(engine: FaceEngine, photographs: Path, pairs: Path) -> None:
    gallery = extract(engine, photographs, ["a/1.jpg", "a/black.png", "a/small.png", pairs.name])
    assert gallery.failures == {"a/black.png": "ftd", "a/small.png": "fte", "pairs.csv": "fta"}
    assert set(gallery.embedded) == {"a/1.jpg"}
    with pytest.raises(NotAssessable, match="low_quality"):
        engine.extract((photographs / "a/small.png").read_bytes())


def test_two_people_in_a_picture_are_counted_and_the_central_one_is_taken(
    engine: FaceEngine, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "x").mkdir()
    one, other = (Pillow.open(photographs / person / "1.jpg").resize((200, 200)) for person in "bd")
    both = Pillow.new("RGB", (380, 200))
    both.paste(one, (0, 0))
    both.paste(other.crop((20, 0, 200, 200)), (200, 0))
    both.save(tmp_path / "x" / "1.png")
    gallery = extract(engine, tmp_path, ["x/1.png"])
    assert gallery.several == {"x/1.png"}
    found = engine.template_of(gallery.embedded["x/1.png"])
    assert engine.compare(found, engine.extract((photographs / "d/1.jpg").read_bytes())) > 0.8


def test_cross_pairs_are_all_pairs_of_different_people(engine: FaceEngine, photographs: Path, pairs: Path) -> None:
    """Compared one by one through the engine, the same scores come out; with halves, those within a half."""
    names = sorted(pictures_below(photographs))
    assert len(names) == 14
    gallery = extract(engine, photographs, names)
    half = {name: int(name[0] in "bdf") for name in names}
    for sides in (None, half):
        made = Templates(engine, templates(engine, gallery).of, sides)
        rows = benchmark.score_rows(made, benchmark.read_pairs(pairs))
        found = benchmark.cross_comparisons(made, gallery, rows)
        expected = sorted(
            (made.score(a, b), PEOPLE.index(a[0]), PEOPLE.index(b[0]))
            for a in names
            for b in names
            if a[0] < b[0] and (sides is None or sides[a] == sides[b])
        )
        if sides is None:
            assert len(expected) == (14 * 13 - 4 * 3 - 5 * 2) // 2
            assert np.isinf(found.non_mated).sum() == 2 * 10
        assert len(found.non_mated) == len(expected)
        order = np.lexsort((found.non_mated_subjects[:, 1], found.non_mated_subjects[:, 0], found.non_mated))
        scores = np.array([score for score, *_ in expected])
        np.testing.assert_allclose(found.non_mated[order], scores, atol=1e-5)
        assert sorted(map(tuple, found.non_mated_subjects.tolist())) == sorted((a, b) for _, a, b in expected)
        assert found.mated.tolist() == pytest.approx([row.score for row in rows if row.mated])
        assert found.mated_subject.tolist() == [0, 1, 2, 3, 4, 5, 0, 0]


def many_people(engine: FaceEngine, people: int, nuisance: float) -> Gallery:
    """Embeddings of people with two pictures each: the first numbers are the person, the last ones the picture."""
    rng = np.random.default_rng(7)
    gallery = Gallery()
    for person in range(people):
        self = np.concatenate([rng.normal(size=64), np.zeros(64)])
        for picture in range(2):
            noise = np.concatenate([0.3 * rng.normal(size=64), nuisance * rng.normal(size=64)])
            gallery.embedded[f"p{person}/{picture}.jpg"] = Embedded((self + noise + 2).astype(np.float32), 50)
    return gallery


def test_held_out_templates_are_made_with_the_other_halfs_statistics(engine: FaceEngine) -> None:
    gallery = many_people(engine, 300, 1.5)
    joined = [("p0/0.jpg", "p1/0.jpg"), ("p1/1.jpg", "p2/0.jpg")]
    made = held_out(engine, gallery, joined)
    assert made is not None
    assert made.half is not None
    assert {made.half[name] for name in ("p0/0.jpg", "p0/1.jpg", "p1/0.jpg", "p2/1.jpg")} in ({0}, {1})
    sides = {side: [name for name in gallery.embedded if made.half[name] == side] for side in (0, 1)}
    assert min(map(len, sides.values())) > 200
    for side in (0, 1):
        others = sides[1 - side]
        vectors = np.stack([gallery.embedded[name].embedding for name in sorted(others)])
        fitted = fit(engine.engine, vectors, [subject_of(name) for name in sorted(others)])
        name = sides[side][0]
        expected = FaceTemplate.of(engine.engine, fitted.apply(gallery.embedded[name].embedding), 50)
        np.testing.assert_allclose(made.of[name].vector, expected.vector, atol=1e-3)
    assert held_out(engine, many_people(engine, 60, 1.0)) is None  # some thirty people a half


def test_halves_follow_names_only() -> None:
    names = [f"p{person}/{picture}.jpg" for person in range(200) for picture in range(2)]
    found = halves_of(names, [])
    assert halves_of(names[::-1], []) == found
    assert 60 < sum(found[name] for name in names[::2]) < 140
    assert all(found[f"p{person}/0.jpg"] == found[f"p{person}/1.jpg"] for person in range(200))
    chained = halves_of(names, [(f"p{person}/0.jpg", f"p{person + 1}/0.jpg") for person in range(50)])
    assert len({chained[f"p{person}/0.jpg"] for person in range(51)}) == 1


def subjects_comparisons(count: int, seed: int) -> Comparisons:
    """Per subject a mated comparison, and a non-mated one with its neighbour in a pair of subjects: two to a group."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, count, 2, dtype=np.int32)
    return Comparisons(
        rng.normal(0.7, 0.1, count).astype(np.float32),
        rng.normal(0.3, 0.1, count // 2).astype(np.float32),
        np.arange(count, dtype=np.int32),
        np.stack([first, first + 1], axis=1),
    )


def test_accuracy_is_that_of_thresholds_from_other_subjects() -> None:
    """Two normal distributions four deviations apart: the best threshold lies between, 97.7 % are right."""
    (result,) = benchmark.accuracy("made", subjects_comparisons(4000, 1))
    assert result.metric == "accuracy"
    assert result.n == 6000
    assert result.value == pytest.approx(0.97725, abs=0.006)
    assert result.low is not None
    assert result.high is not None
    assert result.low < result.value < result.high
    assert result.high - result.low < 0.02


def test_accuracy_does_not_see_the_fold_it_is_tested_on() -> None:
    """Labels that mean nothing: a threshold chosen on the tested pairs would look better than chance."""
    rng = np.random.default_rng(2)
    made = subjects_comparisons(400, 2)
    scores = rng.normal(size=600).astype(np.float32)
    random = Comparisons(scores[:400], scores[400:], made.mated_subject, made.non_mated_subjects)
    (result,) = benchmark.accuracy("made", random)
    own = max(float(np.mean(random.mated >= t) + np.mean(random.non_mated < t)) / 2 for t in scores)
    assert abs(result.value - 0.5) < 0.06
    assert own > result.value


def test_too_few_subjects_have_no_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.accuracy("made", subjects_comparisons(8, 3)) == []
    assert "too few" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "reference,probe,mated\na/1.jpg,a/2.jpg,yes\n",
        "reference,probe\na/1.jpg,a/2.jpg\n",
        "reference,probe,mated\na/1.jpg,a/2.jpg,1\n",
        "",
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(typer.BadParameter):
        benchmark.read_pairs(path)


def test_a_missing_picture_is_named_before_anything_is_computed(photographs: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "pairs.csv", [("a/1.jpg", "a/nobody.jpg", 1), ("a/1.jpg", "b/1.jpg", 0)])
    with pytest.raises(typer.BadParameter, match=r"1 listed pictures .* a/nobody\.jpg"):
        benchmark.run(photographs, path, False, None, None)


def test_the_subject_is_the_folder() -> None:
    assert subject_of("Ann_B/Ann_B_0001.jpg") == "Ann_B"
