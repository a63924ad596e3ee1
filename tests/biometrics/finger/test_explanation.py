"""An explanation adds up to the score, and its picture shows what it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.alignment import moved
from biometrics.finger.drawing import CONFIRMED, MISSING, OUTSIDE, WORDS, Side, draw
from biometrics.finger.explanation import CHANCE, Explanation, explain
from biometrics.finger.fitted import EVIDENCE_WEIGHTS
from biometrics.finger.trace import Recording

from .points import captured_again, random_finger

FINGER = random_finger(11)
AGAIN = captured_again(FINGER, turn=0.4, shift=(12.0, -7.0), jitter=0.8, spurious=6, seed=3)
OTHER = random_finger(12)
NOTHING = FingerTemplate.of(FINGER.engine, 300, 300, x=[], y=[], direction=[], kind=[], minutia_quality=[], quality=0)


def explained(probe: FingerTemplate, reference: FingerTemplate) -> Explanation:
    return explain(PreparedFinger.of(probe), PreparedFinger.of(reference))


def test_the_parts_add_up_to_the_score() -> None:
    for probe, reference in ((FINGER, AGAIN), (AGAIN, FINGER), (FINGER, FINGER)):
        found = explained(probe, reference)
        score = matcher.score(PreparedFinger.of(probe), PreparedFinger.of(reference))
        assert found.comparison.score == score > 50
        assert sum(part.points for part in found.parts) == pytest.approx(score)
    assert {part.name for part in found.parts} == {*EVIDENCE_WEIGHTS, CHANCE} == set(WORDS)


def test_a_score_of_nothing_has_parts_below_it() -> None:
    found = explained(FINGER, OTHER)
    total = sum(part.points for part in found.parts)
    assert found.comparison.score == pytest.approx(max(total, 0.0))
    assert total < 30


def test_the_movement_is_the_one_between_the_captures() -> None:
    found = explained(FINGER, AGAIN)
    assert found.movement is not None
    assert found.movement.angle == pytest.approx(0.4, abs=0.03)
    for a, b, *_ in found.comparison.tree:
        x, y = moved(found.movement, FINGER.x[a], FINGER.y[a])
        assert math.dist((x, y), (AGAIN.x[b], AGAIN.y[b])) < 8


def test_pairs_are_confirmed_and_lie_in_the_shared_area() -> None:
    found = explained(FINGER, AGAIN)
    tree = found.comparison.tree
    assert len(tree) > 30
    assert np.all(found.support > 0)
    assert found.support.shape == (len(tree),)
    assert found.probe_shared.shape == (len(FINGER),)
    assert found.reference_shared.shape == (len(AGAIN),)
    assert np.mean(found.probe_shared[tree[:, 0]]) > 0.9
    scrap = captured_again(FINGER, keep=FINGER.x < 200)
    half = explained(FINGER, scrap)
    assert half.probe_shared.sum() < 0.7 * len(FINGER)
    assert np.all(half.reference_shared)


def test_a_recording_keeps_the_stages_by_name() -> None:
    recording = Recording()
    probe, reference = PreparedFinger.of(FINGER), PreparedFinger.of(AGAIN)
    found = explain(probe, reference, trace=recording)
    assert list(recording.stages) == ["tree", "votes", "roots", "support", "evidence"]
    np.testing.assert_array_equal(recording.stages["tree"], found.comparison.tree)
    assert recording.stages["votes"].shape == (len(FINGER), len(AGAIN))
    assert recording.stages["evidence"].tolist() == list(found.comparison.evidence.values())
    stage: np.ndarray[Any, Any] = np.zeros(2)
    recording.under("A")("resampled", stage)
    stage[:] = 1
    assert recording.stages["A/resampled"].tolist() == [0, 0]


def test_no_pairs_are_an_explanation_too() -> None:
    found = explained(FINGER, NOTHING)
    assert (found.movement, found.parts, found.comparison.score) == (None, (), 0.0)
    assert not found.probe_shared.any()
    assert draw(Side("A", FINGER), Side("B", NOTHING), found).mode == "RGB"
    empty = explained(NOTHING, NOTHING)
    assert draw(Side("A", NOTHING), Side("B", NOTHING), empty).mode == "RGB"


def colours(image: np.ndarray[Any, Any], colour: str) -> int:
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return int(np.all(np.abs(image.astype(int) - wanted) < 12, axis=2).sum())


def test_the_picture_shows_both_prints_at_the_same_places() -> None:
    """Dark discs at the minutiae: after the movement both panels have them at the same places."""
    moved_only = captured_again(FINGER, turn=0.4, shift=(12.0, -7.0))
    found = explained(FINGER, moved_only)
    drawn = np.asarray(draw(_with_discs("A", FINGER), _with_discs("B", moved_only), found).convert("L"))
    bare = np.asarray(draw(Side("A", FINGER), Side("B", moved_only), found).convert("L"))
    added = bare.astype(int) - drawn > 40
    # Panels are 860 wide, 28 apart.
    left, right = added[:, 28:888], added[:, 916:1776]
    assert min(left.sum(), right.sum()) > 2000
    assert (left & right).sum() > 0.8 * max(left.sum(), right.sum())


def _with_discs(title: str, template: FingerTemplate) -> Side:
    down, across = np.mgrid[: template.height, : template.width]
    discs = np.full((template.height, template.width), 255, np.uint8)
    for x, y in zip(template.x, template.y, strict=True):
        discs[np.hypot(across - x, down - y) < 5] = 0
    return Side(title, template, discs)


def test_pairs_and_missing_minutiae_have_their_colours() -> None:
    mated = np.asarray(draw(Side("A", FINGER), Side("B", AGAIN), explained(FINGER, AGAIN)))
    panels = mated[122:-440]
    assert colours(panels, CONFIRMED) > 20 * len(FINGER)
    non_mated = np.asarray(draw(Side("A", FINGER), Side("B", OTHER), explained(FINGER, OTHER)))[122:-440]
    unpaired = [sum(colours(sheet, colour) for colour in (MISSING, OUTSIDE)) for sheet in (panels, non_mated)]
    assert unpaired[1] > 3 * unpaired[0]
    assert colours(non_mated, CONFIRMED) < 0.5 * colours(panels, CONFIRMED)
