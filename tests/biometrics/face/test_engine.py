from __future__ import annotations

import csv
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, ImageFilter
from PIL import Image as Pillow

from biometrics.errors import IncompatibleTemplates, InvalidImage, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.face.detection import detect
from biometrics.face.refinement import refine
from models.errors import PackMissing
from tests.biometrics.face.conftest import Group, group_photograph
from tests.biometrics.pictures import encode

# Cosines of different people exceed the first in one of 10,000 comparisons on LFW.
FMR_1E_4, CLEARLY_SAME = 0.37, 0.6


def chip_picture(portrait: NDArray[np.uint8]) -> bytes:
    """As an identity card's chip holds it: 102 x 126 pixels, heavily compressed."""
    side = portrait.shape[0]
    left = round(side * (1 - 102 / 126) / 2)
    upright = Pillow.fromarray(portrait[:, left : side - left])
    return encode(upright.resize((102, 126), Pillow.Resampling.LANCZOS), "JPEG", quality=40)


def capture(portrait: NDArray[np.uint8]) -> bytes:
    """As a camera at another moment would have it: larger, turned by 6 degrees, darker, noisy, a little blurred."""
    noise = np.random.default_rng(11).normal(0, 4, (300, 300, 3))
    turned = (
        Pillow.fromarray(portrait).resize((300, 300), Pillow.Resampling.BICUBIC).rotate(6, Pillow.Resampling.BICUBIC)
    )
    darker = np.asarray(turned.filter(ImageFilter.GaussianBlur(1))) * 0.7 + noise
    return encode(np.clip(darker, 0, 255).astype(np.uint8), "JPEG", quality=80)


def reason(engine: FaceEngine, picture: NDArray[np.uint8]) -> str:
    with pytest.raises(NotAssessable) as caught:
        engine.extract(encode(picture))
    return caught.value.reason


@pytest.fixture(scope="module")
def references(engine: FaceEngine, group: Group) -> list[FaceTemplate]:
    return [engine.extract(chip_picture(group.portrait(index))) for index in range(6)]


def test_captures_match_the_own_chip_picture_and_no_other(
    engine: FaceEngine, group: Group, references: list[FaceTemplate]
) -> None:
    probes = [engine.extract(capture(group.portrait(index))) for index in range(6)]
    scores = np.array([[engine.compare(probe, reference) for reference in references] for probe in probes])
    assert scores.diagonal().min() > 0.5  # one of the six looks far to the side
    assert np.median(scores.diagonal()) > 0.8
    assert scores[~np.eye(6, dtype=bool)].max() < FMR_1E_4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_all_four_rotations_through_exif_are_the_same_face(
    engine: FaceEngine, group: Group, references: list[FaceTemplate], orientation: int
) -> None:
    turns = {1: 0, 3: 2, 6: 1, 8: 3}
    exif = Pillow.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    lying = np.ascontiguousarray(np.rot90(group.portrait(3), turns[orientation]))
    upright = engine.extract(encode(group.portrait(3)))
    found = engine.extract(encode(lying, "PNG", exif=exif))
    assert engine.compare(found, upright) == pytest.approx(1, abs=1e-3)
    assert engine.compare(found, references[3]) > CLEARLY_SAME


@pytest.mark.parametrize("side", [80, 126, 250, 480, 1100, 2400])
def test_size_does_not_change_the_face(engine: FaceEngine, group: Group, side: int) -> None:
    portrait = Pillow.fromarray(group.portrait(4))
    resized = np.asarray(portrait.resize((side, side), Pillow.Resampling.BICUBIC))
    expected = 0.7 if side == 80 else 0.85
    assert engine.compare(engine.extract_pixels(resized), engine.extract_pixels(group.portrait(4))) > expected


def test_a_big_jpeg_gives_the_template_of_a_small_one(engine: FaceEngine, group: Group) -> None:
    big = Pillow.fromarray(group.portrait(4)).resize((3200, 3200), Pillow.Resampling.BICUBIC)
    assert engine.compare(engine.extract(encode(big, "JPEG")), engine.extract_pixels(group.portrait(4))) > 0.85


def test_the_same_bytes_give_the_same_template(engine: FaceEngine, group: Group) -> None:
    data = capture(group.portrait(1))
    assert engine.extract(data).to_bytes() == engine.extract(data).to_bytes()
    assert FaceEngine.open().extract(data).to_bytes() == engine.extract(data).to_bytes()


def test_threads_share_an_engine(engine: FaceEngine, group: Group) -> None:
    files = [capture(group.portrait(index)) for index in range(6)]
    expected = [engine.extract(data).to_bytes() for data in files]
    found: dict[int, bytes] = {}

    def work(index: int) -> None:
        found[index] = engine.extract(files[index]).to_bytes()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(6)] == expected


def test_scores_are_symmetric_cosines(engine: FaceEngine, references: list[FaceTemplate]) -> None:
    first, second = references[:2]
    assert engine.compare(first, second) == engine.compare(second, first)
    assert -1 <= engine.compare(first, second) <= 1
    assert engine.compare(first, first) == pytest.approx(1, abs=1e-6)
    opposite = FaceTemplate.of(engine.engine, -first.vector, 50)
    assert engine.compare(first, opposite) == pytest.approx(-1, abs=1e-3)


def test_a_stored_template_scores_as_the_fresh_one(engine: FaceEngine, references: list[FaceTemplate]) -> None:
    first, second = references[:2]
    stored = FaceTemplate.from_bytes(second.to_bytes())
    assert engine.compare(first, stored) == engine.compare(first, second)


def test_templates_of_another_engine_are_refused(engine: FaceEngine, references: list[FaceTemplate]) -> None:
    other = replace(references[0], engine="other-1")
    for pair in ((other, references[0]), (references[0], other), (other, other)):
        with pytest.raises(IncompatibleTemplates) as caught:
            engine.compare(*pair)
        assert caught.value.code == "template_engine_mismatch"


def test_what_cannot_be_assessed_has_its_reason(engine: FaceEngine, group: Group) -> None:
    assert reason(engine, np.zeros((480, 640, 3), np.uint8)) == "no_face"
    assert reason(engine, group.rgb[640:880, 700:1000]) == "no_face"
    pair = np.concatenate([group.portrait(2, 1.5), group.portrait(2, 1.5)[:, ::-1]], axis=1)
    assert reason(engine, pair) == "multiple_faces"
    assert reason(engine, group.rgb) == "multiple_faces"
    blurred = Pillow.fromarray(group.portrait(3)).filter(ImageFilter.GaussianBlur(9))
    assert reason(engine, np.asarray(blurred)) in {"low_quality", "no_face"}
    tiny = np.asarray(Pillow.fromarray(group.portrait(3)).resize((38, 38), Pillow.Resampling.BOX))
    assert reason(engine, tiny) == "low_quality"


def test_a_bystander_at_the_side_is_not_the_holder(
    engine: FaceEngine, group: Group, references: list[FaceTemplate]
) -> None:
    left, top = 400, 100  # a view with the third face in the middle and the second at the side
    view = group.rgb[top : top + 480, left - 200 : left + 440]
    assert len(engine.detect(view)) >= 2
    assert engine.compare(engine.extract_pixels(view), references[2]) > CLEARLY_SAME


def test_no_picture_is_an_error_of_its_own(engine: FaceEngine) -> None:
    for data in (b"", b"no picture", group_photograph()[:5000]):
        with pytest.raises(InvalidImage):
            engine.extract(data)


def test_the_second_look_agrees_with_the_first_and_survives_finding_nothing(engine: FaceEngine, group: Group) -> None:
    for face in group.faces:
        refined = refine(engine._detector, group.rgb, face)
        assert np.abs(refined - face.points).max() < 0.2 * face.eye_distance
        np.testing.assert_array_equal(refine(engine._detector, np.zeros_like(group.rgb), face), face.points)


def test_the_second_look_does_not_favour_a_side(engine: FaceEngine, group: Group) -> None:
    """Landmarks of the mirrored photograph are the mirrored landmarks, more nearly so than those of one look."""
    last = group.rgb.shape[1] - 1
    mirrored = np.ascontiguousarray(group.rgb[:, ::-1])
    once = {round(float(last - face.centre[0])): face for face in detect(engine._detector, mirrored, side=640)}
    apart = []
    for face in group.faces:
        there = once[min(once, key=lambda x: abs(x - face.centre[0]))]
        refined, back = refine(engine._detector, group.rgb, face), refine(engine._detector, mirrored, there)
        apart.append(
            [
                np.abs(points[[1, 0, 2, 4, 3]] * (-1, 1) + (last, 0) - straight).mean()
                for points, straight in ((back, refined), (there.points, face.points))
            ]
        )
    twice, single = np.mean(apart, axis=0)
    assert twice < 0.6 * single


def test_a_missing_pack_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="renzheng models pull"):
        FaceEngine.open(tmp_path)


def test_neither_insightface_nor_opencv_is_imported() -> None:
    script = "import sys, biometrics.face; print(sorted({'cv2', 'insightface', 'onnx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.shared_data
def test_labelled_photographs_of_fifty_pairs(engine: FaceEngine, lfw: Path) -> None:
    with (lfw / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sides = {}
    for mated in ("1", "0"):
        listed = [row for row in rows if row["mated"] == mated]
        pairs = listed[:: len(listed) // 25][:25]
        sides[mated] = [
            engine.compare(
                engine.extract((lfw / row["probe"]).read_bytes()), engine.extract((lfw / row["reference"]).read_bytes())
            )
            for row in pairs
        ]
    assert np.mean(np.array(sides["1"]) > FMR_1E_4) >= 0.92
    assert max(sides["0"]) < FMR_1E_4


def test_several_pictures_make_one_template(engine: FaceEngine, group: Group) -> None:
    """Nearer to each picture than they are to one another, the better one counting more."""
    good = engine.extract_pixels(group.portrait(3))
    poor = replace(engine.extract(chip_picture(group.portrait(3))), quality=good.quality // 3)
    both = engine.consolidate([good, poor])
    assert engine.compare(both, good) > engine.compare(both, poor) > engine.compare(good, poor)
    assert (both.engine, both.quality) == (engine.engine, good.quality)
    assert engine.compare(engine.consolidate([good]), good) == pytest.approx(1, abs=1e-3)
    assert engine.consolidate([poor, good]).to_bytes() == both.to_bytes()


def test_templates_of_two_engines_make_none_together(engine: FaceEngine, group: Group) -> None:
    good = engine.extract_pixels(group.portrait(3))
    with pytest.raises(IncompatibleTemplates):
        engine.consolidate([good, replace(good, engine="sface-1")])
    with pytest.raises(ValueError, match="no template"):
        engine.consolidate([])
