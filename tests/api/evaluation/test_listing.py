"""The pairs of a folder: all of them, or a drawn part that is the same for the same seed."""

from pathlib import Path

from api.evaluation.listing import pairs_below
from api.evaluation.subjects import subject_of


def folder_of(path: Path, people: int, each: int) -> Path:
    for person in range(people):
        (path / f"p{person}").mkdir()
        for number in range(each):
            (path / f"p{person}" / f"{number}.jpg").touch()
    (path / "readme.txt").touch()
    return path


def test_all_pairs_of_a_small_folder(tmp_path: Path) -> None:
    found = pairs_below(folder_of(tmp_path, 4, 3), "face", most=1000, seed=0)
    assert sum(pair.mated for pair in found) == 4 * 3
    assert len(found) == 12 * 11 // 2
    assert len({(pair.reference, pair.probe) for pair in found}) == len(found)
    for pair in found:
        assert pair.mated == (subject_of(pair.reference, "face") == subject_of(pair.probe, "face"))


def test_of_more_a_part_is_drawn_by_the_seed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 10, 2)
    one, again, other = (pairs_below(folder, "face", most=50, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert sum(not pair.mated for pair in one) == 50
    assert len({(pair.reference, pair.probe) for pair in one}) == 60
