"""Consolidation on bare geometry: what several impressions know together, and what must not get in."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, cast

import numpy as np
import pytest

from biometrics.errors import IncompatibleTemplates
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger, matcher
from biometrics.finger.consolidation import consolidate

from .points import captured_again, random_finger


def score(probe: FingerTemplate, reference: FingerTemplate) -> float:
    return matcher.score(PreparedFinger.of(probe), PreparedFinger.of(reference))


def found_in(finger: FingerTemplate, consolidated: FingerTemplate) -> int:
    """How many of the finger's minutiae a consolidated template has: the pairs of a comparison, on which all agree."""
    return len(matcher.compare(PreparedFinger.of(consolidated), PreparedFinger.of(finger)).tree)


def halves(finger: FingerTemplate, seed: int = 0) -> list[FingerTemplate]:
    """Three impressions: the left, the right and the middle of a finger, each turned and moved its own way."""
    low, high = np.quantile(finger.x, [0.4, 0.6])
    middle = (finger.x > np.quantile(finger.x, 0.2)) & (finger.x < np.quantile(finger.x, 0.8))
    return [
        captured_again(finger, turn=0.3, shift=(12.0, 4.0), jitter=0.7, keep=finger.x < high, seed=seed),
        captured_again(finger, turn=-0.2, shift=(-8.0, 9.0), jitter=0.7, keep=finger.x > low, seed=seed + 1),
        captured_again(finger, turn=1.0, jitter=0.7, keep=middle, seed=seed + 2),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_parts_become_a_whole(seed: int) -> None:
    finger = random_finger(seed, 60)
    parts = halves(finger, seed)
    made = consolidate(parts)
    assert sorted(made.used) == [0, 1, 2]
    assert len(made.template) == pytest.approx(60, abs=3)
    assert found_in(finger, made.template) >= 55
    assert score(finger, made.template) > max(score(finger, part) for part in parts)


def test_the_order_of_the_impressions_matters_little() -> None:
    finger = random_finger(9, 50)
    parts = halves(finger)
    forth, back = consolidate(parts), consolidate(parts[::-1])
    assert sorted(back.used) == sorted(forth.used) == [0, 1, 2]
    assert score(finger, forth.template) == pytest.approx(score(finger, back.template), rel=0.02)


def test_what_only_one_of_many_shows_is_dropped() -> None:
    finger = random_finger(5, 40)
    parts = [captured_again(finger, turn=0.1 * k, jitter=0.7, spurious=8, seed=k) for k in range(4)]
    made = consolidate(parts)
    assert len(made.used) == 4
    assert len(made.template) <= 48, "of 32 minutiae that one impression shows only those at the border stay"
    assert found_in(finger, made.template) >= 39


def test_what_was_missed_has_less_quality_than_what_was_always_seen() -> None:
    finger = random_finger(6, 40)
    inner = np.argsort(np.hypot(finger.x - 200, finger.y - 200))[:3]  # within the outline of every impression
    missing = np.ones(40, np.bool_)
    missing[inner] = False
    made = consolidate([finger, captured_again(finger, seed=1), captured_again(finger, keep=missing, seed=2)]).template
    assert sorted(made.minutia_quality.tolist()) == [53] * 3 + [80] * 37


def test_places_and_directions_are_means_of_the_sightings() -> None:
    finger = random_finger(7, 40)
    parts = [captured_again(finger, jitter=2.0, seed=seed) for seed in range(6)]
    made = consolidate(parts).template
    one, all_of_them = (matcher.compare(PreparedFinger.of(a), PreparedFinger.of(finger)) for a in (parts[0], made))
    assert all_of_them.evidence["displacement"] < 0.75 * one.evidence["displacement"]
    assert all_of_them.evidence["turning"] < 0.9 * one.evidence["turning"]


def test_another_finger_is_left_out() -> None:
    finger = random_finger(1)
    made = consolidate([finger, random_finger(2), captured_again(finger, turn=0.5, jitter=0.5)])
    assert sorted(made.used) == [0, 2]
    assert score(random_finger(2), made.template) < 20.0


def test_one_impression_stays_as_it_is() -> None:
    finger = random_finger(3)
    assert consolidate([finger]) == (finger, (0,))


def test_impressions_that_do_not_match_leave_the_surest() -> None:
    weak, strong = random_finger(3, 20), random_finger(4, 45)
    made = consolidate([weak, strong])
    assert made.template is strong
    assert made.used == (1,)


def test_the_frame_holds_all_minutiae_and_has_no_more_than_a_template_may() -> None:
    finger = random_finger(8, 90)
    made = consolidate(halves(finger)).template
    assert made.x.min() >= 0
    assert made.y.min() >= 0
    assert made.x.max() <= made.width
    assert made.y.max() <= made.height
    assert FingerTemplate.from_bytes(made.to_bytes()).to_bytes() == made.to_bytes()
    assert np.all((made.direction >= 0) & (made.direction < 2 * math.pi))


def test_nothing_to_consolidate_is_an_error() -> None:
    with pytest.raises(ValueError, match="no impression"):
        consolidate([])


def test_impressions_of_two_engines_are_refused() -> None:
    finger = random_finger(1)
    with pytest.raises(IncompatibleTemplates):
        consolidate([finger, dataclasses.replace(finger, engine="import:other")])


def test_the_engine_consolidates_its_own_templates_only() -> None:
    engine = FingerEngine(cast("Any", None))  # no network is needed for that
    finger = random_finger(1)
    parts = [finger, captured_again(finger, turn=0.5, jitter=0.5)]
    assert engine.consolidate(parts).to_bytes() == consolidate(parts).template.to_bytes()
    others = [dataclasses.replace(one, engine="import:other") for one in parts]
    with pytest.raises(IncompatibleTemplates):
        engine.consolidate(others)
