"""Of whom a sample is, and which sample a marked failure is of."""

from collections import Counter

import pytest

from api.evaluation.files import FAILED, Failure, Pair, Scored
from api.evaluation.subjects import (
    Misfits,
    Modality,
    SubjectsUnclear,
    comparisons_of,
    failed_samples,
    misfits,
    subject_of,
    told_by_names,
)


@pytest.mark.parametrize(
    ("sample", "modality", "subject"),
    [
        ("101_3", None, "101"),
        ("101_3.png", None, "101"),
        ("012_10_1", "finger", "012_10"),
        ("J._Doe/J._Doe_0001.jpg", None, "J._Doe"),
        ("J._Doe/J._Doe_0001.jpg", "face", "J._Doe"),
        ("db1/101_3.png", "finger", "db1/101"),
        ("db2/101_3", "finger", "db2/101"),
        ("101_3.5", None, "101"),
        ("somebody", None, "somebody"),
        ("somebody.jpg", "face", "somebody"),
    ],
)
def test_subjects_by_name(sample: str, modality: Modality | None, subject: str) -> None:
    assert subject_of(sample, modality) == subject


def scored(reference: str, probe: str, mated: bool, score: float = 1.0, failure: Failure | None = None) -> Scored:
    return Scored(Pair(reference, probe, mated), score, failure)


def test_the_comparisons_of_a_subject_are_kept_together() -> None:
    rows = [scored("1_1", "1_2", True, 3.0), scored("2_1", "2_2", True, 2.0), scored("1_1", "2_1", False, 1.0)]
    comparisons = comparisons_of(rows, None)
    assert comparisons.subjects == 2
    assert comparisons.mated_subject.tolist() == [0, 1]
    assert comparisons.non_mated_subjects.tolist() == [[0, 1]]
    assert misfits(rows, None) == Misfits(0, 0)
    odd = [scored("1_1", "3_1", True), scored("2_1", "2_3", False), scored("1_2", "1_3", False)]
    assert misfits([*rows, *odd], None) == Misfits(mated=1, non_mated=2)


def test_names_with_folders_are_read_as_the_column_mated_has_it() -> None:
    fingers = [scored("db1/101_1", "db1/101_2", True), scored("db1/101_1", "db1/102_1", False)]
    assert told_by_names(fingers, "x") == "finger"
    faces = [scored("Ann/work.jpg", "Ann/home.jpg", True), scored("Ann/work.jpg", "Bob/work.jpg", False)]
    assert told_by_names(faces, "x") == "face"
    mostly = [*fingers, scored("db1/103_1", "db1/104_1", False), scored("db1/105_1", "db1/106_1", True)]
    assert told_by_names(mostly, "x") == "finger", "one mislabelled pair makes no folder a subject"


def test_names_that_tell_the_same_either_way_need_no_telling() -> None:
    assert told_by_names([scored("101_1", "101_2", True), scored("101_1", "102_1", False)], "x") is None
    lfw = [scored("A_B/A_B_0001.jpg", "A_B/A_B_0002.jpg", True), scored("A_B/A_B_0001.jpg", "C/C_0001.jpg", False)]
    assert told_by_names(lfw, "x") is None


def test_names_that_fit_both_ways_are_asked_about() -> None:
    """People in folders with several fingers each, and no pair of two fingers of one person: either may be meant."""
    rows = [scored("p1/left_1", "p1/left_2", True), scored("p1/right_1", "p2/left_1", False)]
    with pytest.raises(SubjectsUnclear, match=r"x.csv: .*2 subjects.*\(3\).*--modality"):
        told_by_names(rows, "x.csv")


def test_a_failed_sample_is_the_one_that_never_has_a_score() -> None:
    rows = [
        scored("1_1", "1_2", True),
        scored("1_1", "1_3", True, FAILED, "fte"),
        scored("1_3", "1_2", True, FAILED, "fte"),
        scored("4_1", "1_1", False, FAILED, "fta"),
    ]
    assert failed_samples(rows) == (Counter(fte=1, fta=1), 4)


def test_where_both_failed_the_mark_names_the_role() -> None:
    rows = [scored("r1", "p1", True, FAILED, "fta"), scored("r2", "p2", True, FAILED, "fte"), scored("r3", "p3", False)]
    failed, samples = failed_samples(rows)
    assert failed == Counter(fta=1, fte=1)
    assert samples == 6


def test_a_failure_without_a_mark_is_not_guessed_at() -> None:
    assert failed_samples([scored("a", "b", True, FAILED)]) == (Counter(), 2)
