"""The committed lists say who was fitted on and who was judged: by the rule, of everybody, and of nobody by name."""

import re
from pathlib import Path

import pytest

from benchmarks.common.subjects import person_of
from benchmarks.scores import fitting_lists
from biometrics.scoring import Calibration
from biometrics.scoring.calibration import shipped
from biometrics.scoring.folds import hashed_folds, subject_key
from biometrics.scoring.held_out import FOLDS

DATA = Path(__file__).parents[4] / "shared" / "data"
LISTS = sorted(fitting_lists.FOLDER.glob("*.csv"))


def test_every_set_that_a_shipped_calibration_was_fitted_to_has_its_list_and_nothing_else_has() -> None:
    fitted = {
        one["set"]: one["subjects"] for engine in shipped() for one in Calibration.load(engine).provenance["sets"]
    }
    assert {path.stem: len(fitting_lists.read(path)) for path in LISTS} == fitted


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_folds_are_those_of_the_rule_and_no_name_is_in_the_list(path: Path) -> None:
    folds = fitting_lists.read(path)
    assert list(folds.values()) == hashed_folds(list(folds), FOLDS).tolist()
    assert all(re.fullmatch(r"[0-9a-f]{16}", key) for key in folds)
    sizes = [list(folds.values()).count(fold) for fold in range(FOLDS)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_list_is_of_the_set(path: Path) -> None:
    folder = DATA / ("faces" if path.stem == "lfw" else "fingerprints") / path.stem
    if not folder.is_dir():
        pytest.skip(f"the set {path.stem} is not here: {folder}")
    samples = folder.rglob("*.jpg") if path.stem == "lfw" else folder.iterdir()
    names = {one.relative_to(folder).with_suffix("").as_posix() for one in samples}
    assert set(fitting_lists.read(path)) == {subject_key(person_of(name)) for name in names}


def test_a_fold_depends_on_the_name_and_on_no_order() -> None:
    keys = [subject_key(f"person {number}") for number in range(101)]
    folds = dict(zip(keys, hashed_folds(keys, 5).tolist(), strict=True))
    assert dict(zip(keys[::-1], hashed_folds(keys[::-1], 5).tolist(), strict=True)) == folds
    assert hashed_folds(keys, 5, salt="1").tolist() != hashed_folds(keys, 5, salt="2").tolist()
    assert sorted(list(folds.values()).count(fold) for fold in range(5)) == [20, 20, 20, 20, 21]
