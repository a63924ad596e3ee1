"""A kiosk's films: when which pose is seen. That such heads are taken for living ones is the benchmark's to find."""

from itertools import pairwise

from benchmarks.service.filmed import EXTENTS, FRAME_S, LEVELS, STRAIGHT, answering, pose
from biometrics.face.liveness import Action, draw


def test_every_movement_is_made_when_it_is_asked_for_and_ends_straight() -> None:
    challenge = draw("nonce of a test")
    film = list(answering(challenge))
    assert film[0] == (0.0, STRAIGHT)
    assert film[-1][0] >= challenge.starts_s[-1]
    assert all(abs(later[0] - earlier[0] - FRAME_S) < 1e-9 for earlier, later in pairwise(film))
    for action, start, end in zip(challenge.actions, challenge.starts_s[:-1], challenge.starts_s[1:], strict=True):
        seen = [one for at, one in film if start <= at < end]
        assert EXTENTS[action] in seen
        assert set(seen) <= {pose(action, level) for level in range(LEVELS + 1)}


def test_poses_go_from_straight_to_the_widest() -> None:
    assert {pose(action, 0) for action in Action} == {STRAIGHT}
    assert pose(Action.NOD, LEVELS) == EXTENTS[Action.NOD]
