"""Every number of the liveness room, with its reason. Angles in degrees, times in seconds, lengths in eye distances."""

from __future__ import annotations

from typing import Final

ACTIONS: Final = 3
ACTION_S: Final = 1.2
LEAD_S: Final = 0.6
PAUSE_STEP_S: Final = 0.05
"""How many actions a challenge has, how long the shortest lasts, how long the head is looked at straight first, and the
step of the random rest: a film that was taken for another challenge is out of time even where its order fits."""

FRAMES_PER_S: Final = 4.0
"""At least as many frames in the mean: a turn there and back of 1.2 s has five."""

TURN: Final = 14.0
NOD: Final = 4.5
SMOOTH_S: Final = 0.2
NEARER: Final = 1.15
"""Degrees of yaw and pitch away from the straight head, and growth of the face, that count as the movement. Of a pitch
YuNet's landmarks show little more than a third: a nod of 15 degrees is felt as 5.5, with a noise of 2 a frame, which is
why the frames so many seconds before and after are averaged. No other formula for the five points tells more of it.
Chosen together with RELIEF on simulated films of twenty and forty people (`benchmarks/face/film_trials.py` judges
others), so that fewer heads are turned away and no more bent prints pass."""

STILL: Final = (7.0, 4.0, 0.075)
"""What yaw, pitch and size range over in a film in which nothing moves: less than this."""

STRAIGHT: Final = 9.0
"""Another movement than the one asked for stays below this many degrees (pitch: NOD), so that a head that is swung to
and fro all the time answers nothing."""

EDGE_S: Final = 0.1
"""So near the moment at which a movement is asked for, the head has to be straight and as far away as at first."""

RELIEF: Final = 0.11
"""How far the nose has to leave the place that the eyes and the mouth's corners give it, as a flat picture would have
it, at the widest point of a turn. A nose stands 0.4 eye distances before the others: 0.10 at 14 degrees, 0.14 at 20. A
picture bent to a radius of a head's stands 0.1 before its edges: 0.04 at 25 degrees."""

BEND: Final = 0.23
"""The same over the sine of the turn that the narrowing of the face tells of: a strongly turned bent picture shows its
bend, but narrows more than a head would."""

SAME_PERSON: Final = 0.35
"""Least comparison score between a frame and the straight first ones: the FMR of about 1e-4."""

LEAST_VECTORS: Final = 3
MOST_VECTORS: Final = 8
STRAIGHT_ENOUGH: Final = 20.0
"""How many frames of a burst are recognised, at least and at most, spread over its length; and to how many degrees of
yaw a frame is straight enough for that: comparison scores of a head turned farther fall, also of the same person."""

GAP_S: Final = 0.8
"""Frames farther apart than this leave time to swap what is before the camera."""

JUMP: Final = 1.2
"""How far a face may move between two frames, in eye distances."""

PASSIVE_LIVE: Final = 0.5
"""Mean probability of the passive networks from which a face does not count as an attack."""
