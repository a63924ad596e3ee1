"""The whole liveness check on SIMULATED films and pictures (`face_films.py`): detector, landmarks, recogniser, verdict.

* `films/...`: the challenge, judged on frames that are made of stills: `head` (whoever answers: BPCER), and as attacks
  a print that is held still, moved by hand, turned as asked, bent and turned as asked, a film of an answer to another
  challenge, and a film of another person than the capture shows (APCER each).
* `passive/...`: MiniFASNet on the stills as they are (BPCER; pictures of a press camera, not of a terminal's), and on
  simulated prints and screens (APCER each).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result
from benchmarks.face import films
from benchmarks.face.gallery import pictures_below, subject_of
from benchmarks.face.liveness import Movement, movement, wilson
from biometrics.errors import NotAssessable
from biometrics.face import Face, FaceEngine
from biometrics.face.choice import choose
from biometrics.face.fitting import halves
from biometrics.face.liveness import Challenge, Outcome, PassiveDetector, draw, judge, observe
from biometrics.face.pose import pose_of
from biometrics.images import decode
from models.errors import PackMissing

FRONTAL = 8.0
Pixels = NDArray[np.uint8]
Still = tuple[Pixels, Face, NDArray[np.float32]]
"""A picture, its face with exact landmarks, and the vector of its template."""


def run(images: Path, count: int) -> list[Result]:
    """Results for `count` stills of as many people below `images`."""
    engine = FaceEngine.open()
    stills = _stills(engine, images, count)
    results = []
    for kind, make in FILMS.items():
        outcomes = [make(engine, stills, number) for number in track(range(len(stills)), f"films: {kind}")]
        results.append(_result(f"simulated/films/{kind}", kind == "head", outcomes))
    return results + _passively(stills)


def _stills(engine: FaceEngine, images: Path, count: int) -> list[Still]:
    """One picture a person, frontal and good enough for a counter; of the half whom no threshold was chosen on."""
    every = {subject_of(name): name for name in sorted(pictures_below(images), reverse=True)}
    people = sorted(every)
    names = {who: every[who] for who, side in zip(people, halves(people, "films"), strict=True) if side == 0}
    found: list[Still] = []
    for name in list(names.values())[:: max(1, len(names) // (3 * count))]:
        rgb = decode((images / name).read_bytes()).rgb
        try:
            face = choose(engine.detect(rgb), rgb.shape[1], rgb.shape[0])
        except NotAssessable:
            continue
        exact = Face(face.box, engine.landmarks(rgb, face), face.confidence)
        vector = engine.vector_at(rgb, exact.points)
        if vector is not None and abs(pose_of(exact.points).yaw) < FRONTAL:
            found.append((rgb, exact, vector))
        if len(found) == count:
            break
    say(f"{len(found)} stills")
    return found


def _filmed(
    engine: FaceEngine,
    still: Still,
    moves: Movement,
    challenge: Challenge,
    depth: films.Depth,
    anchor: NDArray[np.float32],
) -> Outcome:
    times, frames = films.film(still[0], still[1], moves, challenge, depth)
    return judge(observe(engine, times, frames), challenge, anchor=anchor).outcome


def _head(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, random = _drawn(number)
    return _filmed(engine, stills[number], movement(random, challenge), challenge, films.solid, stills[number][2])


def _still_print(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, _ = _drawn(number)
    return _filmed(engine, stills[number], lambda _: (0, 0, 1), challenge, films.flat, stills[number][2])


def _moved_print(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, random = _drawn(number)
    speed, phase = random.uniform(1, 4, 3), random.uniform(0, 6.3, 3)
    extent = np.array([random.uniform(10, 25), random.uniform(5, 20), random.uniform(0, 0.3)])

    def moves(time: float) -> tuple[float, float, float]:
        yaw, pitch, near = extent * np.sin(speed * time + phase)
        return float(yaw), float(pitch), 1 + abs(float(near))

    return _filmed(engine, stills[number], moves, challenge, films.flat, stills[number][2])


def _turned_print(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, random = _drawn(number)
    return _filmed(engine, stills[number], movement(random, challenge), challenge, films.flat, stills[number][2])


def _bent_print(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, random = _drawn(number)
    return _filmed(engine, stills[number], movement(random, challenge), challenge, films.bent, stills[number][2])


def _old_film(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    challenge, random = _drawn(number)
    other = draw(f"an older challenge {number}")
    moves = movement(random, other)
    end = other.starts_s[-1]
    return _filmed(
        engine, stills[number], lambda time: moves(min(time, end)), challenge, films.solid, stills[number][2]
    )


def _another(engine: FaceEngine, stills: Sequence[Still], number: int) -> Outcome:
    """The attacker answers the challenge; the capture is the holder's picture."""
    challenge, random = _drawn(number)
    holder = stills[(number + 1) % len(stills)]
    return _filmed(engine, stills[number], movement(random, challenge), challenge, films.solid, holder[2])


FILMS: dict[str, Callable[[FaceEngine, Sequence[Still], int], Outcome]] = {
    "head": _head,
    "still_print": _still_print,
    "moved_print": _moved_print,
    "turned_print": _turned_print,
    "bent_print": _bent_print,
    "old_film": _old_film,
    "another_person": _another,
}


def _drawn(number: int) -> tuple[Challenge, np.random.Generator]:
    return draw(f"a film {number}"), np.random.default_rng(number)


def _passively(stills: Sequence[Still]) -> list[Result]:
    try:
        detector = PassiveDetector.open()
    except PackMissing:
        say("The passive pack is not installed (renzheng models add DIR): nothing is said of it.")
        return []
    kinds: dict[str, Callable[[Pixels, np.random.Generator], Pixels] | None] = {
        "picture": None,
        "print": films.printed,
        "screen": films.replayed,
    }
    engine = FaceEngine.open()
    results = []
    for kind, make in kinds.items():
        outcomes = []
        for number, (rgb, _, _) in enumerate(stills):
            shown = rgb if make is None else make(rgb, np.random.default_rng(number))
            faces = engine.detect(shown)
            if not faces:
                outcomes.append(Outcome.NOT_ASSESSABLE)
                continue
            face = choose(faces, shown.shape[1], shown.shape[0], "nearest")
            outcomes.append(detector.judge(shown, face).outcome)
        results.append(_result(f"simulated/passive/{kind}", make is None, outcomes))
    return results


def _result(name: str, bona_fide: bool, outcomes: Sequence[Outcome]) -> Result:
    passed = sum(outcome is Outcome.LIVE for outcome in outcomes) / len(outcomes)
    metric, value = ("bpcer", 1 - passed) if bona_fide else ("apcer", passed)
    return Result(name, metric, value, *wilson(value, len(outcomes)), FRACTION, len(outcomes))
