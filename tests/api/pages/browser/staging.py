"""A comparer for the pages' journeys: whatever pictures come, it sees what the test says is there."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace

from api.matching.captures import Burst, BurstFrame, Captures, FingerCapture, Modality, Reference
from api.matching.comparison import PersonResult
from api.matching.guidance import Guidance
from tests.api.scripted import ScriptedComparer

HOLDER = "person:holder"


@dataclass
class StagedComparer(ScriptedComparer):
    """`face` and `finger` are the scripted words of who stands there, `film` how the film is judged, `advice` what the
    guidance says."""

    face: str = HOLDER
    finger: str = HOLDER
    film: str = "live"
    advice: tuple[str, ...] = ()
    looks: int = 0

    def guide(self, image: bytes) -> Guidance:
        """See `Comparer.guide`."""
        assert image.startswith(b"\xff\xd8"), "the page sends JPEG"
        self.looks += 1
        return Guidance(None if "no_face_seen" in self.advice else (0.3, 0.2, 0.4, 0.5), self.advice)

    def compare(
        self, captures: Captures, references: tuple[Reference, ...], searched: Collection[Modality] = ()
    ) -> PersonResult:
        """See `Comparer.compare`."""
        return super().compare(self._staged(captures), references, searched)

    def _staged(self, captures: Captures) -> Captures:
        fingers = tuple(
            FingerCapture(one.position, self._shot(self.finger, one.image), one.dpi) for one in captures.fingers
        )
        burst = captures.burst
        if burst is not None:
            frames = (BurstFrame(0, self.film.encode()), *burst.frames[1:])
            burst = Burst(burst.nonce, frames)
        return replace(
            captures,
            face=None if captures.face is None else self._shot(self.face, captures.face),
            fingers=fingers,
            chip_photo=None if captures.chip_photo is None else HOLDER.encode(),
            burst=burst,
        )

    def _shot(self, word: str, image: bytes) -> bytes:
        """Each is another one: the film that stands in for the camera is short, and comes again and again."""
        assert image[:2] in {b"\xff\xd8", b"\x89P"}, "the page sends pictures"
        return f"{word}#{secrets.token_hex(16)}".encode()
