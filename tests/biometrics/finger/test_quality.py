"""Quality of a capture, and the finger to ask for first."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from biometrics.finger import FingerTemplate
from biometrics.finger.quality import best_finger_first, grade

from .points import random_finger


def of_quality(quality: int, count: int = 20) -> FingerTemplate:
    return dataclasses.replace(random_finger(count, count), quality=quality)


@pytest.mark.parametrize(("count", "sure", "expected"), [(0, 1.0, 0), (10, 0.8, 20), (40, 1.0, 100), (90, 0.9, 100)])
def test_quality_counts_sure_minutiae(count: int, sure: float, expected: int) -> None:
    assert grade(np.full(count, sure, np.float32)) == expected


def test_the_best_finger_comes_first_by_its_best_impression() -> None:
    enrolled = {
        "left_index": [of_quality(50), of_quality(60)],
        "right_index": [of_quality(55)],
        "right_thumb": [of_quality(10), of_quality(90)],
        "left_thumb": [],
    }
    assert best_finger_first(enrolled) == ["right_thumb", "left_index", "right_index"]
    assert best_finger_first(enrolled, tried={"right_thumb"}) == ["left_index", "right_index"]
    assert best_finger_first(enrolled, tried=enrolled) == []


def test_among_fingers_of_full_quality_more_minutiae_win_and_equals_stay_in_order() -> None:
    enrolled = {"a": [of_quality(100, 50)], "b": [of_quality(100, 60)], "c": [of_quality(100, 50)]}
    assert best_finger_first(enrolled) == ["b", "a", "c"]
