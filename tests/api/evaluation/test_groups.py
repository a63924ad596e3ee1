"""Rates within groups: counted by hand, bounded where no error was seen, and refused where the file is none."""

from pathlib import Path

import pytest

from api.evaluation.files import FileMalformed
from api.evaluation.groups import group_rates, read_groups
from biometrics.scoring.bootstrap import Comparisons

ROWS = [
    ("a", "a", True, 5.0), ("a", "a", True, 1.0), ("b", "b", True, 6.0),
    ("c", "c", True, 7.0), ("c", "c", True, 8.0), ("d", "d", True, 9.0),
    ("a", "b", False, 4.0), ("a", "b", False, 0.0), ("c", "d", False, 1.0), ("c", "d", False, 1.0),
    ("a", "c", False, 9.0),
]  # fmt: skip


def test_rates_within_groups() -> None:
    comparisons = Comparisons.of(ROWS)
    members = {"a": "north", "b": "north", "c": "south", "d": "south"}
    found = group_rates(comparisons, list("abcd"), members, "place", 3.0, replicates=50, seed=0)
    assert [(one.group, one.metric, one.n, one.subjects) for one in found] == [
        ("north", "FMR", 2, 2), ("north", "FNMR", 3, 2), ("south", "FMR", 2, 2), ("south", "FNMR", 3, 2),
    ]  # fmt: skip
    assert [one.value for one in found] == pytest.approx([0.5, 1 / 3, 0, 0]), "a against c is of no group"
    assert (found[2].low, found[2].high) == (0, 1), "3 / 2, but no rate is above 1"
    assert (found[3].low, found[3].high) == (0, 1)
    for one in found:
        assert one.low <= one.value <= one.high


def test_a_group_without_a_kind_of_comparison_is_left_out() -> None:
    found = group_rates(Comparisons.of(ROWS), list("abcd"), {"a": "north"}, "place", 3.0, replicates=5, seed=0)
    assert found == []


def test_groupings_are_columns_and_empty_fields_belong_to_none(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("subject, sex ,age\nann,f,30\nbob,m,\n", encoding="utf-8-sig")
    assert read_groups(path) == {"sex": {"ann": "f", "bob": "m"}, "age": {"ann": "30"}}


@pytest.mark.parametrize("text", ["", "name,sex\na,b\n", "subject\na\n"])
def test_what_is_no_file_of_groups_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "g.csv"
    path.write_text(text)
    with pytest.raises(FileMalformed, match="header must name subject"):
        read_groups(path)
