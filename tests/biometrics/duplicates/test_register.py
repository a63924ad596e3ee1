"""The files of a register."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search.drawn_fingers import drawn
from biometrics.duplicates import POSITIONS, Entries, Register, RegisterError
from biometrics.duplicates.register import STEP, common
from biometrics.finger.sketch import sketch
from tests.biometrics.gallery.people import directions


def entries(keys: list[int], fingers: object = ()) -> Entries:
    return Entries(np.array(keys), directions(len(keys)), [fingers] * len(keys))  # type: ignore[list-item]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    thumb = drawn(1)
    told: list[int] = []
    held = [{"left_index": thumb, "left_thumb": None}, ("left_index",), ()]
    vectors = directions(3)
    blocks = [Entries(np.array([4, 9, 11]), vectors, held), entries([20])]
    built = Register.build(tmp_path / "r", "an-engine", blocks, progress=told.append)
    again = Register.open(tmp_path / "r")
    assert (again.engine, again.identity, len(again), again.jobs) == ("an-engine", built.identity, 4, 1)
    assert told == [3, 1]
    assert again.keys.tolist() == [4, 9, 11, 20]
    assert np.array_equal(again.halves[:3].astype(np.float32), vectors)
    assert np.abs(again.codes[:3] * STEP - vectors).max() <= STEP
    assert [common(int(bits), 2**10 - 1) for bits in again.held] == [
        ["left_thumb", "left_index"],
        ["left_index"],
        [],
        [],
    ]
    assert again.sketched.tolist() == [POSITIONS.index("left_index"), -1, -1, -1]
    codes, places = sketch(thumb)
    assert np.array_equal(again.sketch_codes[0], codes)
    assert np.array_equal(again.sketch_places[0], places)
    assert not again.sketch_codes[1:].any()
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("r/*") if path.suffix != ".json"} == {0}


def test_a_register_of_nobody(tmp_path: Path) -> None:
    assert (len(Register.build(tmp_path, "e", [])), Register.open(tmp_path).jobs) == (0, 0)


@pytest.mark.parametrize(
    "block",
    [
        entries([3, 3]),
        entries([-1, 2]),
        entries([1, 2], ("left_toe",)),
        entries([1, 2])._replace(fingers=[()]),
        entries([1, 2])._replace(vectors=directions(3)),
        entries([1])._replace(vectors=np.full((1, 128), np.nan, np.float32)),
    ],
)
def test_what_cannot_be_written(block: Entries, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keys|position|vector"):
        Register.build(tmp_path, "e", [block])
    with pytest.raises(RegisterError, match="no register was built") as told:
        Register.open(tmp_path)
    assert told.value.code == "register_missing"


def test_keys_grow_from_block_to_block(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keys must grow"):
        Register.build(tmp_path, "e", [entries([1, 5]), entries([5])])


@pytest.mark.parametrize("name", ["keys", "halves", "codes", "held", "sketched", "sketch_codes", "sketch_places"])
def test_a_file_that_is_shorter(name: str, tmp_path: Path) -> None:
    Register.build(tmp_path, "e", [entries([1, 2, 3])])
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with pytest.raises(RegisterError) as told:
        Register.open(tmp_path)
    assert told.value.code == "register_damaged"


def test_another_form(tmp_path: Path) -> None:
    Register.build(tmp_path, "e", [])
    facts = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(facts | {"form": 2}))
    with pytest.raises(RegisterError):
        Register.open(tmp_path)
