"""A snapshot gives the gallery back, and nothing that was changed on disk is taken for one."""

import json
from pathlib import Path

import numpy as np
import pytest

from biometrics.gallery import Gallery, Precision, SnapshotError, load, save
from tests.biometrics.gallery.people import directions, near

ENGINE = "test-1"
SIZE = 2_000


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> Gallery:
    for module in ("gallery", "stages", "snapshot"):
        monkeypatch.setattr(f"biometrics.gallery.{module}.EXACT_UP_TO", 1_000)
    made = Gallery.of(ENGINE, np.arange(SIZE), directions(SIZE), until=np.full(SIZE, 500), sequence=11)
    made.change(12, keys=[SIZE + 3], vectors=directions(1, seed=6), removed=[4])
    return made


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("size", [0, 10, SIZE])
def test_what_was_saved_is_loaded(tmp_path: Path, size: int, precision: Precision) -> None:
    saved = Gallery.of(ENGINE, np.arange(size), directions(size), sequence=5, precision=precision)
    save(saved, tmp_path)
    loaded = load(tmp_path, ENGINE)
    probes = directions(5, seed=3)
    assert loaded.sequence == 5
    assert len(loaded) == size
    assert loaded.search(probes, 4).keys.tolist() == saved.search(probes, 4).keys.tolist()
    assert loaded.search(probes, 4).scores.tolist() == saved.search(probes, 4).scores.tolist()


def test_a_loaded_gallery_goes_on(gallery: Gallery, tmp_path: Path) -> None:
    save(gallery, tmp_path)
    loaded = load(tmp_path, ENGINE)
    assert 4 not in loaded.search(directions(SIZE)[4:5], 5).keys
    assert loaded.search(directions(1, seed=6), 1).keys[0, 0] == SIZE + 3
    newcomer = directions(1, seed=99)
    loaded.change(13, keys=[SIZE + 4], vectors=newcomer, until=[600], removed=[7])
    assert loaded.search(near(newcomer, 0.8), 1, day=550).keys[0, 0] == SIZE + 4
    assert 7 not in loaded.search(directions(SIZE)[7:8], 5).keys
    save(loaded, tmp_path)
    again = load(tmp_path, ENGINE)
    assert again.sequence == 13
    assert again.search(near(newcomer, 0.8), 1, day=550).keys[0, 0] == SIZE + 4
    assert len(again.rebuilt()) == len(again) == SIZE


def test_only_the_last_snapshot_is_kept_and_nobody_else_reads_it(gallery: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    save(gallery, folder)
    loaded = load(folder, ENGINE)
    save(gallery, folder)
    assert len(list(folder.iterdir())) == 6
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    # The first one's file is gone, and still mapped.
    assert loaded.search(near(directions(SIZE)[9:10], 0.8), 1).keys[0, 0] == 9


def test_there_may_be_none(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError) as error:
        load(tmp_path, ENGINE)
    assert error.value.code == "snapshot_missing"


def test_another_engine_s_is_refused(gallery: Gallery, tmp_path: Path) -> None:
    save(gallery, tmp_path)
    with pytest.raises(SnapshotError) as error:
        load(tmp_path, "test-2")
    assert error.value.code == "snapshot_engine_mismatch"


@pytest.mark.parametrize("part", ["numbers", "scales", "keys", "until", "codes"])
@pytest.mark.parametrize("harm", ["bit", "cut", "gone"])
def test_a_damaged_file_is_noticed(gallery: Gallery, tmp_path: Path, part: str, harm: str) -> None:
    save(gallery, tmp_path)
    [path] = tmp_path.glob(f"*.{part}")
    data = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data if harm == "bit" else data[:-1])
    with pytest.raises(SnapshotError) as error:
        load(tmp_path, ENGINE)
    assert error.value.code == "snapshot_damaged"


@pytest.mark.parametrize(
    "change",
    [
        {"entries": 3},
        {"dimensions": 64},
        {"precision": "twelve"},
        {"precision": "other"},
        {"form": 3},
        {"files": {}},
        {"files": None},
        {"sequence": "x"},
    ],
)
def test_a_manifest_that_lies_is_noticed(gallery: Gallery, tmp_path: Path, change: dict[str, object]) -> None:
    save(gallery, tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(SnapshotError) as error:
        load(tmp_path, ENGINE)
    assert error.value.code == "snapshot_damaged"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"form": 4}', "\x00"])
def test_what_is_no_manifest_is_noticed(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SnapshotError) as error:
        load(tmp_path, ENGINE)
    assert error.value.code == "snapshot_damaged"


def test_a_manifest_names_only_files_of_its_folder(gallery: Gallery, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    save(gallery, folder)
    save(gallery, outside)
    told = json.loads((folder / "manifest.json").read_text())
    other = json.loads((outside / "manifest.json").read_text())
    told["files"]["keys"] = {**other["files"]["keys"], "name": f"../out/{other['files']['keys']['name']}"}
    (folder / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(SnapshotError):
        load(folder, ENGINE)


def test_who_dies_while_writing_leaves_the_old_one(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(gallery, tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("biometrics.gallery.snapshot._write", full)
    gallery.change(20, removed=[5])
    with pytest.raises(OSError, match="No space"):
        save(gallery, tmp_path)
    assert load(tmp_path, ENGINE).sequence == 12
    monkeypatch.undo()
    save(gallery, tmp_path)
    assert load(tmp_path, ENGINE).sequence == 20
    assert len(list(tmp_path.iterdir())) == 6
