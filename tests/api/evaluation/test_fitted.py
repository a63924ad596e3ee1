"""Whether people who are judged were fitted on is told by names, wherever the folder of the scores starts."""

import csv
from pathlib import Path

import pytest

from api.evaluation.fitted import PEOPLE, Overlap, overlap
from benchmarks.scores import fitting_lists
from biometrics.scoring.calibration import Calibration, shipped
from biometrics.scoring.fit import fit
from biometrics.scoring.folds import short_key, sketch, subject_key
from tests.biometrics.scoring.samples import gaussian_set


def fitted_to(*names: str) -> Calibration:
    people = sketch([subject_key(name) for name in names])
    return fit("gauss-1", [gaussian_set(500, 5000)], provenance={"sets": [{"set": "s", PEOPLE: people}]})


@pytest.mark.parametrize(
    ("subjects", "seen"),
    [
        (["Ann", "Bob"], 2),
        (["lfw/Ann", "all/lfw/Bob"], 2),
        (["Ann_3", "Cid"], 1),
        (["Cid", "Dora"], 0),
        ([], 0),
    ],
)
def test_people_are_met_again_by_name(subjects: list[str], seen: int) -> None:
    assert overlap(fitted_to("Ann", "Bob"), subjects) == Overlap(2, seen)


def test_a_calibration_that_does_not_say_is_not_cleared() -> None:
    assert overlap(fit("gauss-1", [gaussian_set(500, 5000)]), ["Ann"]) is None


@pytest.mark.parametrize("engine", shipped())
def test_what_ships_names_the_people_of_the_fitting_lists(engine: str) -> None:
    for one in Calibration.load(engine).provenance["sets"]:
        path = Path(fitting_lists.FOLDER / f"{one['set']}.csv")
        with path.open(encoding="utf-8", newline="") as file:
            keys = [row["subject"] for row in csv.DictReader(file)]
        assert one[PEOPLE] == sketch(keys)
        assert len(one[PEOPLE]) == min(64, len(keys))
    found = overlap(Calibration.load(engine), [f"nobody of that name {number}" for number in range(200)])
    assert found is not None
    assert found.seen == 0
    assert found.looked_up > 5
    assert all(
        len(key) == len(short_key("x")) for one in Calibration.load(engine).provenance["sets"] for key in one[PEOPLE]
    )
