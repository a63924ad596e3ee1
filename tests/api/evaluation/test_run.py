"""Running an engine over pairs: one that compares words instead of pictures, and the real one on generated prints."""

import io
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from PIL import Image

import models
from api.evaluation.engines import Engine, open_engine
from api.evaluation.files import FAILED, Pair
from api.evaluation.run import Failed, ImagesMissing, find_images, score_pairs
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.finger.synthesis import generate


class WordEngine:
    """A picture is a number or a reason for failure; the score is how near two numbers are."""

    def __init__(self) -> None:
        self.extracted: list[bytes] = []
        self.prepared: list[int] = []
        self._lock = threading.Lock()

    def engine(self) -> Engine:
        return Engine("words-1", self.extract, self.prepare, self.compare)

    def extract(self, image: bytes) -> int:
        with self._lock:
            self.extracted.append(image)
        word = image.decode()
        if word.startswith("image_"):
            raise InvalidImage(word)
        if not word.isdecimal():
            raise NotAssessable(word)
        return int(word)

    def prepare(self, template: int) -> tuple[int, ...]:
        with self._lock:
            self.prepared.append(template)
        return (template,)

    def compare(self, probe: tuple[int, ...], reference: tuple[int, ...]) -> float:
        return -abs(probe[0] - reference[0]) + 0.25 * (probe[0] > reference[0])


def quietly(items: Iterable[object], description: str, total: int) -> Iterator[object]:
    done = list(items)
    assert len(done) == total, description
    return iter(done)


def images(folder: Path, **words: str) -> Path:
    for name, word in words.items():
        (folder / f"{name}.png").write_text(word)
    return folder


def test_scores_in_the_order_of_the_pairs(tmp_path: Path) -> None:
    folder, words = images(tmp_path, a="1", b="5", c="7"), WordEngine()
    pairs = [Pair("a", "b", True), Pair("b", "a", True), Pair("c", "b", False), Pair("a", "c", False)]
    run = score_pairs(words.engine(), pairs, folder, threads=2, progress=quietly)
    assert [row.score for row in run.scored] == [-3.75, -4.0, -2.0, -5.75], "probe and reference are not mixed up"
    assert [row.pair for row in run.scored] == pairs
    assert sorted(words.extracted) == [b"1", b"5", b"7"], "each image once"
    assert sorted(words.prepared) == [1, 5, 7]
    assert (run.images, run.failed("fta"), run.failed("fte")) == (3, 0, 0)


def test_failures_are_rejections_and_told_apart(tmp_path: Path) -> None:
    folder = images(tmp_path, a="1", b="no_face", c="low_quality", d="image_truncated")
    pairs = [Pair("a", "b", True), Pair("c", "a", True), Pair("d", "d", True), Pair("a", "a", True)]
    run = score_pairs(WordEngine().engine(), pairs, folder, threads=1, progress=quietly)
    assert [row.score for row in run.scored] == [FAILED, FAILED, FAILED, 0.0]
    assert dict(run.failures) == {Failed("no_face"): 1, Failed("low_quality"): 1, Failed("image_truncated"): 1}
    assert (run.images, run.failed("fta"), run.failed("fte")) == (4, 2, 1)


def test_names_with_and_without_ending_and_folder(tmp_path: Path) -> None:
    (tmp_path / "x[1]").mkdir()
    for name in ("x[1]/a_1.jpg", "b_1", "c.1.png", "d.png", "d.bmp"):
        (tmp_path / name).touch()
    found = find_images([Pair("x[1]/a_1", "b_1", True), Pair("c.1", "x[1]/a_1.jpg", True)], tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.values()] == [
        "x[1]/a_1.jpg", "b_1", "c.1.png", "x[1]/a_1.jpg",
    ]  # fmt: skip
    with pytest.raises(ImagesMissing, match="1 of 2 listed images"):
        find_images([Pair("b_1", "d", True)], tmp_path)


def test_the_finger_engine_on_generated_prints(tmp_path: Path) -> None:
    names = [f"{finger}_{impression}" for finger in (1, 2) for impression in (0, 1)]
    for name in names:
        finger, impression = (int(part) for part in name.split("_"))
        buffer = io.BytesIO()
        Image.fromarray(generate(finger, impression)).save(buffer, "PNG")
        (tmp_path / f"{name}.png").write_bytes(buffer.getvalue())
    (tmp_path / "3_0.png").write_bytes(b"no picture")
    pairs = [Pair("1_0", "1_1", True), Pair("2_0", "2_1", True), Pair("1_0", "2_1", False), Pair("1_0", "3_0", False)]
    run = score_pairs(open_engine("finger", models.home()), pairs, tmp_path, threads=2, progress=quietly)
    mated, non_mated = [run.scored[0].score, run.scored[1].score], run.scored[2].score
    assert min(mated) > non_mated >= 0
    assert run.scored[3].score == FAILED
    assert dict(run.failures) == {Failed("image_not_an_image"): 1}
