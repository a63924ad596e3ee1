"""Judging liveness: a burst of frames against its nonce's challenge, and the passive pack where it is installed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.matching.captures import Burst, Captures
from api.matching.comparison import CaptureInvalid, LivenessResult
from api.matching.digests import digest_of
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.face.choice import choose
from biometrics.face.liveness import Outcome, PassiveDetector, Verdict, assess, draw, judge, observe
from biometrics.face.parameters import SUFFICIENT_SIDE
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration
from models import install

PASSIVE_PACK = "minifasnet"
MAX_FRAME_BYTES = 512 * 1024
MAX_FRAME_PIXELS = 1_100_000
FRAME_SIDE = 480
"""Frames are looked at with about so many pixels on the longer side: the landmarks need no more."""
SAME_PERSON_FMR = 1e-4
"""Frames of a burst have to look as much like the capture as the threshold of this FMR asks."""
DIGESTED = 8
"""Of so many frames, evenly spread, digests are kept, so that a burst is not taken twice."""


@dataclass(frozen=True)
class Judged:
    """The result, and digests of frames that make a burst new."""

    result: LivenessResult | None
    digests: tuple[bytes, ...] = field(default=(), repr=False)


class LivenessJudge:
    """Safe among threads."""

    def __init__(self, face: FaceEngine, calibration: Calibration, passive: PassiveDetector | None = None) -> None:
        self._face = face
        self._passive = passive
        self._same_person = _threshold(calibration, SAME_PERSON_FMR)

    @classmethod
    def open(cls, face: FaceEngine, calibration: Calibration, home: Path) -> "LivenessJudge":
        """With the passive pack, where `renzheng models add` put it. Raises `ModelError` where that is damaged."""
        there = install.state(PASSIVE_PACK, home) != "missing"
        return cls(face, calibration, PassiveDetector.open(home) if there else None)

    def wanted(self, captures: Captures) -> bool:
        """Whether there is anything to judge, and something to judge it with."""
        return captures.burst is not None or (self._passive is not None and captures.face is not None)

    def judge(self, captures: Captures, probe: Callable[[], FaceTemplate | None] = lambda: None) -> Judged:
        """What the burst and the picture of the face say. Raises CaptureInvalid for a frame that is no picture.

        `probe` gives the template of the captured face where another makes one, which is asked for late; None where
        there is none to be had from there.
        """
        if captures.face is None:
            return Judged(LivenessResult("not_assessed", "not_captured"))
        face = captures.face
        pictures = [] if captures.burst is None else _pictures(captures.burst)
        digests = tuple(dict.fromkeys(digest_of(pictures[place]) for place in _spread(len(pictures))))
        try:
            passive = None if self._passive is None else self._judged_passively(self._passive, _captured(face))
            active = None if captures.burst is None else self._judged_actively(captures.burst, pictures, face, probe)
        except NotAssessable as error:
            return Judged(LivenessResult("not_assessed", error.reason), digests)
        return Judged(_result(active, passive), digests)

    def _judged_passively(self, detector: PassiveDetector, rgb: NDArray[np.uint8]) -> Verdict:
        return detector.judge(rgb, choose(self._face.detect(rgb), rgb.shape[1], rgb.shape[0]))

    def _judged_actively(
        self, burst: Burst, pictures: list[NDArray[np.uint8]], face: bytes, probe: Callable[[], FaceTemplate | None]
    ) -> Verdict:
        frames = observe(self._face, [frame.at_ms / 1000 for frame in burst.frames], pictures)
        anchor = probe() or self._face.extract_pixels(_captured(face))
        return judge(frames, draw(burst.nonce), anchor=anchor.vector, same_person=self._same_person)


def _captured(face: bytes) -> NDArray[np.uint8]:
    try:
        return decode(face, sufficient_side=SUFFICIENT_SIDE).rgb
    except InvalidImage as error:
        raise CaptureInvalid(error.code, "face") from error


def _result(active: Verdict | None, passive: Verdict | None) -> LivenessResult:
    together = assess(active, passive)
    judged = {"challenge": active is not None, "passive": passive is not None}
    if together.outcome is Outcome.NOT_ASSESSABLE:
        return LivenessResult("not_assessed", together.reason, **judged)
    return LivenessResult("live" if together.outcome is Outcome.LIVE else "attack", together.reason, **judged)


def _pictures(burst: Burst) -> list[NDArray[np.uint8]]:
    found = []
    for frame in burst.frames:
        if len(frame.image) > MAX_FRAME_BYTES:
            raise CaptureInvalid("image_too_large", "burst")
        try:
            rgb = decode(frame.image, sufficient_side=FRAME_SIDE).rgb
        except InvalidImage as error:
            raise CaptureInvalid(error.code, "burst") from error
        # All frames are held at once: a few kilobytes can unfold to many megapixels.
        if rgb.shape[0] * rgb.shape[1] > MAX_FRAME_PIXELS:
            raise CaptureInvalid("image_too_many_pixels", "burst")
        found.append(rgb)
    return found


def _spread(count: int) -> list[int]:
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, DIGESTED)).round()}) if count else []


def _threshold(calibration: Calibration, fmr: float) -> float:
    """The comparison score at which the FMR is at most `fmr`; the best score that is known where none is so low."""
    return float(np.interp(-np.log(fmr), -calibration.ln_fmr, calibration.score))
