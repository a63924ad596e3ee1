"""Bursts of landmarks that are computed: of a solid head, and of pictures of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.face.liveness import (
    bent_print,
    flat,
    head,
    living,
    moved_print,
    movement,
    replayed_film,
    seen,
    static_print,
    swapped_person,
    turned_print,
)
from biometrics.face.liveness import Action, Challenge, Frame, Outcome, Verdict, assess, draw, judge
from biometrics.face.liveness import parameters as p
from biometrics.face.liveness.challenge import WORDS

CHALLENGE = Challenge((Action.TURN_LEFT, Action.NOD, Action.COME_NEARER), (0.6, 2.0, 3.6, 5.0))
MIRRORED = Challenge((Action.TURN_RIGHT, Action.NOD, Action.COME_NEARER), CHALLENGE.starts_s)
BURSTS = 20


def rng(number: int) -> np.random.Generator:
    return np.random.default_rng(number)


def test_a_person_who_does_what_is_asked_is_live() -> None:
    outcomes = [judge(living(rng(number), CHALLENGE), CHALLENGE).outcome for number in range(BURSTS)]
    assert outcomes.count(Outcome.LIVE) >= BURSTS - 1
    assert Outcome.NOT_ASSESSABLE not in outcomes


@pytest.mark.parametrize("attack", [static_print, moved_print, turned_print, bent_print, swapped_person])
def test_a_picture_is_not_live(attack: Callable[[np.random.Generator, Challenge], list[Frame]]) -> None:
    for number in range(BURSTS):
        verdict = judge(attack(rng(number), CHALLENGE), CHALLENGE)
        assert verdict.outcome is Outcome.ATTACK, number
        assert verdict.reason


def test_the_reasons_are_the_right_ones() -> None:
    assert judge(static_print(rng(1), CHALLENGE), CHALLENGE).reason == "no_movement"
    assert judge(turned_print(rng(1), CHALLENGE), CHALLENGE).reason == "flat_face"
    assert judge(swapped_person(rng(1), CHALLENGE), CHALLENGE).reason == "identity_changed"
    assert judge(living(rng(1), CHALLENGE), MIRRORED).reason in {"wrong_movement", "flat_face"}


def test_left_is_not_right() -> None:
    for number in range(BURSTS):
        assert judge(living(rng(number), MIRRORED), CHALLENGE).outcome is Outcome.ATTACK


def test_an_old_burst_seldom_fits_a_new_challenge() -> None:
    passed = 0
    for number in range(100):
        challenge = draw(f"a nonce {number}")
        passed += judge(replayed_film(rng(number), challenge), challenge).outcome is Outcome.LIVE
    assert passed <= 6


def test_a_burst_shown_late_does_not_fit() -> None:
    frames = living(rng(3), CHALLENGE)
    late = [replace(frame, at_s=frame.at_s + 1.0) for frame in frames if frame.at_s < 4.1]
    early = [replace(frames[0], at_s=at) for at in np.arange(0, 1.0, 1 / 12)]
    assert judge([*early, *late], CHALLENGE).outcome is Outcome.ATTACK


def without_face(frames: list[Frame], first: int, last: int) -> list[Frame]:
    return [replace(frame, points=None) if first <= i < last else frame for i, frame in enumerate(frames)]


def test_what_cannot_be_judged_is_said() -> None:
    frames = living(rng(4), CHALLENGE)
    cases: dict[str, list[list[Frame]]] = {
        "too_few_frames": [[], frames[:1], frames[::4], frames[:20], frames[10:]],
        "face_lost": [without_face(frames, 10, 24), without_face(frames, 0, 12), without_face(frames, 0, len(frames))],
        "clock_unsound": [frames[::-1], [*frames, frames[0]], [replace(frame, at_s=float("nan")) for frame in frames]],
    }
    for reason, bursts in cases.items():
        for burst in bursts:
            assert judge(burst, CHALLENGE) == Verdict(Outcome.NOT_ASSESSABLE, reason)


def test_a_frame_or_two_without_a_face_do_no_harm() -> None:
    frames = living(rng(5), CHALLENGE)
    assert judge(without_face(frames, 30, 33), CHALLENGE).outcome is judge(frames, CHALLENGE).outcome is Outcome.LIVE


def test_a_face_that_jumps_is_another_one() -> None:
    frames = living(rng(6), CHALLENGE)
    moved = [
        frame if frame.at_s < 3 or frame.points is None else replace(frame, points=frame.points + np.float32(400))
        for frame in frames
    ]
    assert judge(moved, CHALLENGE).reason == "identity_changed"


def test_depth_is_what_tells_them_apart() -> None:
    """The same movement of the same face, flat and solid."""
    moves = movement(rng(7), CHALLENGE)
    solid, plane = head(rng(8)), flat(rng(8))
    assert judge(seen(rng(9), CHALLENGE, solid, moves), CHALLENGE).outcome is Outcome.LIVE
    assert judge(seen(rng(9), CHALLENGE, plane, moves), CHALLENGE).reason == "flat_face"


def nods(number: int, degrees: float) -> list[Frame]:
    """A head that answers CHALLENGE with a nod of so many degrees, as exact landmarks would show it."""
    moves = movement(rng(number), CHALLENGE)
    deepest = max(moves(float(at))[1] for at in np.arange(2.0, 3.6, 0.02))

    def weaker(at: float) -> tuple[float, float, float]:
        yaw, pitch, near = moves(at)
        return yaw, pitch * degrees / deepest if 2.0 <= at < 3.6 else pitch, near

    return seen(rng(number + 100), CHALLENGE, head(rng(number + 200)), weaker)


def test_a_nod_that_is_felt_as_a_third_of_what_it_is_counts_and_a_still_head_does_not() -> None:
    """YuNet's landmarks follow a pitch by a good third: fifteen to twenty degrees come as six or seven."""
    felt = [judge(nods(number, 7.0), CHALLENGE).outcome for number in range(BURSTS)]
    still = [judge(nods(number, 0.0), CHALLENGE).outcome for number in range(BURSTS)]
    assert felt.count(Outcome.LIVE) >= 0.8 * BURSTS
    assert still.count(Outcome.LIVE) <= 0.1 * BURSTS


def test_challenges_are_drawn_by_the_nonce_and_differ() -> None:
    drawn = [draw(f"nonce {number}") for number in range(200)]
    assert draw("nonce 7") == drawn[7]
    # Another replica, of another version, draws the same: the nonce may be given by the one and shown to the other.
    assert drawn[7].actions == (Action.NOD, Action.TURN_RIGHT, Action.TURN_LEFT)
    assert drawn[7].starts_s == (0.6, 2.45, 4.05, 5.9)
    assert len({challenge.actions for challenge in drawn}) > 20
    assert len({challenge.starts_s for challenge in drawn}) > 190
    for challenge in drawn:
        assert len(set(challenge.actions)) == p.ACTIONS
        assert {Action.TURN_LEFT, Action.TURN_RIGHT} & set(challenge.actions), "only a turn shows depth"
        assert all(end - start >= p.ACTION_S - 1e-6 for start, end in pairwise(challenge.starts_s))
    assert set(WORDS) == set(Action)


LIVE, ATTACK, UNKNOWN = (
    Verdict(Outcome.LIVE),
    Verdict(Outcome.ATTACK, "flat_face"),
    Verdict(Outcome.NOT_ASSESSABLE, "face_lost"),
)
PASSIVE_LIVE, PASSIVE_ATTACK = Verdict(Outcome.LIVE, None, 0.9), Verdict(Outcome.ATTACK, "passive_attack", 0.1)


@pytest.mark.parametrize(
    ("active", "passive", "expected"),
    [
        (LIVE, None, Outcome.LIVE),
        (LIVE, PASSIVE_LIVE, Outcome.LIVE),
        (LIVE, PASSIVE_ATTACK, Outcome.ATTACK),
        (ATTACK, PASSIVE_LIVE, Outcome.ATTACK),
        (UNKNOWN, PASSIVE_LIVE, Outcome.NOT_ASSESSABLE),
        (UNKNOWN, PASSIVE_ATTACK, Outcome.ATTACK),
        (None, PASSIVE_LIVE, Outcome.NOT_ASSESSABLE),
        (None, PASSIVE_ATTACK, Outcome.ATTACK),
        (None, None, Outcome.NOT_ASSESSABLE),
    ],
)
def test_the_parts_add_up(active: Verdict | None, passive: Verdict | None, expected: Outcome) -> None:
    together = assess(active, passive)
    assert together.outcome is expected
    assert (together.reason is None) == (expected is Outcome.LIVE)
