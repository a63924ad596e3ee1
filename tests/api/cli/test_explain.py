"""`renzheng explain`: pictures and templates in, a picture, figures and a trace out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from api.cli.main import app
from biometrics.finger import FingerEngine
from biometrics.finger.interchange import Format, write
from biometrics.finger.synthesis import generate
from tests.biometrics.finger.points import captured_again, of_points, random_finger

FINGER = random_finger(21)
AGAIN = captured_again(FINGER, turn=0.2, jitter=0.5, seed=1)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FingerEngine, "open", lambda: FingerEngine.__new__(FingerEngine))


def run(*arguments: Path | str) -> Result:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


@pytest.mark.usefixtures("no_network")
def test_two_templates_of_any_format(tmp_path: Path) -> None:
    one, two, out = tmp_path / "one.rzmt", tmp_path / "two.fmr", tmp_path / "deep" / "out"
    one.write_bytes(FINGER.to_bytes())
    two.write_bytes(write([AGAIN], Format.ANSI_2004))
    result = run(one, two, "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["explanation.json", "explanation.png"]
    with Image.open(out / "explanation.png") as picture:
        assert picture.size[0] > 1500
    figures = json.loads((out / "explanation.json").read_text("utf-8"))
    assert figures["score"] == pytest.approx(sum(part["points"] for part in figures["parts"]))
    assert figures["minutiae"] == [len(FINGER), len(AGAIN)]
    assert figures["engines"] == [FINGER.engine, "import:ansi-378:2004"]
    assert figures["movement"]["turned_degrees"] == pytest.approx(11.5, abs=1)
    pair = figures["pairs"][0]
    assert pair["reached_from"] is None
    assert pair["probe"]["kind"] in {"ending", "bifurcation"}
    assert pair["probe"]["x"] == FINGER.x[pair["probe"]["number"]]
    assert len(figures["pairs"]) > 30
    assert f"Score {figures['score']:.1f}" in result.output


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("turn", [90, -30])
def test_a_turn_is_that_of_the_probe_clockwise_as_one_looks_at_it(tmp_path: Path, turn: int) -> None:
    """Pillow turns pictures anticlockwise: B is A's picture turned clockwise by `turn`, its points with it."""
    page = Image.new("L", (401, 401))
    for number, (x, y) in enumerate(zip(FINGER.x, FINGER.y, strict=True)):
        page.putpixel((round(float(x)), round(float(y))), number + 1)
    turned = np.asarray(page.rotate(-turn))
    found = {int(turned[y, x]): (float(x), float(y)) for y, x in np.argwhere(turned)}
    kept = np.array(sorted(found)) - 1
    x, y = np.array([found[number + 1] for number in kept]).T
    # Directions are those of the ridges in the picture: they turn with it.
    other = of_points(x, y, FINGER.direction[kept] + math.radians(turn), FINGER.kind[kept])
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, template in zip(paths, (FINGER, other), strict=True):
        path.write_bytes(template.to_bytes())
    result = run(*paths, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    movement = json.loads((tmp_path / "explanation.json").read_text("utf-8"))["movement"]
    assert movement["turned_degrees"] == pytest.approx(turn, abs=1)
    sense = "clockwise" if turn > 0 else "anticlockwise"
    assert (movement["moves"], movement["turned"]) == ("probe (A) onto reference (B)", sense)
    assert f"° {sense} from A" in result.output
    # The first pair's probe minutia, moved as it is said, lies on its reference one.
    pair = json.loads((tmp_path / "explanation.json").read_text("utf-8"))["pairs"][0]
    angle = math.radians(movement["turned_degrees"])
    dx, dy = (pair["probe"][axis] - movement["from"][place] for place, axis in enumerate("xy"))
    assert movement["to"][0] + math.cos(angle) * dx - math.sin(angle) * dy == pytest.approx(
        pair["reference"]["x"], abs=2
    )
    assert movement["to"][1] + math.sin(angle) * dx + math.cos(angle) * dy == pytest.approx(
        pair["reference"]["y"], abs=2
    )


@pytest.mark.usefixtures("no_network")
def test_no_pairs_have_no_movement(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(random_finger(1, 3).to_bytes())
    two.write_bytes(FINGER.to_bytes())
    assert run(one, two, "--out", tmp_path).exit_code == 0
    figures = json.loads((tmp_path / "explanation.json").read_text("utf-8"))
    assert (figures["score"], figures["movement"], figures["pairs"], figures["parts"]) == (0.0, None, [], [])


def test_pictures_and_their_trace(tmp_path: Path) -> None:
    paths = [tmp_path / f"{impression}.png" for impression in (0, 1)]
    for impression, path in enumerate(paths):
        Image.fromarray(generate(3, impression)).save(path)
    result = run(*paths, "--out", tmp_path, "--trace")
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "explanation.json").read_text("utf-8"))
    assert figures["score"] > 40
    with np.load(tmp_path / "trace.npz") as trace:
        assert {"A/resampled", "B/resampled", "tree", "votes", "roots", "support", "evidence"} <= set(trace)
        np.testing.assert_array_equal(trace["A/resampled"], generate(3, 0))
        assert len(trace["tree"]) == len(figures["pairs"])


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (write([FINGER, AGAIN], Format.ISO_2005), "two.bin holds 2 templates"),
        (FINGER.to_bytes()[:40], "template_malformed"),
        (b"FMR\x00 10\x00", "template_version_unsupported"),
        (b"neither a template nor a picture", "image_"),
        (FINGER.to_bytes().replace(b"leader-edges-2", b"leader-edges-0"), "template_engine_mismatch"),
    ],
)
def test_what_cannot_be_explained_fails_with_a_reason(tmp_path: Path, data: bytes, words: str) -> None:
    one, two = tmp_path / "one.bin", tmp_path / "two.bin"
    one.write_bytes(FINGER.to_bytes())
    two.write_bytes(data)
    result = run(one, two, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert words in result.output
    assert not (tmp_path / "out").exists()


def test_usage_errors(tmp_path: Path) -> None:
    assert run(tmp_path / "missing", tmp_path / "missing", "--out", tmp_path).exit_code == 2
    present = tmp_path / "present"
    present.write_bytes(FINGER.to_bytes())
    assert run(present, present).exit_code == 2
    assert run(present, present, "--out", tmp_path, "--dpi", "5").exit_code == 2
