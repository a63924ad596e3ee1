"""Liveness between the engines and the service: what is judged, by what, and what a burst may not do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from api.matching.captures import Burst, BurstFrame, Captures, Reference
from api.matching.comparison import CaptureInvalid, LivenessResult
from api.matching.engines import BiometricComparer
from api.matching.liveness import DIGESTED, MAX_FRAME_BYTES, LivenessJudge
from benchmarks.face.liveness import living, turned_print
from biometrics.errors import NotAssessable
from biometrics.face import Face, FaceEngine, FaceTemplate
from biometrics.face.liveness import Frame, Outcome, PassiveDetector, Verdict, draw
from biometrics.finger import FingerEngine
from biometrics.scoring.calibration import Calibration
from tests.api.pictures import written

NONCE = "a nonce of the service"
CALIBRATION = Calibration.load(FaceEngine.engine)


@dataclass
class Seen:
    """A face engine that sees what a simulated burst holds: frame n is the picture of the grey level n.

    `person` is who is seen, a direction; grey level 255 is the capture, 254 shows nobody.
    """

    frames: list[Frame]
    person: int = 0
    engine: str = FaceEngine.engine
    looked: list[int] = field(default_factory=list)
    templates: int = 0

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        level = int(rgb[0, 0, 0])
        self.looked.append(level)
        if level == 254:
            return []
        box = np.array([20, 20, 24, 24], np.float32)
        return [Face(box, np.full((5, 2), level, np.float32), 0.9)]

    def landmarks(self, rgb: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        points = self.frames[int(rgb[0, 0, 0])].points
        assert points is not None
        return points

    def vector_at(self, rgb: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
        direction: NDArray[np.float32] = np.eye(128, dtype=np.float32)[self.person]
        return direction

    def extract_pixels(self, rgb: NDArray[np.uint8]) -> FaceTemplate:
        self.templates += 1
        if int(rgb[0, 0, 0]) == 254:
            raise NotAssessable("no_face")
        return FaceTemplate.of(self.engine, np.eye(128)[0], 80)

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> float:
        return FaceEngine.compare(cast(FaceEngine, self), probe, reference)


class NoFinger:
    """A finger engine that is not asked."""

    engine = FingerEngine.engine


class Looks:
    """A passive network with one answer."""

    def __init__(self, outcome: Outcome) -> None:
        self.verdict = Verdict(outcome, None if outcome is Outcome.LIVE else "passive_attack", 0.5)

    def judge(self, rgb: NDArray[np.uint8], face: Face) -> Verdict:
        return self.verdict


def level(number: int) -> bytes:
    return written(Image.new("RGB", (64, 64), (number, 0, 0)), "PNG")


CAPTURE, NOBODY = level(255), level(254)


def judge_of(frames: list[Frame], person: int = 0, passive: Outcome | None = None) -> LivenessJudge:
    detector = None if passive is None else cast(PassiveDetector, Looks(passive))
    return LivenessJudge(cast(FaceEngine, Seen(frames, person)), CALIBRATION, detector)


def film(frames: list[Frame], nonce: str = NONCE) -> Burst:
    return Burst(nonce, tuple(BurstFrame(round(1000 * frame.at_s), level(i)) for i, frame in enumerate(frames)))


@pytest.fixture(scope="module")
def alive() -> list[Frame]:
    return living(np.random.default_rng(1), draw(NONCE))


def test_who_answers_the_challenge_is_live(alive: list[Frame]) -> None:
    judged = judge_of(alive).judge(Captures(CAPTURE, burst=film(alive)))
    assert judged.result == LivenessResult("live", None, challenge=True)
    assert len(judged.digests) == DIGESTED
    assert len(set(judged.digests)) == DIGESTED


def test_a_print_that_is_turned_is_not(alive: list[Frame]) -> None:
    flat = turned_print(np.random.default_rng(2), draw(NONCE))
    result = judge_of(flat).judge(Captures(CAPTURE, burst=film(flat))).result
    assert result == LivenessResult("attack", "flat_face", challenge=True)


def test_a_burst_for_another_nonce_is_a_replay(alive: list[Frame]) -> None:
    others = [nonce for nonce in (f"nonce {n}" for n in range(20)) if draw(nonce).actions != draw(NONCE).actions]
    for nonce in others[:5]:
        result = judge_of(alive).judge(Captures(CAPTURE, burst=film(alive, nonce))).result
        assert result is not None
        assert result.outcome != "live"


def test_a_burst_of_somebody_else_than_the_capture_shows_is_an_attack(alive: list[Frame]) -> None:
    result = judge_of(alive, person=1).judge(Captures(CAPTURE, burst=film(alive))).result
    assert result == LivenessResult("attack", "identity_changed", challenge=True)


def test_a_passive_attack_outweighs_the_answer(alive: list[Frame]) -> None:
    captures = Captures(CAPTURE, burst=film(alive))
    attacked = judge_of(alive, passive=Outcome.ATTACK).judge(captures).result
    assert attacked == LivenessResult("attack", "passive_attack", challenge=True, passive=True)
    agreed = judge_of(alive, passive=Outcome.LIVE).judge(captures).result
    assert agreed == LivenessResult("live", None, challenge=True, passive=True)


def test_a_passive_look_alone_says_no_more_than_that_it_was_taken() -> None:
    quiet = judge_of([], passive=Outcome.LIVE)
    assert quiet.wanted(Captures(CAPTURE))
    assert quiet.judge(Captures(CAPTURE)).result == LivenessResult("not_assessed", "no_challenge", passive=True)
    alarmed = judge_of([], passive=Outcome.ATTACK).judge(Captures(CAPTURE)).result
    assert alarmed == LivenessResult("attack", "passive_attack", passive=True)


def test_without_burst_and_pack_nothing_is_judged(alive: list[Frame]) -> None:
    bare = judge_of([])
    assert not bare.wanted(Captures(CAPTURE))
    assert bare.wanted(Captures(CAPTURE, burst=film(alive)))
    assert not judge_of([], passive=Outcome.LIVE).wanted(Captures(None))


@pytest.mark.parametrize(("face", "reason"), [(None, "not_captured"), (NOBODY, "no_face")])
def test_without_a_face_to_hold_it_against_a_burst_is_not_assessed(
    alive: list[Frame], face: bytes | None, reason: str
) -> None:
    result = judge_of(alive).judge(Captures(face, burst=film(alive))).result
    assert result == LivenessResult("not_assessed", reason)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("held", [True, False], ids=["enrolled", "not enrolled"])
def test_beside_a_comparison_the_face_is_recognised_once(alive: list[Frame], held: bool, threads: int) -> None:
    seen = Seen(alive)
    comparer = BiometricComparer(cast(FaceEngine, seen), cast(FingerEngine, NoFinger()), threads)
    enrolled = FaceTemplate.of(seen.engine, np.eye(128)[0], 80).to_bytes()
    references = (Reference("face", None, seen.engine, enrolled),) if held else ()
    result = comparer.compare(Captures(CAPTURE, burst=film(alive)), references)
    assert result.liveness == LivenessResult("live", None, challenge=True)
    assert seen.templates == 1


def test_beside_a_comparison_that_finds_no_face_the_burst_is_not_assessed_either(alive: list[Frame]) -> None:
    seen = Seen(alive)
    comparer = BiometricComparer(cast(FaceEngine, seen), cast(FingerEngine, NoFinger()), 1)
    enrolled = FaceTemplate.of(seen.engine, np.eye(128)[0], 80).to_bytes()
    references = (Reference("face", None, seen.engine, enrolled),)
    result = comparer.compare(Captures(NOBODY, burst=film(alive)), references)
    assert result.liveness == LivenessResult("not_assessed", "no_face")
    assert result.modalities[0].reason == "no_face"


@pytest.mark.parametrize(("image", "code"), [(b"no picture", "image_not_an_image"), (b"", "image_empty")])
def test_a_frame_that_is_no_picture_is_told(alive: list[Frame], image: bytes, code: str) -> None:
    broken = Burst(NONCE, (*film(alive).frames[:3], BurstFrame(9000, image)))
    with pytest.raises(CaptureInvalid) as refused:
        judge_of(alive).judge(Captures(CAPTURE, burst=broken))
    assert (refused.value.code, refused.value.field) == (code, "burst")


def test_a_frame_that_unfolds_to_megapixels_is_refused(alive: list[Frame]) -> None:
    wide = written(Image.new("RGB", (2000, 1000)), "PNG")
    with pytest.raises(CaptureInvalid) as refused:
        judge_of(alive).judge(Captures(CAPTURE, burst=Burst(NONCE, (BurstFrame(0, wide), *film(alive).frames[1:]))))
    assert (refused.value.code, refused.value.field) == ("image_too_many_pixels", "burst")


def test_a_frame_that_is_too_large_is_refused(alive: list[Frame]) -> None:
    huge = Burst(NONCE, (BurstFrame(0, CAPTURE + bytes(MAX_FRAME_BYTES)), *film(alive).frames[1:]))
    with pytest.raises(CaptureInvalid) as refused:
        judge_of(alive).judge(Captures(CAPTURE, burst=huge))
    assert (refused.value.code, refused.value.field) == ("image_too_large", "burst")
