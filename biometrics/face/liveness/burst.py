"""A burst of frames held against the challenge: was each movement made when it was asked for, by one solid head?

Only the five landmarks and the embeddings are used. A flat picture, turned or moved, takes its landmarks to where an
affine map takes them; a head's nose leaves that place as it turns (the parallax test, as in Tirunagari et al. or De
Marsico et al., "Moving face spoofing detection via 3D projective invariants", ICB 2012).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from biometrics.face.pose import pose_of

from . import parameters as p
from .challenge import Action, Challenge
from .verdict import Outcome, Verdict


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: `at_s` from the first one, landmarks `points` (5, 2) in pixels or None where no face was found, and
    the template's `vector` (D,) of length 1, where one was made."""

    at_s: float
    points: NDArray[np.float32] | None
    vector: NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class _Track:
    """All frames with their times, yaws and sizes relative to the straight head at the start; pitches, averaged over
    neighbouring frames, relative to the film's middle one."""

    at: NDArray[np.float64]
    yaw: NDArray[np.float64]
    pitch: NDArray[np.float64]
    size: NDArray[np.float64]
    relief: NDArray[np.float64]
    narrowing: NDArray[np.float64]


def judge(
    frames: Sequence[Frame],
    challenge: Challenge,
    *,
    anchor: NDArray[np.float32] | None = None,
    same_person: float = p.SAME_PERSON,
) -> Verdict:
    """Whether the burst answers the challenge. Never raises for what the frames show.

    `anchor` (D,) is the template's vector of the capture that is compared: the burst has to be of that person, and to
    hold LEAST_VECTORS vectors; without it, of the person in its first frame. `same_person`: the least comparison score.
    """
    unrecognised = anchor is not None and sum(frame.vector is not None for frame in frames) < p.LEAST_VECTORS
    if problem := _unsound(frames, challenge) or ("face_lost" if unrecognised else None):
        return Verdict(Outcome.NOT_ASSESSABLE, problem)
    if _changed(frames, anchor, same_person):
        return Verdict(Outcome.ATTACK, "identity_changed")
    return _answered(_track(frames, challenge), challenge)


def _answered(track: _Track, challenge: Challenge) -> Verdict:
    if all(_reach(one) < most for one, most in zip((track.yaw, track.pitch, track.size), p.STILL, strict=True)):
        return Verdict(Outcome.ATTACK, "no_movement")
    windows = list(zip(challenge.actions, challenge.starts_s[:-1], challenge.starts_s[1:], strict=True))
    flat = False
    for action, start, end in windows:
        inside = (track.at >= start) & (track.at < end)
        if not inside.any():
            return Verdict(Outcome.NOT_ASSESSABLE, "too_few_frames")
        made, solid = _made(action, track, inside)
        flat |= not solid
        if not made or not _straight(track, start):
            return Verdict(Outcome.ATTACK, "flat_face" if flat else "wrong_movement")
    return Verdict(Outcome.ATTACK, "flat_face") if flat else Verdict(Outcome.LIVE)


def _unsound(frames: Sequence[Frame], challenge: Challenge) -> str | None:
    """What keeps the burst from being judged."""
    times = np.array([frame.at_s for frame in frames])
    if len(frames) < 2 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        return "clock_unsound" if len(frames) >= 2 else "too_few_frames"
    length = challenge.starts_s[-1]
    if len(frames) < p.FRAMES_PER_S * length or times[-1] < length - p.GAP_S or times[0] > challenge.starts_s[0]:
        return "too_few_frames"
    seen = times[[frame.points is not None for frame in frames]]
    if len(seen) < 2 or np.diff(seen).max() > p.GAP_S or seen[0] > challenge.starts_s[0]:
        return "face_lost"
    return None


def _changed(frames: Sequence[Frame], anchor: NDArray[np.float32] | None, same_person: float) -> bool:
    """Whether the face jumps, or is another one than the anchor or than at first."""
    known = [frame for frame in frames if frame.points is not None]
    for before, after in pairwise(known):
        assert before.points is not None
        assert after.points is not None
        step = float(np.hypot(*(after.points.mean(axis=0) - before.points.mean(axis=0))))
        if step > p.JUMP * _eyes(before.points):
            return True
    vectors = [frame.vector for frame in known if frame.vector is not None]
    known_as = vectors[0] if anchor is None and vectors else anchor
    return any(float(vector @ known_as) < same_person for vector in vectors if known_as is not None)


def _track(frames: Sequence[Frame], challenge: Challenge) -> _Track:
    seen = [(frame.at_s, frame.points.astype(np.float64)) for frame in frames if frame.points is not None]
    at = np.array([time for time, _ in seen])
    poses = [pose_of(points.astype(np.float32)) for _, points in seen]
    first = at <= challenge.starts_s[0]
    yaw, pitch = np.array([pose.yaw for pose in poses]), np.array([pose.pitch for pose in poses])
    straight = np.mean([points for (_, points), early in zip(seen, first, strict=True) if early], axis=0)
    spans = np.array([_span(points) for _, points in seen])
    shifts = _parallax(straight, [points for _, points in seen])
    return _Track(
        at,
        yaw - yaw[first].mean(),
        _smooth_pitch(at, pitch),
        spans[:, 1] / spans[first, 1].mean(),
        np.array([shift for shift, _ in shifts]),
        np.array([narrow for _, narrow in shifts]),
    )


def _smooth_pitch(at: NDArray[np.float64], pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pitch is felt so weakly that one frame's noise is half a nod: neighbours are averaged, and straight is what the
    head is at for most of the film, which many frames tell and not only the first few."""
    near = np.abs(at[:, None] - at[None, :]) <= p.SMOOTH_S + 1e-6
    smooth = near @ pitch / near.sum(axis=1)
    return np.asarray(smooth - np.median(smooth))


def _made(action: Action, track: _Track, inside: NDArray[np.bool_]) -> tuple[bool, bool]:
    """Whether the movement was made in a window, and (of a turn) whether by something solid."""
    yaw, pitch = track.yaw[inside], track.pitch[inside]
    if action in {Action.TURN_LEFT, Action.TURN_RIGHT}:
        # The person's left is the picture's right: cameras do not mirror (terminals that do mirror only their screen).
        sign = 1 if action is Action.TURN_LEFT else -1
        widest = int(np.argmax(sign * yaw))
        relief, narrowing = track.relief[inside], track.narrowing[inside]
        most = int(np.argmax(sign * relief))
        solid = sign * relief[most] >= p.RELIEF
        if solid and narrowing[most] < 0.97:
            solid = sign * relief[most] / np.sqrt(1 - narrowing[most] ** 2) >= p.BEND
        return bool(sign * yaw[widest] >= p.TURN and (sign * yaw).min() > -p.STRAIGHT), bool(solid)
    if action is Action.NOD:
        return bool(pitch.max() >= p.NOD and np.abs(yaw).max() < p.TURN), True
    return bool(track.size[inside].max() >= p.NEARER and np.abs(yaw).max() < p.TURN), True


def _reach(values: NDArray[np.float64]) -> float:
    """From the least to the most, landmarks' noise averaged over five frames."""
    width = min(5, len(values))
    return float(np.ptp(np.convolve(values, np.ones(width) / width, "valid")))


def _straight(track: _Track, start: float) -> bool:
    """Whether the head is straight when the next movement is asked for: a film is in the middle of another."""
    near = np.abs(track.at - start) <= p.EDGE_S
    return not near.any() or bool(np.abs(track.yaw[near]).min() <= p.STRAIGHT and track.size[near].min() <= p.NEARER)


def _parallax(straight: NDArray[np.float64], faces: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Of each face how far the nose has left its place to the right of the picture, in eye distances, if the face were
    flat; and how much the face has narrowed against its height (1: not at all).

    The place is that which the affine map of the eyes and the mouth's corners gives it.
    """
    corners = [0, 1, 3, 4]
    # The map of least squares is the corners' places times this, and so is the nose's place: of all faces the same.
    shares = np.append(straight[2], 1.0) @ np.linalg.pinv(np.column_stack([straight[corners], np.ones(4)]))
    before, found = _span(straight), []
    for points in faces:
        after = _span(points)
        narrowing = min(1.0, (after[0] / after[1]) / (before[0] / before[1]))
        across = (points[1] - points[0]) / _eyes(points)
        shift = float((points[2] - shares @ points[corners]) @ across)
        found.append((shift / float(before[0] * after[1] / before[1]), float(narrowing)))
    return found


def _span(points: NDArray[np.float64]) -> tuple[float, float]:
    """Width, the mean of eyes and mouth's corners, and height, from eyes to mouth."""
    places = points.tolist()
    width = (math.dist(places[0], places[1]) + math.dist(places[3], places[4])) / 2
    upper, lower = ([(x + y) / 2 for x, y in zip(*pair, strict=True)] for pair in (places[:2], places[3:]))
    return max(width, 1e-6), max(math.dist(upper, lower), 1e-6)


def _eyes(points: NDArray[np.floating]) -> float:
    return max(math.dist(points[0].tolist(), points[1].tolist()), 1e-6)
