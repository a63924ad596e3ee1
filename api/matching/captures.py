"""Captures and references as the pipeline passes them on: in memory only, with no repr of their content."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from biometrics.face import Transform

Modality = Literal["face", "finger"]


class FingerPosition(StrEnum):
    """The ten fingers, ISO/IEC 19794-2 table 2."""

    RIGHT_THUMB = "right_thumb"
    RIGHT_INDEX = "right_index"
    RIGHT_MIDDLE = "right_middle"
    RIGHT_RING = "right_ring"
    RIGHT_LITTLE = "right_little"
    LEFT_THUMB = "left_thumb"
    LEFT_INDEX = "left_index"
    LEFT_MIDDLE = "left_middle"
    LEFT_RING = "left_ring"
    LEFT_LITTLE = "left_little"


@dataclass(frozen=True)
class FingerCapture:
    """One finger: encoded image, and the scanner's dpi when the terminal knows it."""

    position: FingerPosition
    image: bytes = field(repr=False)
    dpi: float | None = None


@dataclass(frozen=True)
class BurstFrame:
    """One frame of a film of the face: encoded image, and when it was taken, in ms from the first frame."""

    at_ms: int
    image: bytes = field(repr=False)


@dataclass(frozen=True)
class Burst:
    """The face's answer to the challenge that belongs to the capture's nonce."""

    nonce: str = field(repr=False)
    frames: tuple[BurstFrame, ...]


@dataclass(frozen=True)
class Captures:
    """What a terminal captured: encoded images. `chip_photo` is the reader's decoded picture.

    `more_faces` are for enrolling only: further pictures of the person, of which one template is made with `face`.
    """

    face: bytes | None = field(default=None, repr=False)
    fingers: tuple[FingerCapture, ...] = ()
    chip_photo: bytes | None = field(default=None, repr=False)
    burst: Burst | None = None
    more_faces: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is of a person: no picture, no print, no film."""
        return not (self.face or self.fingers or self.chip_photo or self.burst or self.more_faces)


@dataclass(frozen=True)
class Reference:
    """A stored template, opened: `template` is the engine's own serialised form, None when it did not open.

    `erased`: because the key that it was sealed under was deleted. `transform`: what turned a face, and has to turn
    what it is compared with; None where nothing did.
    """

    modality: Modality
    position: FingerPosition | None
    engine: str
    template: bytes | None = field(repr=False)
    erased: bool = False
    transform: Transform | None = field(default=None, repr=False)
