"""Of whom a sample is, and which sample a marked failure is of."""

from collections import Counter

import pytest

from api.evaluation.files import FAILED, Failure, Pair, Scored
from api.evaluation.subjects import Modality, comparisons_of, failed_samples, misnamed, subject_of


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
    assert misnamed(rows, None) == 0
    assert misnamed([*rows, scored("1_1", "3_1", True)], None) == 1


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
