"""The challenge-response check on SIMULATED bursts: APCER for each kind of attack, and BPCER.

Nothing here is a film of a person. A burst is five landmarks a frame: of a solid head with a nose of its own depth,
and of pictures of one, moved by seeded movements and seen with a camera's perspective and a detector's noise. So the
figures say whether the geometry is judged right, not how people behave before a camera. Error rates as in ISO/IEC
30107-3: APCER is the share of attacks that pass, BPCER that of living persons who do not (not assessable ones, too),
each kind apart.

* `static_print`, `moved_print` (shifted, tilted and brought nearer by hand), `turned_print` (turned as the challenge
  asks), `bent_print` (bent to a cylinder and turned), `bent_strongly` (to half a head's radius)
* `replayed_film`: a living person's burst that was recorded for another challenge
* `swapped_person`: another person takes over in the middle
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from biometrics.face.liveness import Action, Challenge, Frame, Outcome, draw, judge
from biometrics.face.parameters import FACE_MODEL_MM

BURSTS = 500
FRAMES_PER_S = 12.0
NOISE = 0.015
"""Standard deviation of a landmark's coordinates in eye distances, between frames of one burst."""
DISTANCE_MM, FOCAL_PIXELS = 550.0, 900.0
Movement = Callable[[float], tuple[float, float, float]]


def run(bursts: int, json_path: Path | None, images: Path | None = None, films: int = 40) -> list[Result]:
    """Measure, print a table, and write JSON where asked to; see the module's text."""
    results = []
    for kind, make in KINDS.items():
        passed, reasons = 0, dict.fromkeys(("attack", "not_assessable"), 0)
        for number in track(range(bursts), kind):
            random = np.random.default_rng([number, sum(kind.encode())])
            challenge = draw(f"{kind} {number}")
            verdict = judge(make(random, challenge), challenge)
            passed += verdict.outcome is Outcome.LIVE
            if verdict.outcome is not Outcome.LIVE:
                reasons[verdict.outcome.value] += 1
        share = passed / bursts
        metric, value = ("bpcer", 1 - share) if kind == "bona_fide" else ("apcer", share)
        low, high = wilson(value, bursts)
        results.append(Result(f"simulated/{kind}", metric, value, low, high, FRACTION, bursts))
        say(f"{kind}: {reasons}")
    if images is not None:
        from benchmarks.face import film_trials as face_film_trials

        results += face_film_trials.run(images, films)
    print_table(results, title="Liveness, simulated")
    if json_path:
        write_json(json_path, "face-liveness", results)
    return results


def head(random: np.random.Generator) -> NDArray[np.float64]:
    """Five landmarks of a person, mm: the average face with a depth, a width and a height of its own."""
    model = np.array(FACE_MODEL_MM)
    own: NDArray[np.float64] = model * np.array(
        [random.normal(1, 0.04), random.normal(1, 0.04), random.normal(1, 0.12)]
    )
    own += random.normal(0, 1.0, model.shape)
    return own


def living(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A person who does what is asked, at their own pace and extent."""
    return seen(random, challenge, head(random), movement(random, challenge))


def movement(random: np.random.Generator, challenge: Challenge) -> Movement:
    """Yaw and pitch in degrees and nearness (1: as at first) at a time, for a person who answers the challenge."""
    plans = []
    for action, start, end in zip(challenge.actions, challenge.starts_s[:-1], challenge.starts_s[1:], strict=True):
        begin = start + random.uniform(0.15, 0.3)
        extent = {"turn": random.uniform(20, 40), "nod": random.uniform(13, 25), "near": random.uniform(0.22, 0.4)}
        plans.append((action, begin, min(end - begin, random.uniform(0.8, 1.2)), extent))
    wobble = random.uniform(-2, 2, 3), random.uniform(0, 6.3, 3)

    def at(time: float) -> tuple[float, float, float]:
        yaw, pitch = (float(wobble[0][i] * np.sin(1.7 * time + wobble[1][i])) for i in (0, 1))
        near = 1.0 + 0.01 * float(np.sin(time))
        for action, begin, length, extent in plans:
            if begin <= time <= begin + length:
                share = float(np.sin(np.pi * (time - begin) / length))
                if action in {Action.TURN_LEFT, Action.TURN_RIGHT}:
                    yaw += share * extent["turn"] * (1 if action is Action.TURN_LEFT else -1)
                elif action is Action.NOD:
                    pitch += share * extent["nod"]
                else:
                    near += share * extent["near"]
        return yaw, pitch, near

    return at


def seen(
    random: np.random.Generator, challenge: Challenge, model: NDArray[np.float64], moves: Movement, person: int = 0
) -> list[Frame]:
    """The frames of something with five landmarks, `model` (5, 3) in mm, that moves before a camera."""
    frames: list[Frame] = []
    lean, place = np.radians(random.uniform(-4, 4)), random.uniform(-30, 30, 2)
    base_yaw, base_pitch = random.uniform(-5, 5, 2)
    for time in np.arange(0, challenge.starts_s[-1] + 0.1, 1 / FRAMES_PER_S):
        yaw, pitch, near = moves(float(time))
        turned = model @ rotation(np.radians(yaw + base_yaw), np.radians(pitch + base_pitch), lean).T
        depth = DISTANCE_MM / near - turned[:, 2]
        points = turned[:, :2] * (FOCAL_PIXELS / depth)[:, None] + 300 + place
        eyes = float(np.hypot(*(points[1] - points[0])))
        noisy = points + random.normal(0, NOISE * eyes, points.shape)
        vector = np.eye(8)[person] if len(frames) % 4 == 0 else None
        frames.append(
            Frame(float(time), noisy.astype(np.float32), None if vector is None else vector.astype(np.float32))
        )
    return frames


def static_print(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A photograph on a stand."""
    return seen(random, challenge, flat(random), lambda _: (0.0, 0.0, 1.0))


def moved_print(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A photograph moved by hand, without regard to what is asked."""
    speed, phase = random.uniform(1, 4, 3), random.uniform(0, 6.3, 3)
    extent = np.array([random.uniform(10, 40), random.uniform(5, 25), random.uniform(0, 0.3)])

    def at(time: float) -> tuple[float, float, float]:
        yaw, pitch, near = extent * np.sin(speed * time + phase)
        return float(yaw), float(pitch), 1.0 + abs(float(near))

    return seen(random, challenge, flat(random), at)


def turned_print(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A photograph turned, tilted and brought nearer just as the challenge asks."""
    return seen(random, challenge, flat(random), movement(random, challenge))


def bent_print(random: np.random.Generator, challenge: Challenge, radius: float = 100.0) -> list[Frame]:
    """A photograph bent around an upright cylinder, 100 mm being about a head's radius and a half, moved as asked."""
    model = flat(random)
    angle = model[:, 0] / radius
    bent = np.column_stack([radius * np.sin(angle), model[:, 1], radius * (np.cos(angle) - 1)])
    moves = movement(random, challenge)
    return seen(random, challenge, bent, lambda time: (1.4 * moves(time)[0], *moves(time)[1:]))


def bent_strongly(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A photograph bent to a radius of 50 mm."""
    return bent_print(random, challenge, 50.0)


def replayed_film(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """A person's answer to another challenge, cut or held to this one's length."""
    other = draw(f"another challenge {random.integers(1 << 40)}")
    moves = movement(random, other)
    return seen(random, challenge, head(random), lambda time: moves(min(time, other.starts_s[-1])))


def swapped_person(random: np.random.Generator, challenge: Challenge) -> list[Frame]:
    """One person answers the first action, another goes on."""
    moves = movement(random, challenge)
    first, second = (seen(random, challenge, head(random), moves, person) for person in (0, 1))
    change = challenge.starts_s[1]
    return [a if a.at_s < change else b for a, b in zip(first, second, strict=True)]


def flat(random: np.random.Generator) -> NDArray[np.float64]:
    """The landmarks of a photograph of a person: of a head, frontal or a little turned, as a plane shows it."""
    turn = rotation(np.radians(random.uniform(-10, 10)), np.radians(random.uniform(-8, 8)), 0.0)
    model = head(random) @ turn.T
    return np.column_stack([model[:, :2], np.zeros(len(model))])


def rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """The (3, 3) matrix of a turn, a nod and a lean, angles in radians."""
    a, b, c = (np.cos(angle) for angle in (yaw, pitch, roll))
    d, e, f = (np.sin(angle) for angle in (yaw, pitch, roll))
    turn = np.array([[a, 0, d], [0, 1, 0], [-d, 0, a]])
    nod = np.array([[1, 0, 0], [0, b, e], [0, -e, b]])
    lean = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return np.asarray(lean @ nod @ turn)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927), which a bootstrap of no errors could not give."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = 1.96 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


KINDS: dict[str, Callable[[np.random.Generator, Challenge], list[Frame]]] = {
    "bona_fide": living,
    "static_print": static_print,
    "moved_print": moved_print,
    "turned_print": turned_print,
    "bent_print": bent_print,
    "bent_strongly": bent_strongly,
    "replayed_film": replayed_film,
    "swapped_person": swapped_person,
}
