"""Nobody is on both sides of a fold."""

import numpy as np
import pytest

from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.folds import (
    balanced_accuracy,
    best_threshold,
    random_subject_folds,
    short_key,
    sketch,
    subject_folds,
    subject_key,
)
from tests.biometrics.scoring.samples import gaussian_comparisons


def chained(groups: int, per_group: int) -> Comparisons:
    """Non-mated pairs join the subjects of a group in a chain; each subject has one mated comparison."""
    subjects = np.arange(groups * per_group, dtype=np.int32)
    inner = subjects[subjects % per_group != 0]
    pairs = np.stack([inner - 1, inner], axis=1).astype(np.int32)
    random = np.random.default_rng(3)
    return Comparisons(
        random.normal(3, 1, len(subjects)).astype(np.float32),
        random.normal(0, 1, len(pairs)).astype(np.float32),
        subjects,
        pairs,
    )


def test_subjects_that_meet_share_a_fold_and_folds_are_even() -> None:
    sample = chained(25, 8)
    fold_of = subject_folds(sample, 10)
    first, second = fold_of[sample.non_mated_subjects].T
    assert np.array_equal(first, second)
    sizes = np.bincount(fold_of)
    assert len(sizes) == 10
    assert sizes.max() - sizes.min() <= 8


def test_pairs_that_join_everybody_have_no_folds() -> None:
    with pytest.raises(ValueError, match="fewer than 10 folds"):
        subject_folds(gaussian_comparisons(100, 5000, subjects=30), 10)


def test_random_folds_are_even_and_seeded() -> None:
    folds = random_subject_folds(103, 10, seed=5)
    assert set(np.bincount(folds)) == {10, 11}
    assert np.array_equal(folds, random_subject_folds(103, 10, seed=5))
    assert not np.array_equal(folds, random_subject_folds(103, 10, seed=6))


def test_accuracy_of_two_gaussians_is_that_of_the_middle_threshold() -> None:
    sample = chained(300, 10)
    found = balanced_accuracy(sample, subject_folds(sample, 10))
    assert found.mean == pytest.approx(0.9332, abs=0.01)  # 1 - normal tail at 1.5
    assert found.folds.shape == (10,)


def test_threshold_is_tuned_on_the_other_folds_only() -> None:
    # In fold 0 the scores are the wrong way round: tuned on itself it would not score 0.
    sample = chained(10, 4)
    fold_of = subject_folds(sample, 10)
    odd = fold_of[sample.mated_subject] == 0
    sample.mated[:] = np.where(odd, -5.0, 5.0)
    sample.non_mated[:] = np.where(fold_of[sample.non_mated_subjects[:, 0]] == 0, 5.0, -5.0)
    found = balanced_accuracy(sample, fold_of)
    assert found.folds[0] == 0.0
    assert np.all(found.folds[1:] == 1.0)


def test_best_threshold_stands_in_the_widest_gap() -> None:
    low, high = np.array([0.0, 1.0], np.float32), np.array([9.0, 10.0], np.float32)
    assert best_threshold(high, low) == 5.0


def test_a_sketch_meets_as_many_people_as_two_sets_share() -> None:
    """The lowest keys of one set are met in another as often as its people are."""
    keys = [subject_key(f"person {number}") for number in range(4000)]
    looked_up = sketch(keys[:2000])
    assert len(looked_up) == 64
    assert looked_up == sorted(looked_up) == sketch(keys[1999::-1])
    met = {short_key(f"person {number}") for number in range(1000, 4000)} & set(looked_up)
    assert 20 <= len(met) <= 44
    assert not {short_key(f"stranger {number}") for number in range(2000)} & set(looked_up)
    assert all(len(key) == 6 for key in looked_up), "no key that one name alone has"
