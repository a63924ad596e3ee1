from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image as Pillow

from benchmarks.common.report import ScoreRow
from benchmarks.face import card as face_card
from benchmarks.face import quality as face_quality
from benchmarks.face import sheet as face_sheet
from benchmarks.face import speed as face_speed
from benchmarks.face.card import Cards, comparisons
from benchmarks.face.gallery import Gallery, Templates
from biometrics.face import Embedded, FaceEngine, FaceTemplate
from biometrics.face.detection import detect
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from tests.biometrics.face.conftest import Group, group_photograph
from tests.biometrics.pictures import encode


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return FaceEngine.open()


@pytest.fixture(scope="module")
def group(engine: FaceEngine) -> Group:
    rgb = decode(group_photograph()).rgb
    return Group(rgb, sorted(detect(engine._detector, rgb, side=640), key=lambda face: float(face.box[0])))


def portrait(group: Group, index: int) -> bytes:
    picture = Pillow.fromarray(group.portrait(index, 2.6)).resize((250, 250), Pillow.Resampling.BICUBIC)
    return encode(picture, "JPEG", quality=92)


def test_a_reference_is_as_a_chip_holds_it_and_the_same_every_time(engine: FaceEngine, group: Group) -> None:
    cards = Cards(engine)
    data = portrait(group, 3)
    made = cards.reference(data, "a/1.jpg")
    picture = Pillow.open(BytesIO(made))
    assert picture.size == (102, 126)
    assert cards.reference(data, "a/1.jpg") == made
    assert cards.reference(data, "a/2.jpg") != made
    corners = np.asarray(picture)[:8, [0, 1, 2, 99, 100, 101]].astype(float)
    assert abs(corners.mean() - face_card.GROUND) < 25  # plain and light
    assert engine.compare(engine.extract(made), engine.extract(data)) > 0.5


def test_a_chips_bytes_are_few() -> None:
    noise = Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (126, 102, 3), dtype=np.uint8))
    stream = BytesIO()
    rate = 102 * 126 * 3 / face_card.BYTES
    noise.save(stream, "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True, no_jp2=True)
    assert 0.8 * face_card.BYTES < len(stream.getvalue()) <= 1.1 * face_card.BYTES


def test_a_probe_is_worse_and_still_the_person(engine: FaceEngine, group: Group) -> None:
    cards = Cards(engine)
    data = portrait(group, 4)
    made = cards.probe(data, "a/1.jpg")
    assert made == cards.probe(data, "a/1.jpg")
    assert decode(made).rgb.shape == (250, 250, 3)
    worse, good = engine.extract(made), engine.extract(data)
    assert 0.5 < engine.compare(worse, good) < 0.99
    assert worse.quality < good.quality


def test_a_picture_without_a_face_stays_what_it_is(engine: FaceEngine) -> None:
    nothing = encode(np.zeros((100, 100, 3), np.uint8))
    assert Cards(engine).reference(nothing, "a/1.jpg") == nothing


def test_references_meet_the_probes_of_all_other_people(engine: FaceEngine) -> None:
    rng = np.random.default_rng(1)
    names = [f"{person}/{number}.jpg" for person in "abc" for number in (1, 2)]
    sides = [
        Templates(engine, {name: FaceTemplate.of(engine.engine, rng.normal(size=128), 50) for name in names}, half)
        for half in (None, None)
    ]
    row = ScoreRow("a/1.jpg", "a/2.jpg", True, 0.5)
    found = comparisons(sides[0], sides[1], [row])
    assert found.mated.tolist() == [0.5]
    assert len(found.non_mated) == 6 * 4
    expected = [sides[0].of[a].vector @ sides[1].of[b].vector for a in names for b in names if a[0] != b[0]]
    np.testing.assert_allclose(np.sort(found.non_mated), np.sort(expected), atol=1e-3)
    half = {name: int(name[0] == "c") for name in names}
    first, second = (Templates(engine, side.of, half) for side in sides)
    halved = comparisons(first, second, [row])
    assert len(halved.non_mated) == 2 * 2 * 2


def test_discarding_the_worst_shows_what_quality_knows() -> None:
    """A hundred people; the ten comparisons of lowest quality fail, or ten at random."""
    rows = [ScoreRow(f"p{i}/1.jpg", f"p{i}/2.jpg", True, 0.1 if i < 10 else 0.9) for i in range(100)]
    knows = np.arange(100, dtype=np.float64)
    guesses = np.random.default_rng(0).permutation(100).astype(np.float64)
    for quality, low, high in ((knows, 0.99, 1.0), (guesses, -0.2, 0.4)):
        results = {row.metric: row for row in face_quality.discards("made", "1e-3", rows, quality, 0.5)}
        assert results["fnmr_at_1e-3_discard_0"].value == pytest.approx(0.1)
        assert low <= results["cut_10_at_1e-3"].value <= high


def test_what_a_calibration_states_is_counted_by_quality() -> None:
    """Six people with two pictures each; everybody's first one is of low quality and like everybody else's."""
    engine = cast("FaceEngine", SimpleNamespace(engine="made-1"))
    axes = np.eye(128)
    vectors = {
        f"p{i}/{kind}.jpg": axes[0] + 0.1 * axes[i + 1] if kind == "poor" else axes[i + 10]
        for i in range(6)
        for kind in ("poor", "good")
    }
    made = Templates(engine, {name: FaceTemplate.of("made-1", vector, 50) for name, vector in vectors.items()})
    embedded = {name: Embedded(np.zeros(128, np.float32), 10 if "poor" in name else 90) for name in vectors}
    knots = (np.array([0.0, 1.0]), np.array([0.0, -20.0]), np.array([-1.0, 1.0]))
    calibration = Calibration("made-1", *knots, measured_to=1e-3, provenance={})
    found = face_quality.stated("made", made, Gallery(embedded), calibration)
    shares = {(row.set, row.metric, row.n): row.value for row in found}
    # Sixty pairs of pictures of two people; the fifteen of two good ones have a band of their own.
    low, high = ("made/quality_10..50", 45), ("made/quality_90..90", 15)
    assert {(name, count) for name, _, count in shares} == {low, high}
    assert shares[low[0], "fmr_at_stated_1e-3", 45] == pytest.approx(15 / 45), "the poor ones are alike"
    assert shares[high[0], "fmr_at_stated_1e-2", 15] == 0


def test_the_sheet_shows_the_hardest_first(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    shades = {"dark.png": 20, "light.png": 230}
    for name, shade in shades.items():
        Pillow.new("RGB", (50, 50), (shade,) * 3).save(tmp_path / "a" / name)
    rows = [
        ScoreRow("a/light.png", "a/light.png", True, 0.9),
        ScoreRow("a/dark.png", "a/dark.png", True, 0.2),
        ScoreRow("a/dark.png", "a/dark.png", True, -np.inf),
        ScoreRow("a/light.png", "a/dark.png", False, 0.4),
    ]
    mated, other = face_sheet.write(tmp_path / "sheets", tmp_path, rows)
    shown = np.asarray(Pillow.open(mated).convert("L"))
    assert shown[60, 60] < 60 < 200 < shown[60, 185]
    assert other.is_file()


def test_what_a_template_costs_adds_up(
    engine: FaceEngine, group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(portrait(group, 3))
    monkeypatch.setattr(face_speed, "ROUNDS", 1)
    monkeypatch.setattr(face_speed, "CAPTURES", 1)
    results = {(row.set, row.metric): row.value for row in face_speed.run(tmp_path, None)}
    for size in face_speed.SIZES:
        whole, networks, rest = (
            results[f"{size}/mirror", metric] for metric in ("extract_ms", "networks_ms", "rest_ms")
        )
        assert whole == pytest.approx(networks + rest)
        assert 0 < rest < whole
    assert results["capture/mirror", "networks_ms"] > results["capture/no_mirror", "networks_ms"]
