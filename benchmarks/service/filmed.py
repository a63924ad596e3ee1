"""Kiosk customers: people who answer the challenge before the camera, SIMULATED from one picture of each.

A head that is turned, as `benchmarks.face.films` makes it, in so many poses (`LEVELS` for each movement); a film puts
them in the order and at the times that the challenge of the nonce asks, as `api/pages/static/film.js` films: a frame
each 160 ms, 400 pixels high. Every frame is another shot of its pose, for the service takes no pixels twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from api.client import Captures, Frame, Nonce
from api.demo.counter import Card, fingers
from api.demo.material import Person
from api.demo.shots import another_shot
from benchmarks.face import films
from biometrics.errors import NotAssessable
from biometrics.face import Face, FaceEngine
from biometrics.face.choice import choose
from biometrics.face.liveness import Action, Challenge, draw
from biometrics.face.liveness.burst import judge
from biometrics.face.liveness.film import observe
from biometrics.face.liveness.verdict import Outcome
from biometrics.images import decode

LEVELS = 5
EXTENTS = {
    Action.TURN_LEFT: (25.0, 0.0, 1.0),
    Action.TURN_RIGHT: (-25.0, 0.0, 1.0),
    Action.NOD: (0.0, 28.0, 1.0),
    Action.COME_NEARER: (0.0, 0.0, 1.3),
}
"""Yaw and pitch in degrees and nearness at the widest point of a movement."""
FRAME_S, HEIGHT, JPEG_QUALITY = 0.16, 400, 75
DELAY_S, LENGTH_S = 0.2, 1.2
"""How long a person takes to begin a movement, and for a movement there and back."""
STRAIGHT = (0.0, 0.0, 1.0)

Poses = dict[tuple[float, float, float], bytes]


@dataclass(frozen=True)
class Filmed:
    """A card, and what its holder shows at a kiosk: face, finger, and the film that the nonce asks for."""

    card: Card
    face: bytes = field(repr=False)
    finger: bytes = field(repr=False)
    poses: Poses = field(repr=False)

    def take(self, nonce: Nonce) -> Captures:
        """What the person shows under a nonce."""
        challenge = draw(nonce.nonce)
        frames = [Frame(round(1e3 * at), another_shot(self.poses[pose])) for at, pose in answering(challenge)]
        return Captures(another_shot(self.face), fingers(another_shot(self.finger)), burst=frames)


def answering(challenge: Challenge) -> Iterator[tuple[float, tuple[float, float, float]]]:
    """When each frame is taken, in seconds, and the pose in it: each movement begun when it is asked for."""
    for at in np.arange(0.0, challenge.starts_s[-1] + FRAME_S, FRAME_S):
        yield float(at), _pose(challenge, float(at))


def _pose(challenge: Challenge, at: float) -> tuple[float, float, float]:
    for action, start, end in zip(challenge.actions, challenge.starts_s[:-1], challenge.starts_s[1:], strict=True):
        begin = start + DELAY_S
        length = min(LENGTH_S, end - begin)
        if begin <= at <= begin + length:
            return pose(action, round(LEVELS * float(np.sin(np.pi * (at - begin) / length))))
    return STRAIGHT


def pose(action: Action, level: int) -> tuple[float, float, float]:
    """A movement's pose, from 0, straight, to `LEVELS`, the widest."""
    widest = EXTENTS[action]
    yaw, pitch, near = (s + level / LEVELS * (w - s) for s, w in zip(STRAIGHT, widest, strict=True))
    return yaw, pitch, near


def poses(engine: FaceEngine, picture: bytes) -> Poses:
    """The person of a picture in every pose, as JPEG. Raises NotAssessable where the picture shows no face."""
    still = Image.fromarray(decode(picture).rgb)
    still = still.resize((round(still.width * HEIGHT / still.height), HEIGHT), Image.Resampling.BICUBIC)
    rgb = np.asarray(still)
    face = choose(engine.detect(rgb), still.width, still.height)
    exact = Face(face.box, engine.landmarks(rgb, face), face.confidence)
    wanted = {pose(action, level) for action in Action for level in range(LEVELS + 1)}
    return {one: _jpeg(films.frame(rgb, exact, one, films.solid)) for one in sorted(wanted)}


def answers(engine: FaceEngine, made: Poses, tried: Sequence[str]) -> bool:
    """Whether films of these poses are taken for a living person under every one of the nonces."""
    for nonce in tried:
        challenge = draw(nonce)
        shot = list(answering(challenge))
        pictures = [decode(made[one]).rgb for _, one in shot]
        if judge(observe(engine, [at for at, _ in shot], pictures), challenge).outcome is not Outcome.LIVE:
            return False
    return True


def actors(engine: FaceEngine, people: Sequence[Person], tried: Sequence[str]) -> list[tuple[Person, Poses]]:
    """Those of the people whose head can be turned so that it answers: a picture from the side does not."""
    found = []
    for person in people:
        try:
            made = poses(engine, person.capture)
        except NotAssessable:
            continue
        if answers(engine, made, tried):
            found.append((person, made))
    return found


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
